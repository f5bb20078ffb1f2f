#include "stagemark/format/junit.hpp"

#include <algorithm>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>

#include "markdown_table.hpp"
#include "stagemark/format/console_table.hpp"

namespace stagemark {
namespace {

using Replacements = std::initializer_list<std::pair<char, std::string_view>>;

std::string replaced(std::string_view text, Replacements replacements) {
  std::string result;
  for (const char c : text) {
    const auto* const found =
        std::find_if(replacements.begin(), replacements.end(), [c](const auto& r) { return r.first == c; });
    if (found == replacements.end()) {
      result += c;
    } else {
      result += found->second;
    }
  }
  return result;
}

/// Of an attribute or text. Control characters have no place in XML 1.0 at all.
std::string xml(std::string_view text) {
  std::string printable(text);
  std::replace_if(
      printable.begin(), printable.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return replaced(printable, {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}});
}

/// Of a workflow command's message.
std::string github(std::string_view text) { return replaced(text, {{'%', "%25"}, {'\n', "%0A"}, {'\r', "%0D"}}); }

std::size_t count(const GateResult& result, GateOutcome outcome) {
  return static_cast<std::size_t>(std::ranges::count(result.checks, outcome, &GateCheck::outcome));
}

std::string upper_case(GateOutcome outcome) {
  std::string text(to_string(outcome));
  std::transform(text.begin(), text.end(), text.begin(), [](char c) { return static_cast<char>(c - 'a' + 'A'); });
  return text;
}

}  // namespace

void print_gate(std::ostream& out, const GateResult& result) {
  out << "Judged against " << result.baseline << '\n';
  ConsoleTable table({"outcome", "approach", "metric", "finding"});
  for (const GateCheck& check : result.checks) {
    table.add({upper_case(check.outcome), check.candidate, check.metric, check.finding});
  }
  table.print(out, "  ");
  for (const std::string& change : result.changes) out << "  changed: " << change << '\n';
  for (const std::string& warning : result.warnings) out << "  warning: " << warning << '\n';
  out << upper_case(result.outcome) << ": " << count(result, GateOutcome::pass) << " passed, "
      << count(result, GateOutcome::fail) << " failed, " << count(result, GateOutcome::inconclusive)
      << " inconclusive\n";
}

void write_junit(std::ostream& out, const GateResult& result, bool inconclusive_fails) {
  const std::size_t inconclusive = count(result, GateOutcome::inconclusive);
  out << "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"stagemark\" tests=\""
      << result.checks.size() << "\" failures=\""
      << count(result, GateOutcome::fail) + (inconclusive_fails ? inconclusive : 0) << R"(" errors="0" skipped=")"
      << (inconclusive_fails ? 0 : inconclusive) << "\">\n";
  for (const GateCheck& check : result.checks) {
    out << "    <testcase classname=\"" << xml(check.candidate) << "\" name=\"" << xml(check.metric) << "\">";
    if (check.outcome == GateOutcome::inconclusive && !inconclusive_fails) {
      out << "<skipped message=\"" << xml(check.finding) << "\"/>";
    } else if (check.outcome != GateOutcome::pass) {
      out << "<failure type=\"" << to_string(check.outcome) << "\" message=\"" << xml(check.finding) << "\"/>";
    } else {
      out << "<system-out>" << xml(check.finding) << "</system-out>";
    }
    out << "</testcase>\n";
  }
  out << "  </testsuite>\n</testsuites>\n";
}

void write_markdown(std::ostream& out, const GateResult& result) {
  out << "### stagemark: " << to_string(result.outcome) << "\n\nJudged against " << markdown_cell(result.baseline)
      << ".\n\n";
  write_markdown_headings(out, {"outcome", "approach", "metric", "finding"});
  for (const GateCheck& check : result.checks) {
    const std::string outcome(to_string(check.outcome));
    write_markdown_row(out, {check.outcome == GateOutcome::pass ? outcome : upper_case(check.outcome), check.candidate,
                             check.metric, check.finding});
  }
  if (!result.changes.empty()) out << '\n';
  for (const std::string& change : result.changes) out << "- changed: " << markdown_cell(change) << '\n';
  for (const std::string& warning : result.warnings) out << "\n> " << markdown_cell(warning) << '\n';
}

void write_github_annotations(std::ostream& out, const GateResult& result) {
  for (const GateCheck& check : result.checks) {
    if (check.outcome == GateOutcome::pass) continue;
    out << (check.outcome == GateOutcome::fail ? "::error" : "::warning")
        << " title=stagemark::" << github(check.candidate + " " + check.metric + ": " + check.finding) << '\n';
  }
}

}  // namespace stagemark
