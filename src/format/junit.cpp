#include "stagemark/format/junit.hpp"

#include <algorithm>
#include <ostream>
#include <string>
#include <string_view>

#include "escapes.hpp"
#include "gate_text.hpp"

namespace stagemark {
namespace {

/// Text for an attribute or an element. Control characters become blanks: XML 1.0 has no way to write them.
std::string xml(std::string_view text) {
  std::string printable(text);
  std::ranges::replace_if(
      printable, [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return escaped(printable, {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}});
}

}  // namespace

void write_junit(std::ostream& out, const GateResult& result, bool inconclusive_fails) {
  const std::size_t inconclusive = count_of(result, GateOutcome::inconclusive);
  out << "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"stagemark\" tests=\""
      << result.checks.size() << "\" failures=\""
      << count_of(result, GateOutcome::fail) + (inconclusive_fails ? inconclusive : 0) << R"(" errors="0" skipped=")"
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

}  // namespace stagemark
