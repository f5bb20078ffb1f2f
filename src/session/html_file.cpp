#include "stagemark/session/html_file.hpp"

#include <algorithm>
#include <optional>
#include <ostream>
#include <span>
#include <string>

#include "stagemark/core/atomic_file.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/format/html.hpp"
#include "stagemark/images/images.hpp"

namespace stagemark {
namespace {

/// RFC 4648.
std::string base64(std::span<const std::uint8_t> bytes) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto at = [&](std::size_t k) { return i + k < bytes.size() ? std::uint32_t{bytes[i + k]} : 0U; };
    const std::uint32_t three = at(0) << 16U | at(1) << 8U | at(2);
    for (unsigned k = 0; k < 4; ++k) {
      text += i + k > bytes.size() ? '=' : digits[three >> (18U - 6U * k) & 63U];
    }
  }
  return text;
}

/// With the longer side this long.
constexpr std::size_t thumbnail_size = 160;

}  // namespace

void write_illustrated_html(std::ostream& out, const Report& report) {
  const auto source = make_image_source();
  std::filesystem::path root = report.dataset.path;
  if (std::filesystem::is_regular_file(root)) root = root.parent_path();
  HtmlOptions options;
  options.thumbnail = [&](const std::string& path) -> std::optional<std::string> {
    try {
      const Image image = source->load(root / path);
      const std::size_t longer = std::max(image.width, image.height);
      PreprocessingOptions size;
      size.width = std::max<std::size_t>(image.width * thumbnail_size / longer, 1);
      size.height = std::max<std::size_t>(image.height * thumbnail_size / longer, 1);
      return "data:image/png;base64," + base64(encode_png(resize_image(image, size)));
    } catch (const Error&) {
      return std::nullopt;  // moved or gone since: the name says which it was
    }
  };
  write_html(out, report, options);
}

void write_html_file(const std::filesystem::path& file, const Report& report) {
  write_file_atomically(file, [&](std::ostream& out) { write_illustrated_html(out, report); });
}

}  // namespace stagemark
