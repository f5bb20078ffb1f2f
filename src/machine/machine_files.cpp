#include "machine_files.hpp"

#include <charconv>
#include <fstream>
#include <sstream>
#include <utility>

namespace stagemark {

std::optional<std::string> read_text(const std::filesystem::path& file) {
  const std::ifstream in(file, std::ios::binary);
  if (!in) return std::nullopt;
  std::ostringstream text;
  text << in.rdbuf();  // sets the fail bit where there is nothing to read, as in a directory
  if (!text) return std::nullopt;
  return std::move(text).str();
}

std::optional<std::string> read_line(const std::filesystem::path& file) {
  const std::optional<std::string> text = read_text(file);
  if (!text) return std::nullopt;
  const std::string_view line = trimmed(std::string_view(*text).substr(0, text->find('\n')));
  if (line.empty()) return std::nullopt;
  return std::string(line);
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view white(" \t\r\n\0", 5);  // device trees end their text with a zero
  const std::size_t first = text.find_first_not_of(white);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(white) - first + 1);
}

std::optional<std::string> value_of(std::string_view text, std::string_view name, char separator) {
  for (const std::string_view line : lines_of(text)) {
    const std::size_t at = line.find(separator);
    if (at == std::string_view::npos || trimmed(line.substr(0, at)) != name) continue;
    const std::string_view value = trimmed(line.substr(at + 1));
    if (!value.empty()) return std::string(value);
  }
  return std::nullopt;
}

std::optional<unsigned long long> number_in(std::string_view text) {
  const std::string_view digits = trimmed(text);
  unsigned long long number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc()) return std::nullopt;
  return number;
}

std::optional<std::vector<std::size_t>> cpus_in_list(std::string_view list) {
  constexpr std::size_t most = 1U << 16U;  // Linux knows 8192; what is beyond is not a list of CPUs
  std::vector<std::size_t> cpus;
  list = trimmed(list);
  if (list.empty()) return std::nullopt;
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    const std::string_view range = list.substr(0, comma);
    const std::size_t dash = range.find('-');
    const auto first = number_in(range.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : number_in(range.substr(dash + 1));
    if (!first || !last || *last < *first || *last >= most) return std::nullopt;
    for (std::size_t cpu = *first; cpu <= *last; ++cpu) cpus.push_back(cpu);
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
  }
  return cpus;
}

}  // namespace stagemark
