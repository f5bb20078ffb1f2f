#include "stagemark/backend/read_out.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

namespace stagemark {
namespace {

TEST(ReadOut, TakesOneLogitForThatOfClassOne) {
  std::array<Prediction, 2> out;
  read_out(std::array{0.0F, std::log(3.0F)}, 1, out);
  EXPECT_EQ(out[0].probability, 0.5);
  EXPECT_NEAR(out[1].probability, 0.75, 1e-7);
  EXPECT_EQ(out[1].logit, double{std::log(3.0F)});
  EXPECT_FALSE(out[1].class_index);
}

TEST(ReadOut, TakesTheDifferenceOfTwoLogits) {
  std::array<Prediction, 1> out;
  read_out(std::array{1.0F, 1.0F + std::log(3.0F)}, 2, out);
  EXPECT_NEAR(out[0].probability, 0.75, 1e-7);
  EXPECT_FALSE(out[0].class_index);
}

TEST(ReadOut, NamesTheWinnerOfSeveralInEachRow) {
  std::array<Prediction, 2> out;
  read_out(std::array{0.0F, 0.0F, std::log(2.0F), 900.0F, 0.0F, 0.0F}, 3, out);
  EXPECT_EQ(out[0].class_index, 2U);
  EXPECT_NEAR(out[0].probability, 0.5, 1e-7);
  EXPECT_EQ(out[1].class_index, 0U);
  EXPECT_EQ(out[1].probability, 1.0);  // and no overflow
  EXPECT_EQ(out[1].logit, 900.0);
}

TEST(ReadOut, LeavesANaNToBeFound) {
  std::array<Prediction, 1> out;
  read_out(std::array{std::nanf("")}, 1, out);
  EXPECT_TRUE(defect(out[0]));
  read_out(std::array{1.0F, std::nanf(""), 0.0F}, 3, out);
  EXPECT_TRUE(defect(out[0]));
}

TEST(ReadProbabilities, LetsTheGreaterOfTwoWinAndLeavesANaNToBeFound) {
  std::array<Prediction, 5> out;
  read_probabilities(std::array{0.25F, 0.75F, 0.9F, 0.6F, 0.0F, 0.0F, 0.0F, 0.25F, std::nanf(""), 0.5F}, 2, out);
  EXPECT_EQ(out[0].probability, 0.75);
  EXPECT_NEAR(out[1].probability, 0.4, 1e-7) << "of two sigmoids";
  EXPECT_EQ(out[2].probability, 0.5);
  EXPECT_EQ(out[3].probability, 1);
  EXPECT_TRUE(defect(out[4]));
  EXPECT_FALSE(out[0].logit);
}

LogitRows seen(const std::vector<float>& scores, std::size_t rows, bool unknown = true) {
  LogitRows seen;
  seen.see(scores, rows, unknown);
  return seen;
}

TEST(LogitRows, CountsWhatEachRowLooksLike) {
  EXPECT_EQ(seen({0.3F, 0.7F, 0.998F, 0.001F, 0.3F, 0.6F}, 3), (LogitRows{3, 2, 3, 0, 0}));
  EXPECT_EQ(seen({1.7F, -0.7F}, 1), (LogitRows{1, 0, 0, 0, 0})) << "they add up to 1, and are no probabilities";
  EXPECT_EQ(seen({0.7F, 0, 1, 1.01F}, 4), (LogitRows{4, 0, 3, 0, 0})) << "one alone adds up to nothing";
  EXPECT_EQ(seen({30, 70, 33, 66.5F, 33, 66, 130, -30}, 4), (LogitRows{4, 0, 0, 2, 0}));
  EXPECT_EQ(seen({250, 5, 100, 155.4F, 255, 1}, 3), (LogitRows{3, 0, 0, 0, 2}));
  EXPECT_EQ(seen({100, 255}, 2), (LogitRows{2, 0, 0, 0, 0}));
  EXPECT_EQ(seen({std::nanf(""), 0.5F, 0.5F, 0.5F}, 2), (LogitRows{1, 1, 1, 0, 0})) << "NaN is an error of its own";
  EXPECT_EQ(seen({0.5F, 0.5F, 0.5F}, 2), LogitRows{}) << "no rows";
  EXPECT_EQ(seen({}, 2), LogitRows{});
}

TEST(LogitRows, AreDoubtedByTheirSumsOnlyWhereTheyAreKnown) {
  EXPECT_EQ(seen({0.3F, 0.7F}, 1, false), (LogitRows{1, 1, 0, 0, 0})) << "several do not add up to 1 by chance";
  EXPECT_EQ(seen({0.7F, 0.2F}, 2, false), (LogitRows{2, 0, 0, 0, 0})) << "a logit may lie there";
  EXPECT_EQ(seen({30, 70}, 1, false), (LogitRows{1, 0, 0, 0, 0}));
}

TEST(LogitRows, AreDoubtedWhereAllOfThemAreAlike) {
  const auto words = [](const LogitRows& rows, std::size_t images) { return doubt(rows, images).value_or("no doubt"); };
  const auto says = [&](const LogitRows& rows, std::size_t images, const char* part) {
    return words(rows, images).find(part) != std::string::npos;
  };
  EXPECT_TRUE(says({1, 1, 1, 0, 0}, 1, "looks like probabilities"));
  EXPECT_TRUE(says({20, 19, 20, 0, 0}, 20, "lies between 0 and 1 for every image, and may be probabilities"));
  EXPECT_TRUE(says({20, 0, 20, 0, 0}, 20, "Then save it without"));
  EXPECT_TRUE(says({3, 0, 0, 3, 0}, 3, "adds up to 100"));
  EXPECT_TRUE(says({3, 0, 0, 0, 3}, 3, "adds up to 255"));
  for (const LogitRows& rows : {LogitRows{}, {20, 19, 19, 19, 19}}) EXPECT_EQ(words(rows, 20), "no doubt");
  EXPECT_TRUE(says({19, 0, 19, 0, 0}, 19, "too few to tell")) << "logits of a few images may lie there";
  EXPECT_EQ(words({19, 0, 18, 0, 0}, 19), "no doubt");
  LogitRows all{1, 1, 1, 0, 0};
  all.add({2, 1, 2, 3, 4});
  EXPECT_EQ(all, (LogitRows{3, 2, 3, 3, 4}));
}

}  // namespace
}  // namespace stagemark
