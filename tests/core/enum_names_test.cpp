#include "stagemark/core/enum_names.hpp"

#include <gtest/gtest.h>

#include <cstdint>

namespace stagemark {
namespace {

enum class Colour : std::uint8_t { red, green, blue };
enum class Nameless : std::uint8_t { one };

constexpr EnumNames<Colour, 3> all_three = {{{Colour::red, "red"}, {Colour::green, "green"}, {Colour::blue, "navy"}}};

}  // namespace

template <>
inline constexpr EnumNames<Colour, 3> enum_names<Colour> = all_three;

namespace {

static_assert(NamedEnum<Colour> && !NamedEnum<Nameless> && !NamedEnum<int>);
static_assert(enum_count<Colour> == 3);
static_assert(to_string(Colour::blue) == "navy");
static_assert(parse_enum<Colour>("green") == Colour::green);
static_assert(all_values<Colour>.back() == Colour::blue);

TEST(EnumNames, ReadEachNameBackAndNoOther) {
  for (const Colour colour : all_values<Colour>) EXPECT_EQ(parse_enum<Colour>(to_string(colour)), colour);
  for (const char* name : {"", "Red", "blue", "re", "redd"}) EXPECT_EQ(parse_enum<Colour>(name), std::nullopt) << name;
}

TEST(EnumNames, HaveNoneForWhatIsNoEnumerator) { EXPECT_EQ(to_string(static_cast<Colour>(3)), ""); }

TEST(EnumNames, AreListedForMessages) { EXPECT_EQ(listed_names<Colour>(), "red, green, navy"); }

// A table that does not agree with its enum does not compile; here is what would stop it.
TEST(EnumNames, NoticeATableThatDoesNotAgreeWithItsEnum) {
  static_assert(lists_each_enumerator(all_three));
  constexpr EnumNames<Colour, 2> lacks_the_last = {{{Colour::red, "red"}, {Colour::green, "green"}}};
  static_assert(!lists_each_enumerator(lacks_the_last));
  constexpr EnumNames<Colour, 3> swapped = {{{Colour::green, "green"}, {Colour::red, "red"}, {Colour::blue, "navy"}}};
  static_assert(!lists_each_enumerator(swapped));
  constexpr EnumNames<Colour, 3> same_name_twice = {
      {{Colour::red, "red"}, {Colour::green, "red"}, {Colour::blue, "navy"}}};
  static_assert(!lists_each_enumerator(same_name_twice));
  constexpr EnumNames<Colour, 4> one_too_many = {
      {{Colour::red, "red"}, {Colour::green, "green"}, {Colour::blue, "navy"}, {static_cast<Colour>(3), "none"}}};
  static_assert(!lists_each_enumerator(one_too_many));
}

}  // namespace
}  // namespace stagemark
