#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace stagemark {

/// A zip file of uncompressed records, without checksums: enough for the reader of checkpoints.
class StoredZip {
 public:
  StoredZip& add(std::string_view name, std::string_view content) {
    const std::size_t offset = bytes_.size();
    bytes_ += "PK\x03\x04";
    bytes_ += number(20, 2) + number(0, 2) + number(0, 2) + number(0, 4) + sizes(name, content) + number(0, 2);
    bytes_ += name;
    bytes_ += content;
    directory_ += "PK\x01\x02";
    directory_ += number(20, 2) + number(20, 2) + number(0, 2) + number(0, 2) + number(0, 4) + sizes(name, content);
    directory_ += number(0, 2) + number(0, 2) + number(0, 2) + number(0, 2) + number(0, 4) + number(offset, 4);
    directory_ += name;
    ++records_;
    return *this;
  }

  [[nodiscard]] std::string bytes() const {
    return bytes_ + directory_ + "PK\x05\x06" + number(0, 2) + number(0, 2) + number(records_, 2) +
           number(records_, 2) + number(directory_.size(), 4) + number(bytes_.size(), 4) + number(0, 2);
  }

  /// Little-endian.
  static std::string number(std::uint64_t value, std::size_t size) {
    std::string text;
    for (std::size_t i = 0; i < size; ++i) text += static_cast<char>(value >> (8 * i) & 0xFFU);
    return text;
  }

 private:
  /// Date, checksum, both sizes, length of the name.
  static std::string sizes(std::string_view name, std::string_view content) {
    return number(0, 4) + number(content.size(), 4) + number(content.size(), 4) + number(name.size(), 2);
  }

  std::string bytes_, directory_;
  std::size_t records_ = 0;
};

}  // namespace stagemark
