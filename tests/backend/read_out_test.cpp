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

}  // namespace
}  // namespace stagemark
