#include "model/zip_archive.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "stagemark/core/error.hpp"

namespace stagemark {
namespace {

// Layout and signatures: PKWARE's APPNOTE.TXT 6.3, sections 4.3.7 to 4.3.16.
constexpr std::uint32_t local_header = 0x04034b50;
constexpr std::uint32_t directory_entry = 0x02014b50;
constexpr std::uint32_t end_of_directory = 0x06054b50;
constexpr std::uint32_t end_of_directory_64 = 0x06064b50;
constexpr std::uint32_t end_locator_64 = 0x07064b50;
constexpr std::size_t end_size = 22;
constexpr std::uint16_t extra_zip64 = 1;

[[noreturn]] void refuse_zip(const std::string& problem) {
  throw ModelError({.problem = "the zip file is damaged: " + problem, .remedy = "copy or save it again"});
}

/// Little-endian numbers at checked places.
class Bytes {
 public:
  explicit Bytes(std::span<const std::byte> bytes) : bytes_(bytes) {}

  [[nodiscard]] std::span<const std::byte> part(std::uint64_t offset, std::uint64_t size) const {
    if (offset > bytes_.size() || size > bytes_.size() - offset) refuse_zip("it ends too early");
    return bytes_.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(size));
  }

  template <class Number>
  [[nodiscard]] Number number(std::uint64_t offset) const {
    const auto raw = part(offset, sizeof(Number));
    Number value = 0;
    for (std::size_t i = 0; i < sizeof(Number); ++i) {
      value = static_cast<Number>(value | static_cast<Number>(std::to_integer<Number>(raw[i]) << (8 * i)));
    }
    return value;
  }

  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }

 private:
  std::span<const std::byte> bytes_;
};

struct Directory {
  std::uint64_t offset = 0, size = 0, entries = 0;
};

Directory find_directory(const Bytes& file) {
  if (file.size() < end_size) refuse_zip("it is too short");
  // The end record is last but for a comment of up to 65,535 bytes.
  const std::size_t earliest = file.size() - std::min<std::size_t>(file.size(), end_size + 65'535);
  for (std::size_t at = file.size() - end_size + 1; at-- > earliest;) {
    if (file.number<std::uint32_t>(at) != end_of_directory) continue;
    Directory directory{file.number<std::uint32_t>(at + 16), file.number<std::uint32_t>(at + 12),
                        file.number<std::uint16_t>(at + 10)};
    const bool is_zip64 = directory.offset == 0xffffffff || directory.size == 0xffffffff || directory.entries == 0xffff;
    if (is_zip64 && at >= 20 && file.number<std::uint32_t>(at - 20) == end_locator_64) {
      const auto end = file.number<std::uint64_t>(at - 20 + 8);
      if (end > file.size() || file.number<std::uint32_t>(end) != end_of_directory_64)
        refuse_zip("its zip64 record is not there");
      directory = {file.number<std::uint64_t>(end + 48), file.number<std::uint64_t>(end + 40),
                   file.number<std::uint64_t>(end + 32)};
    }
    return directory;
  }
  refuse_zip("its directory is missing; it is probably truncated");
}

/// Sizes and offset of an entry, from the zip64 extra field where the 32-bit ones are full.
struct Place {
  std::uint64_t size = 0, stored_size = 0, offset = 0;
};

void read_zip64_extra(std::span<const std::byte> extra, Place& place) {
  const Bytes fields(extra);
  std::uint64_t at = 0;
  while (at + 4 <= fields.size()) {
    const auto id = fields.number<std::uint16_t>(at);
    const auto length = fields.number<std::uint16_t>(at + 2);
    if (id == extra_zip64) {
      std::uint64_t value = at + 4;
      for (std::uint64_t* number : {&place.size, &place.stored_size, &place.offset}) {
        if (*number != 0xffffffff) continue;
        *number = fields.number<std::uint64_t>(value);
        value += 8;
      }
      return;
    }
    at += 4U + length;
  }
}

}  // namespace

ZipDirectory read_zip_directory(std::span<const std::byte> file_bytes) {
  const Bytes file(file_bytes);
  const Directory directory = find_directory(file);
  const Bytes entries(file.part(directory.offset, directory.size));
  ZipDirectory contents;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;
  std::uint64_t at = 0;
  for (std::uint64_t i = 0; i < directory.entries; ++i) {
    if (entries.number<std::uint32_t>(at) != directory_entry)
      refuse_zip("its directory has no entry where one should be");
    const auto flags = entries.number<std::uint16_t>(at + 8);
    const auto method = entries.number<std::uint16_t>(at + 10);
    const auto name_length = entries.number<std::uint16_t>(at + 28);
    const auto extra_length = entries.number<std::uint16_t>(at + 30);
    const auto comment_length = entries.number<std::uint16_t>(at + 32);
    Place place{entries.number<std::uint32_t>(at + 24), entries.number<std::uint32_t>(at + 20),
                entries.number<std::uint32_t>(at + 42)};
    const auto raw_name = entries.part(at + 46, name_length);
    std::string name(raw_name.size(), '\0');
    std::transform(raw_name.begin(), raw_name.end(), name.begin(), [](std::byte b) { return static_cast<char>(b); });
    read_zip64_extra(entries.part(at + 46 + name_length, extra_length), place);
    at += std::uint64_t{46} + name_length + extra_length + comment_length;

    if ((flags & 1U) != 0)
      throw ModelError({.problem = "the zip file is encrypted", .remedy = "save it without encryption"});
    if (method != 0 || place.size != place.stored_size) {
      contents.compressed.push_back(std::move(name));
      continue;
    }
    if (place.offset > file.size() || file.number<std::uint32_t>(place.offset) != local_header) {
      refuse_zip("record '" + name + "' is not where its directory says");
    }
    const std::uint64_t data = place.offset + 30U + file.number<std::uint16_t>(place.offset + 26) +
                               file.number<std::uint16_t>(place.offset + 28);
    const auto content = file.part(data, place.size);
    if (!contents.stored.emplace(name, content).second) refuse_zip("record '" + name + "' is there twice");
    if (place.size > 0) ranges.emplace_back(data, data + place.size);
  }
  std::sort(ranges.begin(), ranges.end());
  for (std::size_t i = 1; i < ranges.size(); ++i) {
    if (ranges[i].first < ranges[i - 1].second) refuse_zip("two of its records overlap");
  }
  return contents;
}

}  // namespace stagemark
