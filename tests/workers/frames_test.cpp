#include "workers/frames.hpp"

#include <gtest/gtest.h>

#include <string>

#include "stagemark/core/error.hpp"

namespace stagemark {
namespace {

using namespace worker_protocol;

std::vector<std::byte> bytes_of(const std::string& text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

TEST(Frames, AreTakenOutOfAStreamAsTheyBecomeComplete) {
  const std::vector<std::byte> first = frame(MessageType::turn, bytes_of("one"));
  const std::vector<std::byte> second = frame(MessageType::measured, {});
  std::vector<std::byte> stream;
  for (const std::byte b : first) {
    EXPECT_FALSE(take_message(stream));
    stream.push_back(b);
  }
  stream.insert(stream.end(), second.begin(), second.end());
  const auto message = take_message(stream);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->content, bytes_of("one"));
  EXPECT_EQ(take_message(stream)->type, MessageType::measured);
  EXPECT_TRUE(stream.empty());
  stream = bytes_of("loading the model...\n");
  EXPECT_THROW((void)take_message(stream), BackendError);
}

}  // namespace
}  // namespace stagemark
