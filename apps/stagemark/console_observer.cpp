#include "console_observer.hpp"

#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <optional>
#include <sstream>

#include "option_names.hpp"
#include "stagemark/format/console.hpp"
#include "stagemark/session/engines.hpp"
#include "terminal.hpp"

namespace stagemark {
namespace {

/// A table without the engine that is the fastest on most CPUs does not show that there is one.
void print_what_is_missing(std::ostream& out, const Report& report) {
  const bool on_cpu = std::ranges::any_of(report.results, [](const ApproachReport& result) {
    return result.device.kind == Device::Kind::cpu && static_cast<bool>(result.model);
  });
  if (!on_cpu) return;
  const Approach fastest{{}, "onnxruntime", Precision::fp32, Device{}, {}};
  const auto missing = built_in_engines().find(fastest.engine).unavailable(fastest);
  if (!missing) return;
  out << "\nNot here, and the fastest in FP32 on most CPUs: " << to_string(fastest) << ". To have it, "
      << missing->remedy << ".\n";
}

}  // namespace

ProgressLine progress_on_stderr(const std::string& progress) {
  const bool on_terminal = is_terminal(STDERR_FILENO);
  return {std::cerr, progress == "on" || (progress == "auto" && on_terminal),
          on_terminal ? std::optional(terminal_columns(STDERR_FILENO)) : std::nullopt};
}

void print_measured(const Report& report) {
  std::ostringstream text;
  print_results(text, report);
  print_what_is_missing(text, report);
  std::cout << with_option_names(text.str());
}

void print_places(const std::filesystem::path& json, const std::filesystem::path& html) {
  std::cout << "Report: " << html.string() << "\nFigures: " << json.string() << std::endl;
}

}  // namespace stagemark
