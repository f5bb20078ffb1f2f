#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// The small files of /proc and /sys.

namespace stagemark {

/// The whole file; absent if it cannot be read.
std::optional<std::string> read_text(const std::filesystem::path& file);

/// Its first line, without the white space around it; absent if it cannot be read or is empty.
std::optional<std::string> read_line(const std::filesystem::path& file);

std::vector<std::string_view> lines_of(std::string_view text);
std::string_view trimmed(std::string_view text);

/// The value of the first line `name SEPARATOR value`; absent if there is none or it is empty.
std::optional<std::string> value_of(std::string_view text, std::string_view name, char separator);

/// The number at the start of `text`, after white space.
std::optional<unsigned long long> number_in(std::string_view text);

/// The CPUs in a list such as `0-3,8`; absent if it is not one.
std::optional<std::vector<std::size_t>> cpus_in_list(std::string_view list);

}  // namespace stagemark
