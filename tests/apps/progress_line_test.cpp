#include "progress_line.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <string>

namespace stagemark {
namespace {

RunProgress made_progress(std::size_t images_done) {
  return {
      .approach = "onnxruntime-fp32@cpu", .round = 3, .rounds = 30, .images_done = images_done, .images_total = 7200};
}

TEST(ProgressText, TellsApproachRoundRateAndTimeLeft) {
  EXPECT_EQ(progress_text(made_progress(7158), 6), "round 3/30  6.0 images/s  0:07 left  onnxruntime-fp32@cpu");
  EXPECT_EQ(progress_text(made_progress(0), 2), "round 3/30  2.0 images/s  1:00:00 left  onnxruntime-fp32@cpu");
  EXPECT_EQ(progress_text(made_progress(0), 0), "round 3/30  0.0 images/s  ? left  onnxruntime-fp32@cpu");
}

TEST(ProgressLine, WritesOverItselfOnATerminalWithinItsWidth) {
  std::ostringstream out;
  {
    ProgressLine line(out, true, 20);
    line.warming_up("onnxruntime-fp32@cpu");
    EXPECT_EQ(out.str(), "\r\x1b[Kwarming up onnxrunt");
  }
  EXPECT_EQ(out.str(), "\r\x1b[Kwarming up onnxrunt\r\x1b[K");
}

TEST(ProgressLine, IsPlainLinesWhereThereIsNoTerminal) {
  std::ostringstream out;
  {
    ProgressLine line(out, true, std::nullopt);
    line.warming_up("a");
    line.progressed(made_progress(10));
    line.progressed(made_progress(20));
    line.progressed(made_progress(30));  // within the same second
  }
  const std::string text = out.str();
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.rfind("warming up a\nround 3/30  ", 0), 0U) << text;
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2) << text;
}

TEST(ProgressLine, IsSilentWhereNobodyAsked) {
  std::ostringstream out;
  {
    ProgressLine line(out, false, 80);
    line.warming_up("a");
    line.progressed(made_progress(10));
    line.progressed(made_progress(20));
  }
  EXPECT_EQ(out.str(), "");
}

}  // namespace
}  // namespace stagemark
