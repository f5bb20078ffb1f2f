#pragma once

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

namespace stagemark {

/// A long list of values some of which may be absent, in the memory of the values and one bit each.
template <class T>
class Column {
 public:
  void push_back(std::optional<T> value) {
    present_.push_back(value.has_value());
    values_.push_back(value ? *std::move(value) : T());
  }

  /// \pre index < size()
  [[nodiscard]] std::optional<T> operator[](std::size_t index) const {
    if (!present_[index]) return std::nullopt;
    return values_[index];
  }

  [[nodiscard]] std::size_t size() const noexcept { return values_.size(); }
  [[nodiscard]] bool empty() const noexcept { return values_.empty(); }

  void reserve(std::size_t count) {
    values_.reserve(count);
    present_.reserve(count);
  }

  void clear() noexcept {
    values_.clear();
    present_.clear();
  }

  bool operator==(const Column&) const = default;

 private:
  std::vector<T> values_;
  std::vector<bool> present_;
};

}  // namespace stagemark
