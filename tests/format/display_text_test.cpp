#include "stagemark/format/display_text.hpp"

#include <gtest/gtest.h>

namespace stagemark {
namespace {

using Lines = std::vector<std::string>;

TEST(DisplayWidth, CountsColumnsAndNotBytes) {
  EXPECT_EQ(display_width(""), 0U);
  EXPECT_EQ(display_width("größe"), 5U);
  EXPECT_EQ(display_width("o\u0308"), 1U);  // an o and a combining diaeresis
  EXPECT_EQ(display_width("肺炎"), 4U);
  EXPECT_EQ(display_width("\U0001F9EA"), 2U);  // a test tube
}

TEST(DisplayWidth, CountsOneForAByteThatIsNotUtf8) {
  EXPECT_EQ(display_width("a\xFF"
                          "b"),
            3U);
  EXPECT_EQ(display_width("\xE8\x82"), 2U);  // a character cut short
}

TEST(Printable, LeavesNothingThatSteersTheTerminal) { EXPECT_EQ(printable("a\x1b[31m\nb\x7F"), "a?[31m?b?"); }

TEST(Fitting, CutsBetweenCharacters) {
  EXPECT_EQ(fitting("肺炎", 3), "肺");
  EXPECT_EQ(fitting("größe", 3), "grö");
  EXPECT_EQ(fitting("short", 80), "short");
}

TEST(Wrapped, BreaksBetweenWordsThenWithinThem) {
  EXPECT_EQ(wrapped("", 5), (Lines{""}));
  EXPECT_EQ(wrapped("one two three", 7), (Lines{"one two", "three"}));
  EXPECT_EQ(wrapped("one two  three", 8), (Lines{"one two ", "three"}));
  EXPECT_EQ(wrapped("incomprehensible", 6), (Lines{"incomp", "rehens", "ible"}));
  EXPECT_EQ(wrapped("肺炎の 画像", 6), (Lines{"肺炎の", "画像"}));
}

TEST(Wrapped, KeepsThePartsOfAPathWhole) {
  EXPECT_EQ(wrapped("/data/NORMAL/image.png", 15), (Lines{"/data/NORMAL/", "image.png"}));
}

TEST(Wrapped, KeepsAnIndentThatIsFollowedByALongWord) {
  EXPECT_EQ(wrapped("  feature_extraction", 10), (Lines{"  feature_", "extraction"}));
}

}  // namespace
}  // namespace stagemark
