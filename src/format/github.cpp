#include "stagemark/format/github.hpp"

#include <ostream>
#include <string>

#include "escapes.hpp"
#include "stagemark/core/number_text.hpp"
#include "stagemark/format/json_object.hpp"

namespace stagemark {

void write_github_annotations(std::ostream& out, const GateResult& result) {
  for (const GateCheck& check : result.checks) {
    if (check.outcome == GateOutcome::pass) continue;
    const std::string message = check.candidate + " " + check.metric + ": " + check.finding;
    out << (check.outcome == GateOutcome::fail ? "::error" : "::warning")
        << " title=stagemark::" << escaped(message, {{'%', "%25"}, {'\n', "%0A"}, {'\r', "%0D"}}) << '\n';
  }
}

void write_github_benchmark(std::ostream& out, const Report& report) {
  out << '[';
  bool first = true;
  const auto write = [&](const std::string& name, const std::string& unit, double value, const std::string& range) {
    JsonObject entry;
    entry.text("name", name).text("unit", unit).number("value", value);
    if (!range.empty()) entry.text("range", range);
    out << (first ? "\n" : ",\n") << entry.str();
    first = false;
  };
  for (const ApproachReport& result : report.results) {
    for (const auto& [stage, times] : result.stages) {
      const std::string range = times.ci95_median
                                    ? decimal(times.ci95_median->low, 4) + " to " + decimal(times.ci95_median->high, 4)
                                    : std::string();
      write(result.approach + " " + std::string(to_string(stage)) + " median", "ms", times.median, range);
    }
    if (result.accuracy) write(result.approach + " wrong decisions", "%", 100 * (1 - *result.accuracy), "");
  }
  out << "\n]\n";
}

}  // namespace stagemark
