#include "console_table.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace stagemark {
namespace {

TEST(ConsoleTable, AlignsColumnsByCharactersNotBytes) {
  ConsoleTable table({"stage", "time"}, {ConsoleTable::Align::left, ConsoleTable::Align::right});
  table.add({"größe", "1 ms"});
  table.add({"total", "12 µs"});
  std::ostringstream out;
  table.print(out, "> ");
  EXPECT_EQ(out.str(), "> stage   time\n> größe   1 ms\n> total  12 µs\n");
}

TEST(ConsoleTable, LeavesNoBlanksAtTheEndOfALine) {
  ConsoleTable table({"a", "b"});
  table.add({"long", ""});
  std::ostringstream out;
  table.print(out);
  EXPECT_EQ(out.str(), "a     b\nlong\n");
}

}  // namespace
}  // namespace stagemark
