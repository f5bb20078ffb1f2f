#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <vector>

namespace stagemark {

/// A value in a pickle, as inert data. Values refer to one another by index, so that neither a cycle nor a deep nesting
/// can harm who holds them.
struct PickleValue {
  using Index = std::uint32_t;
  enum class Kind : std::uint8_t {
    none,
    boolean,
    integer,
    real,
    text,
    bytes,
    list,  ///< or a set
    tuple,
    dict,
    global,   ///< `text`: module.name
    storage,  ///< `items`: type (global), key (text), element count (integer); a fourth where it is a view of another
    tensor,   ///< `items`: storage, offset, shape, strides; a fifth where PyTorch wrote metadata
    opaque,  ///< what only executing something could make, and what nobody made; `text`: module.name of class or function
  };
  Kind kind = Kind::none;
  std::int64_t integer = 0;
  double real = 0;
  std::string text;
  std::vector<Index> items;  ///< of a dict: key, value, key, value, ...
};

/// No module, class, storage or tensor has a longer name.
inline constexpr std::size_t longest_name = 1'000;

/// What a pickle holds.
class Pickle {
 public:
  /// Reads every opcode of protocols 0 to 5. Nothing is executed: what a call would make stays opaque, but for the few
  /// functions whose result is plain data. Sizes are checked before anything is kept.
  /// \throws ModelError if the bytes are no pickle
  static Pickle read(std::span<const std::byte> bytes);

  /// As `read`, of a pickle that others may follow. \param bytes afterwards, what follows it
  static Pickle read_first(std::span<const std::byte>& bytes);

  [[nodiscard]] const PickleValue& root() const { return values_[root_]; }
  [[nodiscard]] const PickleValue& operator[](PickleValue::Index index) const { return values_[index]; }

  [[nodiscard]] const std::deque<PickleValue>& values() const noexcept { return values_; }

  /// The value of a text key of a dict, or null.
  [[nodiscard]] const PickleValue* find(const PickleValue& dict, const std::string& key) const;

 private:
  friend class PickleReader;
  std::deque<PickleValue> values_;
  PickleValue::Index root_ = 0;
};

}  // namespace stagemark
