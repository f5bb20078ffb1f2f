#include "stagemark/format/console_table.hpp"

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "stagemark/format/display_text.hpp"

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

std::vector<std::string> lines_of(const ConsoleTable& table, const std::string& indent) {
  std::stringstream out;
  table.print(out, indent);
  std::vector<std::string> lines;
  for (std::string line; std::getline(out, line);) lines.push_back(line);
  return lines;
}

TEST(ConsoleTable, FitsAHundredColumnsAndLosesNothing) {
  using Align = ConsoleTable::Align;
  ConsoleTable table({"approach", "total", "p95", "inference", "p adjusted", "verdict"},
                     {Align::left, Align::left, Align::right, Align::right, Align::right, Align::left});
  table.add({"onnxruntime-fp32@cpu", "1.902x [1.881, 1.923]", "1.900x", "1.905x", "<0.001", "no difference"});
  EXPECT_EQ(lines_of(table, "  ").size(), 2U);  // as it is
  const std::string name = "a-candidate-whose-name-is-much-too-long-for-a-table=onnxruntime-fp32@cpu+graph";
  table.add({name, "1.902x [1.881, 1.923]", "1.900x", "1.905x", "<0.001", "inconclusive"});
  std::string name_shown;
  for (const std::string& line : lines_of(table, "  ")) {
    EXPECT_LE(display_width(line), 100U) << line;
    if (line.find("onnxruntime-fp32@cpu ") == std::string::npos) name_shown += line.substr(2, line.find(' ', 2) - 2);
  }
  EXPECT_NE(name_shown.find(name), std::string::npos) << name_shown;
}

TEST(ConsoleTable, WrapsSentencesBetweenWords) {
  ConsoleTable table({"approach", "why not"});
  table.add({"tensorrt-fp16@cuda:0", "not part of this stagemark; " + std::string(20, 'x') + " " +
                                         std::string(40, 'y') + " " + std::string(30, 'z')});
  const std::vector<std::string> lines = lines_of(table, "");
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[2], std::string(22, ' ') + std::string(40, 'y') + " " + std::string(30, 'z'));
}

TEST(ConsoleTable, AlignsWideCharactersAndShowsNoControlCharacters) {
  ConsoleTable table({"file", "class"});
  table.add({"肺炎.png", "a"});
  table.add({"x\x1b[2J.png", "b"});
  EXPECT_EQ(lines_of(table, ""), (std::vector<std::string>{"file       class", "肺炎.png   a", "x?[2J.png  b"}));
}

}  // namespace
}  // namespace stagemark
