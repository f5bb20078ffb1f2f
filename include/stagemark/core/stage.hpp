#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "stagemark/core/duration.hpp"

namespace stagemark {

/// A timed part of one call. `inference`, `total` and `total_with_waits` are aggregates: they contain other stages.
enum class Stage : std::uint8_t {
  decode,              ///< file to pixels; outside `total`
  preprocessing,       ///< pixels to the input tensor on the host
  upload,              ///< host to device
  feature_extraction,  ///< backbone
  classification,      ///< head
  download,            ///< device to host
  inference,           ///< the whole network: feature extraction and classification
  total,               ///< decoded image to prediction on the host, on one clock of its own
  total_with_waits,    ///< `total` of the passes that wait for the device after each stage
};

inline constexpr std::array all_stages = {
    Stage::decode,   Stage::preprocessing, Stage::upload, Stage::feature_extraction, Stage::classification,
    Stage::download, Stage::inference,     Stage::total,  Stage::total_with_waits};
inline constexpr std::size_t stage_count = all_stages.size();

/// The only spelling of each name.
constexpr std::string_view to_string(Stage stage) noexcept {
  switch (stage) {
    case Stage::decode:
      return "decode";
    case Stage::preprocessing:
      return "preprocessing";
    case Stage::upload:
      return "upload";
    case Stage::feature_extraction:
      return "feature_extraction";
    case Stage::classification:
      return "classification";
    case Stage::download:
      return "download";
    case Stage::inference:
      return "inference";
    case Stage::total:
      return "total";
    case Stage::total_with_waits:
      return "total_with_waits";
  }
  return "";
}

/// The stage of that name, if there is one.
constexpr std::optional<Stage> parse_stage(std::string_view name) noexcept {
  for (const Stage stage : all_stages) {
    if (to_string(stage) == name) return stage;
  }
  return std::nullopt;
}

/// The times of one call by stage. A stage that was not timed is absent, never zero.
class StageTimes {
 public:
  [[nodiscard]] bool has(Stage stage) const noexcept { return (present_ & bit(stage)) != 0; }

  [[nodiscard]] std::optional<Nanoseconds> operator[](Stage stage) const noexcept {
    if (!has(stage)) return std::nullopt;
    return Nanoseconds(times_[index(stage)]);
  }

  /// Adds to the stage's time: a stage entered twice in one call counts both.
  void add(Stage stage, Nanoseconds time) noexcept {
    times_[index(stage)] = (has(stage) ? times_[index(stage)] : 0) + time.count();
    present_ = static_cast<std::uint16_t>(present_ | bit(stage));
  }

 private:
  static constexpr std::size_t index(Stage stage) noexcept { return static_cast<std::size_t>(stage); }
  static constexpr std::uint16_t bit(Stage stage) noexcept {
    return static_cast<std::uint16_t>(1U << static_cast<unsigned>(stage));
  }

  std::array<std::int64_t, stage_count> times_{};
  std::uint16_t present_ = 0;
};

}  // namespace stagemark
