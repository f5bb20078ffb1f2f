#include "stagemark/model/activation_ranges.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "stagemark/core/error.hpp"

namespace stagemark {
namespace {

constexpr std::string_view first_line = "stagemark activation ranges 1";
/// A few hundred tensors with names as long as a checkpoint's take a hundredth of this.
constexpr std::size_t most_bytes = 1 << 20;

std::string exact(float value) {
  std::array<char, 32> text{};
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
  return {text.data(), end};
}

std::optional<float> parse_float(std::string_view text) {
  float value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

bool is_name(std::string_view name) {
  return !name.empty() && name.find_first_of(std::string_view(" \t\r\n\0", 5)) == std::string_view::npos;
}

/// Takes the text up to the separator, and the separator, off the front. Absent: there is none.
std::optional<std::string_view> take_until(std::string_view& text, char separator) {
  const std::size_t end = text.find(separator);
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view taken = text.substr(0, end);
  text.remove_prefix(end + 1);
  return taken;
}

struct NamedRange {
  std::string name;
  ActivationRange range;
};

std::optional<NamedRange> parse_line(std::string_view line) {
  const auto name = take_until(line, ' ');
  const auto low_text = take_until(line, ' ');
  if (!name || !low_text || !is_name(*name)) return std::nullopt;
  const auto low = parse_float(*low_text);
  const auto high = parse_float(line);
  if (!low || !high || *low > 0 || *high < 0) return std::nullopt;
  return NamedRange{std::string(*name), {*low, *high}};
}

[[noreturn]] void refuse(const std::string& problem, const std::filesystem::path& file) {
  throw ModelError(problem, file.string(), "make the activation ranges again from calibration images");
}

std::string read_whole(const std::filesystem::path& file) {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(file, error);
  if (!error && size > most_bytes) refuse("it is too large for activation ranges", file);
  std::ifstream in(file, std::ios::binary);
  std::string text(error ? 0 : size, '\0');
  if (text.empty() || !in.read(text.data(), static_cast<std::streamsize>(size))) {
    refuse("cannot read the activation ranges", file);
  }
  return text;
}

}  // namespace

void write_activation_ranges(const std::filesystem::path& file, const ActivationRanges& ranges) {
  std::ofstream out(file, std::ios::binary);
  out << first_line << '\n';
  for (const auto& [name, range] : ranges) out << name << ' ' << exact(range.low) << ' ' << exact(range.high) << '\n';
  if (!out.flush()) throw OutputError("cannot write the activation ranges", file.string());
}

ActivationRanges read_activation_ranges(const std::filesystem::path& file) {
  const std::string bytes = read_whole(file);
  std::string_view text = bytes;
  if (take_until(text, '\n') != first_line) refuse("it does not hold activation ranges", file);
  ActivationRanges ranges;
  for (std::size_t number = 2; !text.empty(); ++number) {
    const auto line = take_until(text, '\n');
    const auto parsed = line ? parse_line(*line) : std::nullopt;
    if (!parsed) refuse("line " + std::to_string(number) + " is not a name, a low and a high", file);
    if (!ranges.emplace(parsed->name, parsed->range).second) {
      refuse("'" + parsed->name + "' stands twice", file);
    }
  }
  return ranges;
}

}  // namespace stagemark
