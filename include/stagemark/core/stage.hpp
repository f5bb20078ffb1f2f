#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "stagemark/core/duration.hpp"
#include "stagemark/core/enum_names.hpp"

namespace stagemark {

/// A timed part of one call. `inference`, `total` and `total_with_waits` are aggregates: they contain other stages, as
/// `stage_tree` says.
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

/// What is known of a stage: its only spelling, and the aggregate that it is a part of.
struct StageEntry {
  Stage stage = Stage::total;
  std::string_view name;
  std::optional<Stage> parent;
};

/// All stages in the order in which they are shown: an aggregate within `total` before its parts, `total` after them.
inline constexpr std::array<StageEntry, 9> stage_tree = {{
    {Stage::decode, "decode", std::nullopt},
    {Stage::preprocessing, "preprocessing", Stage::total},
    {Stage::upload, "upload", Stage::total},
    {Stage::inference, "inference", Stage::total},
    {Stage::feature_extraction, "feature_extraction", Stage::inference},
    {Stage::classification, "classification", Stage::inference},
    {Stage::download, "download", Stage::total},
    {Stage::total, "total", std::nullopt},
    {Stage::total_with_waits, "total_with_waits", std::nullopt},
}};

template <>
inline constexpr auto enum_names<Stage> = names_from(stage_tree, &StageEntry::stage, &StageEntry::name);

inline constexpr std::array all_stages = all_values<Stage>;
inline constexpr std::size_t stage_count = enum_count<Stage>;

/// The aggregate that the stage is a part of.
constexpr std::optional<Stage> parent_of(Stage stage) noexcept {
  for (const StageEntry& entry : stage_tree) {
    if (entry.stage == stage) return entry.parent;
  }
  return std::nullopt;
}

/// Whether the stage is over before `total` begins.
constexpr bool is_outside_total(Stage stage) noexcept {
  return !parent_of(stage) && stage != Stage::total && stage != Stage::total_with_waits;
}

/// The stages that `total` consists of, none of them within another, in the order in which they are shown: of those that
/// were timed, the ones without a timed part.
template <class WasTimed>
std::vector<Stage> timed_parts_of_total(const WasTimed& was_timed) {
  std::vector<Stage> parts;
  for (const StageEntry& entry : stage_tree) {
    const bool has_timed_part = std::ranges::any_of(
        stage_tree, [&](const StageEntry& other) { return other.parent == entry.stage && was_timed(other.stage); });
    if (entry.parent && !has_timed_part && was_timed(entry.stage)) parts.push_back(entry.stage);
  }
  return parts;
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
