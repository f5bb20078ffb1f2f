#include "progress_line.hpp"

#include <array>
#include <cmath>
#include <cstdio>
#include <ostream>

#include "stagemark/format/display_text.hpp"

namespace stagemark {

std::string duration_text(double seconds) {
  const long whole = std::lround(seconds);
  const long hours = whole / 3600;
  std::array<char, 48> text{};
  if (hours > 0) {
    std::snprintf(text.data(), text.size(), "%ld:%02ld:%02ld", hours, whole / 60 % 60, whole % 60);
  } else {
    std::snprintf(text.data(), text.size(), "%ld:%02ld", whole / 60, whole % 60);
  }
  return text.data();
}

std::string progress_text(const LoadProgress& progress, Nanoseconds left) {
  std::string text = progress.approach + ": " + progress.doing;
  if (progress.generation > 0) {
    text += ", process " + std::to_string(progress.generation) + "/" + std::to_string(progress.generations);
  }
  if (left > Nanoseconds::zero()) text += ", " + duration_text(to_seconds(left)) + " left";
  return text;
}

std::string progress_text(const RunProgress& progress, double images_per_second) {
  const double left = static_cast<double>(progress.images_total - progress.images_done) / images_per_second;
  std::array<char, 160> figures{};
  std::snprintf(figures.data(), figures.size(), "round %zu/%zu  %.1f images/s  %s left  ", progress.round,
                progress.rounds, images_per_second, std::isfinite(left) ? duration_text(left).c_str() : "?");
  return figures.data() + progress.approach;
}

void ProgressLine::opening(const std::string& approach) { show("opening " + approach); }

void ProgressLine::warming_up(const std::string& approach) { show("warming up " + approach); }

void ProgressLine::progressed(const RunProgress& progress) {
  const auto now = Clock::now();
  if (started_ == Clock::time_point{}) {
    started_ = now;  // the first turn is over: what follows is measured against it
    first_images_ = progress.images_done;
    return;
  }
  if (too_soon(now)) return;
  last_shown_ = now;
  const double elapsed = std::chrono::duration<double>(now - started_).count();
  show(progress_text(progress, static_cast<double>(progress.images_done - first_images_) / elapsed));
}

void ProgressLine::loading(const LoadProgress& progress) {
  const auto now = Clock::now();
  if (too_soon(now)) return;
  last_shown_ = now;
  show(progress_text(progress, progress.end - std::chrono::duration_cast<Nanoseconds>(now.time_since_epoch())));
}

bool ProgressLine::too_soon(Clock::time_point now) const {
  return now - last_shown_ < std::chrono::milliseconds(columns_ ? 100 : 1000);
}

void ProgressLine::clear() {
  if (on_screen_) out_ << "\r\x1b[K" << std::flush;
  on_screen_ = false;
}

void ProgressLine::show(const std::string& text) {
  if (!shown_) return;
  const std::string line = printable(text);
  if (!columns_) {
    out_ << line << std::endl;
    return;
  }
  // A line that the terminal wraps could not be taken back.
  out_ << "\r\x1b[K" << fitting(line, *columns_ > 1 ? *columns_ - 1 : 1) << std::flush;
  on_screen_ = true;
}

}  // namespace stagemark
