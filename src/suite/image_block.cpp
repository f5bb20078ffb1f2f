#include "suite/image_block.hpp"

#include <algorithm>

#include "suite/failure_reason.hpp"

namespace stagemark {

void ImageBlock::load(std::size_t first, std::size_t last) {
  if (first_ == first && limit_ == last && end_ != first) return;
  images_.clear();
  indices_.clear();
  decode_times_.clear();
  first_ = first;
  limit_ = last;
  end_ = first;
  std::size_t bytes = 0;
  while (end_ < last) {
    // Only between calls: a block that ends inside a call would make a short one.
    const bool between_calls = images_.size() % options_.batch == 0;
    if (!images_.empty() && between_calls && bytes >= options_.round_memory_bytes) break;
    const std::size_t index = end_++;
    if (notes_.broken.contains(index)) continue;
    const auto reason = failure_reason([&] {
      const Nanoseconds start = clock_.now();
      Image image = source_.load(dataset_.file(dataset_.entries[index]));
      const Nanoseconds time = clock_.now() - start;
      bytes += image.pixels.size();
      if (image.sixteen_bit_range) notes_.sixteen_bit.emplace(index, *image.sixteen_bit_range);
      images_.push_back(std::move(image));
      indices_.push_back(index);
      decode_times_.push_back(time);
    });
    if (reason) notes_.broken.emplace(index, *reason);
  }
}

void ImageBlock::load_first_readable() {
  const std::size_t wanted = std::max<std::size_t>(options_.warmup * options_.batch, 1);
  std::size_t first = 0;
  do {
    load(first, std::min(dataset_.entries.size(), first + wanted));
    first = end_;
  } while (images_.empty() && first < dataset_.entries.size());
}

}  // namespace stagemark
