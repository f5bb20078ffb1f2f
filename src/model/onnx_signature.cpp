#include "model/onnx_signature.hpp"

#include <array>
#include <optional>

namespace stagemark {
namespace {

/// A field of a protocol buffer's message, as its key says.
struct Key {
  std::uint64_t field = 0;
  std::uint64_t wire_type = 0;
  bool operator==(const Key&) const = default;
};

constexpr std::uint64_t number = 0;
constexpr std::uint64_t bytes = 2;
constexpr Key ir_version{1, number};
constexpr Key graph{7, bytes};
/// Of ModelProto in onnx.proto: ir_version, producer_name, producer_version, domain, model_version, doc_string, graph,
/// opset_import, metadata_props, training_info, functions.
constexpr std::array<Key, 11> fields = {{ir_version,
                                         {2, bytes},
                                         {3, bytes},
                                         {4, bytes},
                                         {5, number},
                                         {6, bytes},
                                         graph,
                                         {8, bytes},
                                         {14, bytes},
                                         {20, bytes},
                                         {25, bytes}}};

std::optional<std::uint64_t> read_number(std::istream& in) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const int byte = in.get();
    if (!in) return std::nullopt;
    value |= (static_cast<std::uint64_t>(byte) & 0x7FU) << shift;
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

std::optional<Key> read_key(std::istream& in) {
  const auto value = read_number(in);
  if (!value) return std::nullopt;
  for (const Key& key : fields) {
    if (key == Key{*value >> 3U, *value & 7U}) return key;
  }
  return std::nullopt;
}

}  // namespace

bool looks_like_onnx(std::istream& in, std::uint64_t size) {
  bool has_version = false;
  // Far more fields than a model has before its graph.
  for (int i = 0; i < 10'000; ++i) {
    const auto key = read_key(in);
    const auto value = key ? read_number(in) : std::nullopt;
    if (!value) return false;
    has_version = has_version || key == ir_version;
    // A graph that is cut off is an ONNX model all the same: a damaged one.
    if (key == graph) return has_version;
    if (key->wire_type == number) continue;
    if (*value > size) return false;
    in.seekg(static_cast<std::streamoff>(*value), std::ios::cur);
  }
  return false;
}

}  // namespace stagemark
