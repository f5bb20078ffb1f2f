#include "stagemark/core/error.hpp"

#include <gtest/gtest.h>

#include <string>

namespace stagemark {
namespace {

TEST(Error, IsOneSentenceOfWhatItTells) {
  EXPECT_STREQ(InputError("is empty").what(), "is empty");
  EXPECT_STREQ(InputError("is empty", "a.png").what(), "a.png: is empty");
  EXPECT_STREQ(InputError({.problem = "is empty", .remedy = "copy it again"}).what(), "is empty; copy it again");
  EXPECT_STREQ(InputError("is empty", "a.png", "copy it again").what(), "a.png: is empty; copy it again");
}

TEST(Error, KeepsWhatItTells) {
  const UsageError error("is 7", "`threshold`", "give one from 0 to 1");
  EXPECT_EQ(error.problem(), "is 7");
  EXPECT_EQ(error.where(), "`threshold`");
  EXPECT_EQ(error.remedy(), "give one from 0 to 1");
}

TEST(Error, IsThrownAgainWithinSomethingLarger) {
  const ModelError inner({.problem = "is damaged", .remedy = "copy it again"});
  const ModelError outer(inner.within("net.ckpt"));
  EXPECT_STREQ(outer.what(), "net.ckpt: is damaged; copy it again");
  EXPECT_EQ(outer.problem(), "is damaged");
  EXPECT_STREQ(ModelError(outer.within("model.zip")).what(), "model.zip: net.ckpt: is damaged; copy it again");
}

}  // namespace
}  // namespace stagemark
