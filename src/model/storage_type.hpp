#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "stagemark/model/checkpoint.hpp"

namespace stagemark {

/// Element type of a storage by the class that torch.save names.
inline std::optional<ScalarType> storage_type(std::string_view global) {
  struct StorageType {
    std::string_view global;
    ScalarType type;
  };
  static constexpr std::array<StorageType, 10> known = {{
      {"torch.FloatStorage", ScalarType::float32},
      {"torch.HalfStorage", ScalarType::float16},
      {"torch.BFloat16Storage", ScalarType::bfloat16},
      {"torch.DoubleStorage", ScalarType::float64},
      {"torch.LongStorage", ScalarType::int64},
      {"torch.IntStorage", ScalarType::int32},
      {"torch.ShortStorage", ScalarType::int16},
      {"torch.CharStorage", ScalarType::int8},
      {"torch.ByteStorage", ScalarType::uint8},
      {"torch.BoolStorage", ScalarType::boolean},
  }};
  for (const StorageType& storage : known) {
    if (storage.global == global) return storage.type;
  }
  return std::nullopt;
}

}  // namespace stagemark
