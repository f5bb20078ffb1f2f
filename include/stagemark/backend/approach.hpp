#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stagemark/core/enum_names.hpp"

namespace stagemark {

/// Number format of the network's weights and arithmetic.
enum class Precision : std::uint8_t { fp32, fp16, bf16, int8 };
template <>
inline constexpr EnumNames<Precision, 4> enum_names<Precision> = {
    {{Precision::fp32, "fp32"}, {Precision::fp16, "fp16"}, {Precision::bf16, "bf16"}, {Precision::int8, "int8"}}};

/// Where a network runs: `cpu` or `cuda:N`.
struct Device {
  enum class Kind : std::uint8_t { cpu, cuda };
  Kind kind = Kind::cpu;
  std::size_t index = 0;  ///< of the CUDA device; 0 on the CPU
  bool operator==(const Device&) const = default;
};
template <>
inline constexpr EnumNames<Device::Kind, 2> enum_names<Device::Kind> = {
    {{Device::Kind::cpu, "cpu"}, {Device::Kind::cuda, "cuda"}}};

std::string to_string(const Device& device);
/// `cpu`, `cuda` or `cuda:N`.
std::optional<Device> parse_device(std::string_view text) noexcept;

/// What is compared: `[NAME=]ENGINE-PRECISION[@DEVICE][+OPTION...]`.
struct Approach {
  std::string name;  ///< given by the user, else empty
  std::string engine;
  Precision precision = Precision::fp32;
  std::optional<Device> device;      ///< absent: the run's default
  std::vector<std::string> options;  ///< without the plus sign, in the order given

  /// What reports and tables call it: the given name, else the fully resolved specification.
  [[nodiscard]] std::string label() const;
  bool operator==(const Approach&) const = default;
};

/// The specification without the name, e.g. `libtorch-fp16@cuda:0+graph`.
std::string to_string(const Approach& approach);

/// \throws UsageError on anything that is not of the form, naming the part at fault
Approach parse_approach(std::string_view text);

}  // namespace stagemark
