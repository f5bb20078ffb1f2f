#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "stagemark/core/enum_names.hpp"

namespace stagemark {

/// Element type of a stored tensor.
enum class ScalarType : std::uint8_t { float32, float16, bfloat16, float64, int64, int32, int16, int8, uint8, boolean };
template <>
inline constexpr EnumNames<ScalarType, 10> enum_names<ScalarType> = {{{ScalarType::float32, "float32"},
                                                                      {ScalarType::float16, "float16"},
                                                                      {ScalarType::bfloat16, "bfloat16"},
                                                                      {ScalarType::float64, "float64"},
                                                                      {ScalarType::int64, "int64"},
                                                                      {ScalarType::int32, "int32"},
                                                                      {ScalarType::int16, "int16"},
                                                                      {ScalarType::int8, "int8"},
                                                                      {ScalarType::uint8, "uint8"},
                                                                      {ScalarType::boolean, "bool"}}};
std::size_t size_in_bytes(ScalarType type) noexcept;

/// A tensor as it lies in the file. Shape and strides are checked against the storage.
struct StoredTensor {
  ScalarType type = ScalarType::float32;
  std::vector<std::int64_t> shape;     ///< no negative size; as many elements as the storage holds, at most
  std::vector<std::int64_t> strides;   ///< in elements, none negative
  std::span<const std::byte> storage;  ///< from the tensor's first element on; lives as long as the Checkpoint

  [[nodiscard]] std::size_t elements() const noexcept;
};

/// A PyTorch Lightning checkpoint or a state_dict, in either format of torch.save (zip, and before 1.6). Reads untrusted
/// bytes: executes nothing, refuses what only a call could make where a tensor is wanted and steps over it elsewhere, and
/// checks every size before it allocates.
/// The tensors are those of the dictionary, in the file or up to two levels deep, that holds a network that is known; of
/// several first those that are no average (`ema`, `swa`), then those under `state_dict`, `model`, `model_state_dict`,
/// `net`, or at the top, then the first in the file. Where none is known, of any that holds tensors.
/// Needs the file once in memory, and at most 200 bytes per byte of its pickle beside it.
class Checkpoint {
 public:
  /// \throws ModelError if the file cannot be read, is not such a file, or asks for a class that is not on the list
  static Checkpoint open(const std::filesystem::path& file);

  /// As `open`, from memory. \param source what errors call it
  static Checkpoint from_bytes(std::vector<std::byte> bytes, const std::filesystem::path& source);

  Checkpoint(Checkpoint&&) noexcept = default;
  Checkpoint& operator=(Checkpoint&&) noexcept = default;
  Checkpoint(const Checkpoint&) = delete;
  Checkpoint& operator=(const Checkpoint&) = delete;
  ~Checkpoint() = default;

  /// The tensors of the state_dict, by name without the prefixes `model.`, `module.` and `_orig_mod.`, or without whatever
  /// else stands before those of the network.
  [[nodiscard]] const std::map<std::string, StoredTensor>& tensors() const noexcept { return tensors_; }

  /// A tensor's elements in row-major order, as float32. \throws ModelError if there is no such tensor
  [[nodiscard]] std::vector<float> read_floats(const std::string& name) const;

  /// Plain values under `hyper_parameters`, as text.
  [[nodiscard]] const std::map<std::string, std::string>& hyper_parameters() const noexcept {
    return hyper_parameters_;
  }

  /// Keys that lead to the tensors, with dots between them and with the prefix of their names where it is none of the
  /// usual; empty where they lie at the top.
  [[nodiscard]] const std::string& taken_from() const noexcept { return taken_from_; }

  /// Keys of other networks in the file, by the same rule.
  [[nodiscard]] const std::vector<std::string>& not_taken() const noexcept { return not_taken_; }

  /// What lies beside the tensors and only a call could make: names and classes.
  [[nodiscard]] const std::map<std::string, std::string>& objects() const noexcept { return objects_; }

  /// Tensors that are not read, and why: of another element type, a view that repeats its elements, lazily negated.
  [[nodiscard]] const std::map<std::string, std::string>& unread() const noexcept { return unread_; }

  /// \throws ModelError naming its class, if there is such an object, or saying why it is not read, if such a tensor
  void refuse_object_called(const std::string& name) const;

  /// "lightning-checkpoint" or "state-dict".
  [[nodiscard]] const std::string& format() const noexcept { return format_; }
  [[nodiscard]] const std::string& sha256() const noexcept { return sha256_; }
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  Checkpoint() = default;
  /// Takes the prefix off the names that have it.
  void take_off(const std::string& prefix);

  std::vector<std::byte> bytes_;
  std::map<std::string, StoredTensor> tensors_;
  std::map<std::string, std::string> objects_;
  std::map<std::string, std::string> unread_;
  std::map<std::string, std::string> hyper_parameters_;
  std::vector<std::string> not_taken_;
  std::string taken_from_;
  std::string format_;
  std::string sha256_;
  std::filesystem::path path_;
};

}  // namespace stagemark
