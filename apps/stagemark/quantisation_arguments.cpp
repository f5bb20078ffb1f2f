#include "quantisation_arguments.hpp"

#include <charconv>

#include "stagemark/core/error.hpp"

namespace stagemark {

namespace fs = std::filesystem;

void QuantisationArguments::add_to(CLI::App& command, const std::string& description) {
  CLI::Option* images = command.add_option("--calibration", text, description)->type_name("DIR|N");
  command
      .add_option("--calibration-method", method_name,
                  "min-max: every value seen can be represented; percentile: each image's outermost ten-thousandth at "
                  "either end is cut off, for finer steps")
      ->check(CLI::IsMember({"min-max", "percentile"}))
      ->capture_default_str()
      ->needs(images);
}

RangeMethod QuantisationArguments::method() const {
  return method_name == "percentile" ? RangeMethod::percentile : RangeMethod::min_max;
}

std::optional<std::variant<fs::path, std::size_t>> QuantisationArguments::images() const {
  if (!given()) return std::nullopt;
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (end != text.data() + text.size() || fs::exists(text)) return fs::path(text);
  if (error != std::errc() || number == 0) {
    throw UsageError("'" + text + "' is no number of images", "--calibration", "give one from 1, or a directory");
  }
  return number;
}

fs::path QuantisationArguments::directory() const {
  const auto given = images();
  if (given && std::holds_alternative<fs::path>(*given)) return std::get<fs::path>(*given);
  throw UsageError("there is no data set to draw from", "--calibration", "give a directory of images");
}

}  // namespace stagemark
