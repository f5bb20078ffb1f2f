#include "stagemark/model/activation_ranges.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "fakes/temporary_directory.hpp"
#include "stagemark/core/error.hpp"

namespace stagemark {
namespace {

const std::string head = "stagemark activation ranges 1\n";

TEST(ActivationRanges, AreReadBackBitForBit) {
  const TemporaryDirectory directory;
  const ActivationRanges ranges = {{"input", {-2.1179039F, 2.64F}},
                                   {"layer1.0.conv1.weight", {0, 0.1F}},
                                   {"layer1.0.conv1.weight.sum", {0, std::numeric_limits<float>::max()}},
                                   {"pool", {-std::numeric_limits<float>::denorm_min(), 1.0F / 3.0F}}};
  write_activation_ranges(directory / "ranges", ranges);
  const ActivationRanges read = read_activation_ranges(directory / "ranges");
  ASSERT_EQ(read.size(), ranges.size());
  for (const auto& [name, range] : ranges) {
    EXPECT_EQ(read.at(name).low, range.low) << name;
    EXPECT_EQ(read.at(name).high, range.high) << name;
  }
}

TEST(ActivationRanges, MayBeNone) {
  const TemporaryDirectory directory;
  EXPECT_TRUE(read_activation_ranges(directory.write("ranges", head)).empty());
}

TEST(ActivationRanges, AreRefusedWhereAnythingIsOutOfForm) {
  const TemporaryDirectory directory;
  for (const std::string& text : {std::string(),
                                  std::string("input 0 1\n"),
                                  head.substr(0, head.size() - 1),
                                  head + "\n",
                                  head + "input 0\n",
                                  head + "input 0 1",
                                  head + "input 0 1 \n",
                                  head + " 0 1\n",
                                  head + "input  0 1\n",
                                  head + "input 0 1 2\n",
                                  head + "input 0 1\r\n",
                                  head + "input 0.5 1\n",
                                  head + "input -2 -1\n",
                                  head + "input nan 1\n",
                                  head + "input 0 inf\n",
                                  head + "input 0 1e99\n",
                                  head + "input 0 0x10\n",
                                  head + "input 0 +1\n",
                                  head + "input 0 1\ninput 0 1\n",
                                  head + std::string("in\0put 0 1\n", 11),
                                  head + std::string(1 << 20, ' ')}) {
    EXPECT_THROW((void)read_activation_ranges(directory.write("ranges", text)), ModelError) << text.substr(0, 60);
  }
  EXPECT_THROW((void)read_activation_ranges(directory / "missing"), ModelError);
  EXPECT_THROW((void)read_activation_ranges(directory.path()), ModelError);
}

TEST(ActivationRanges, CannotBeWrittenWhereThereIsNoDirectory) {
  const TemporaryDirectory directory;
  EXPECT_THROW(write_activation_ranges(directory / "missing" / "ranges", {}), OutputError);
}

}  // namespace
}  // namespace stagemark
