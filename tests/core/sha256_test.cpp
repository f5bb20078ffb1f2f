#include "stagemark/core/sha256.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>

#include "core/sha256_compression.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/core/random.hpp"

namespace stagemark {
namespace {

std::string digest(std::string_view text) {
  Sha256 hash;
  hash.update(std::as_bytes(std::span(text)));
  return hash.finish();
}

/// A file that is gone after the test.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::string_view content)
      : path_(std::filesystem::path(::testing::TempDir()) /
              (std::string("stagemark_") + ::testing::UnitTest::GetInstance()->current_test_info()->name())) {
    std::ofstream(path_, std::ios::binary) << content;
  }
  ~TemporaryFile() { std::filesystem::remove(path_); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

TEST(Sha256, GivesTheDigestsThatNistPublishes) {
  EXPECT_EQ(digest(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(digest("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(digest(std::string(1'000'000, 'a')), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, IsTheSameWithTheProcessorsInstructions) {
  if (!has_sha_instructions()) GTEST_SKIP() << "this processor has none";
  SplitMix64 random(1);
  Sha256State portable{1, 2, 3, 4, 5, 6, 7, 8};
  Sha256State quick = portable;
  for (int blocks = 0; blocks < 1'000; ++blocks) {
    std::array<std::byte, 64> block{};
    for (std::byte& byte : block) byte = static_cast<std::byte>(random.below(256));
    compress_portably(portable, block.data());
    compress_with_instructions(quick, block.data());
    ASSERT_EQ(portable, quick) << blocks;
  }
}

// Around the places where the padding starts a block of its own: 55, 56, 63, 64 bytes.
TEST(Sha256, DoesNotDependOnHowTheBytesAreCut) {
  for (const std::size_t length : {0U, 1U, 55U, 56U, 63U, 64U, 65U, 119U, 120U, 128U, 200U}) {
    const std::string text(length, 'x');
    for (const std::size_t piece : {1U, 3U, 63U, 64U, 65U}) {
      Sha256 hash;
      for (std::size_t at = 0; at < length; at += piece) {
        hash.update(std::as_bytes(std::span(text).subspan(at, std::min(piece, length - at))));
        hash.update({});
      }
      EXPECT_EQ(hash.finish(), digest(text)) << length << " bytes in pieces of " << piece;
    }
  }
}

TEST(Sha256, DiffersForEveryLengthOfTheSameByte) {
  for (std::size_t length = 1; length < 130; ++length) {
    EXPECT_NE(digest(std::string(length, '\0')), digest(std::string(length - 1, '\0'))) << length;
  }
}

TEST(Sha256OfFile, IsThatOfTheContent) {
  // Longer than any reasonable buffer, and not a multiple of one.
  const std::string content(300'001, 'z');
  const TemporaryFile file(content);
  EXPECT_EQ(sha256_of_file(file.path()), digest(content));
}

TEST(Sha256OfFile, ReadsBinaryContentAsItIs) {
  using std::string_view_literals::operator""sv;
  constexpr std::string_view content = "a\r\n\0\x1a\xff\n"sv;
  const TemporaryFile file(content);
  EXPECT_EQ(sha256_of_file(file.path()), digest(content));
}

TEST(Sha256OfFile, AcceptsAnEmptyFile) {
  const TemporaryFile file("");
  EXPECT_EQ(sha256_of_file(file.path()), digest(""));
}

TEST(Sha256OfFile, NamesTheFileThatIsMissing) {
  try {
    sha256_of_file("no/such/file.ckpt");
    FAIL() << "a missing file has a digest";
  } catch (const InputError& error) {
    EXPECT_NE(std::string_view(error.what()).find("no/such/file.ckpt"), std::string_view::npos) << error.what();
  }
}

TEST(Sha256OfFile, RefusesADirectory) { EXPECT_THROW(sha256_of_file(::testing::TempDir()), InputError); }

}  // namespace
}  // namespace stagemark
