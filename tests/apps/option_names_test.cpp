// Sentences of the library as the command says them.
#include "option_names.hpp"

#include <gtest/gtest.h>

namespace stagemark {
namespace {

TEST(OptionNames, StandWhereTheLibraryNamesAParameter) {
  EXPECT_EQ(with_option_names("`threshold`: is not a number"), "--threshold: is not a number");
  EXPECT_EQ(with_option_names("give `max_accuracy_drop` off or more `passes`"),
            "give --max-accuracy-drop off or more --passes");
  EXPECT_EQ(with_option_names("repeat it with 'stagemark run x `processes` 10'"),
            "repeat it with 'stagemark run x --processes 10'");
}

TEST(OptionNames, MayBeOthersThanTheParameters) {
  EXPECT_EQ(with_option_names("gate another of `latencies`, or `max_drops`"),
            "gate another of --metric, or --max-drop");
  EXPECT_EQ(with_option_names("name the report.json that `run` wrote"),
            "name the report.json that 'stagemark run' wrote");
}

TEST(OptionNames, AreAsLongAsWhatTheyStandForSoThatTablesStayInLine) {
  EXPECT_EQ(with_option_names("`round_memory`").size(), std::string("`round_memory`").size());
}

TEST(OptionNames, LeaveAllElseAsItIs) {
  for (const char* text :
       {"", "`", "``", "no parameter", "`total` rose over the run", "a `file name` in `Ticks`", "one `unclosed",
        "`total_with_waits`", "a file a`b`c.png", "Expected `self` to be a Tensor"}) {
    EXPECT_EQ(with_option_names(text), text);
  }
  EXPECT_EQ(with_option_names("a ` alone, then `passes`"), "a ` alone, then --passes");
}

TEST(OptionNames, StandInAllThatAGateFound) {
  GateResult result;
  result.checks.push_back({.candidate = "net", .metric = "accuracy", .finding = "measure with more `passes`"});
  result.warnings = {"allow more with `max_slowdown`"};
  result = with_option_names(std::move(result));
  EXPECT_EQ(result.checks[0].finding, "measure with more --passes");
  EXPECT_EQ(result.warnings[0], "allow more with --max-slowdown");
}

}  // namespace
}  // namespace stagemark
