#include "progress_line.hpp"

#include <array>
#include <cmath>
#include <cstdio>
#include <iostream>

#include "interrupt.hpp"

namespace stagemark {
namespace {

std::string minutes(double seconds) {
  const long whole = std::lround(seconds);
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%ld:%02ld", whole / 60, whole % 60);
  return text.data();
}

}  // namespace

void ProgressLine::warming_up(const std::string& approach) { show("warming up " + approach); }

void ProgressLine::progressed(const RunProgress& progress) {
  const auto now = Clock::now();
  if (started_ == Clock::time_point{}) {
    started_ = now;  // the first turn is over: what follows is measured against it
    first_images_ = progress.images_done;
    return;
  }
  if (now - last_shown_ < std::chrono::milliseconds(100)) return;
  last_shown_ = now;
  const double elapsed = std::chrono::duration<double>(now - started_).count();
  const double rate = static_cast<double>(progress.images_done - first_images_) / elapsed;
  const double left = static_cast<double>(progress.images_total - progress.images_done) / rate;
  std::array<char, 128> figures{};
  std::snprintf(figures.data(), figures.size(), "round %zu/%zu  %.1f images/s  %s left  ", progress.round,
                progress.rounds, rate, minutes(left).c_str());
  show(figures.data() + progress.approach);
}

bool ProgressLine::interrupted() { return interrupt_caught(); }

void ProgressLine::clear() {
  if (on_screen_) std::cerr << "\r\x1b[K" << std::flush;
  on_screen_ = false;
}

void ProgressLine::show(const std::string& text) {
  if (!shown_) return;
  std::cerr << "\r\x1b[K" << text << std::flush;
  on_screen_ = true;
}

}  // namespace stagemark
