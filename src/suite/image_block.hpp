#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "stagemark/backend/image.hpp"
#include "stagemark/core/stage_timer.hpp"
#include "stagemark/suite/dataset.hpp"
#include "stagemark/suite/run_plan.hpp"
#include "suite/decoding_notes.hpp"

namespace stagemark {

/// Decoded images of one stretch of the data set, kept until another stretch is asked for, so that approaches that take
/// their turns on the same images in one process share one decoding.
class ImageBlock {
 public:
  ImageBlock(const Dataset& dataset, const ImageSource& source, const RunOptions& options, MonotonicClock clock)
      : dataset_(dataset), source_(source), options_(options), clock_(clock) {}

  /// Decodes from `first` on, to `last` at most or until the memory limit is reached. Images that cannot be decoded are
  /// left out and remembered.
  void load(std::size_t first, std::size_t last);

  /// Loads what the warm-up can use: the first images that can be decoded. Empty if none can.
  void load_first_readable();

  [[nodiscard]] std::size_t end() const noexcept { return end_; }
  [[nodiscard]] std::span<const Image> images() const noexcept { return images_; }
  [[nodiscard]] std::size_t index(std::size_t position) const { return indices_[position]; }
  [[nodiscard]] Nanoseconds decode_time(std::size_t position) const { return decode_times_[position]; }
  [[nodiscard]] const DecodingNotes& notes() const noexcept { return notes_; }

 private:
  const Dataset& dataset_;
  const ImageSource& source_;
  const RunOptions& options_;
  MonotonicClock clock_;
  std::vector<Image> images_;
  std::vector<std::size_t> indices_;
  std::vector<Nanoseconds> decode_times_;
  DecodingNotes notes_;
  std::size_t first_ = 0, limit_ = 0, end_ = 0;
};

}  // namespace stagemark
