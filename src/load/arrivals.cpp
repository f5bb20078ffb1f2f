#include "stagemark/load/arrivals.hpp"

#include <charconv>
#include <cmath>
#include <utility>

#include "load/uniform_draw.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/core/number_text.hpp"

namespace stagemark {
namespace {

constexpr double nanoseconds_per_second = 1e9;

void expect_duration(Nanoseconds duration) {
  if (duration <= Nanoseconds::zero()) throw UsageError("is not above 0", "`duration`", "give a positive time");
}

void expect_rate(double rate, Nanoseconds duration) {
  if (!(rate > 0) || !std::isfinite(rate)) {
    throw UsageError("is not a number above 0", "`rate`", "give queries per second");
  }
  expect_duration(duration);
  if (rate * to_seconds(duration) > static_cast<double>(most_queries)) {
    throw UsageError("make more than " + thousands(most_queries) + " queries", "`rate` and `duration`",
                     "lower one of them");
  }
}

void expect_count(std::size_t count, const char* name) {
  if (count == 0 || count > most_queries) {
    throw UsageError("is not between 1 and " + thousands(most_queries), name, "give such a number");
  }
}

/// Arrivals at the times, in mean gaps, that `next` gives one after the other.
template <class Next>
OpenLoop scaled(double rate, Nanoseconds duration, Next next) {
  OpenLoop arrivals;
  arrivals.scheduled.reserve(static_cast<std::size_t>(rate * to_seconds(duration) * 1.01) + 100);
  for (;;) {
    const double at = next() / rate * nanoseconds_per_second;
    if (!(at < static_cast<double>(duration.count()))) return arrivals;
    arrivals.scheduled.emplace_back(static_cast<Nanoseconds::rep>(at));
  }
}

/// The arrivals of a trace, line by line.
class TraceReader {
 public:
  TraceReader(std::string_view text, std::string name) : text_(text), name_(std::move(name)) {}

  OpenLoop read() {
    OpenLoop arrivals;
    while (!text_.empty()) {
      ++line_;
      const Nanoseconds at = time_of(take_line());
      if (!arrivals.scheduled.empty() && at < arrivals.scheduled.back()) {
        refuse("is before the line above it", "sort the arrivals");
      }
      if (arrivals.scheduled.size() == most_queries) {
        refuse("is one more than the " + thousands(most_queries) + " arrivals that a trace may have", "cut the trace");
      }
      arrivals.scheduled.push_back(at);
    }
    if (arrivals.scheduled.empty()) {
      throw InputError("holds no arrival", name_, "give a line of seconds for each query");
    }
    const Nanoseconds first = arrivals.scheduled.front();
    for (Nanoseconds& at : arrivals.scheduled) at -= first;
    return arrivals;
  }

 private:
  [[noreturn]] void refuse(const std::string& problem, const std::string& remedy) const {
    throw InputError(problem, name_ + " line " + std::to_string(line_), remedy);
  }

  /// Without its end. Where nothing but empty lines follows, they go with it.
  std::string_view take_line() {
    std::string_view line = text_.substr(0, text_.find('\n'));
    text_.remove_prefix(std::min(text_.size(), line.size() + 1));
    if (text_.find_first_not_of("\r\n") == std::string_view::npos) text_ = {};
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
  }

  [[nodiscard]] Nanoseconds time_of(std::string_view line) const {
    double value = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), value);
    if (error != std::errc() || end != line.data() + line.size() || !std::isfinite(value)) {
      refuse("is not a number of seconds", "write one number on each line, with a point for decimals");
    }
    constexpr double longest = 366.0 * 24 * 3600;
    if (value < 0 || value > longest) refuse("is not between 0 s and a year", "count from the start of the trace");
    return Nanoseconds(std::llround(value * nanoseconds_per_second));
  }

  std::string_view text_;
  std::string name_;
  std::size_t line_ = 0;
};

}  // namespace

OpenLoop poisson_arrivals(double rate, Nanoseconds duration, std::uint64_t seed) {
  expect_rate(rate, duration);
  SplitMix64 random(seed);
  return scaled(rate, duration, [&random, at = 0.0]() mutable { return at -= std::log1p(-uniform_draw(random)); });
}

OpenLoop uniform_arrivals(double rate, Nanoseconds duration) {
  expect_rate(rate, duration);
  return scaled(rate, duration, [at = 0.0]() mutable { return at++; });
}

OpenLoop offline_arrivals(std::size_t queries) {
  expect_count(queries, "`queries`");
  return {std::vector<Nanoseconds>(queries)};
}

ClosedLoop multi_stream_arrivals(std::size_t samples_per_query, Nanoseconds duration) {
  expect_count(samples_per_query, "`samples_per_query`");
  expect_duration(duration);
  return {.concurrency = 1, .samples_per_query = samples_per_query, .duration = duration};
}

ClosedLoop closed_arrivals(std::size_t concurrency, Nanoseconds duration) {
  expect_count(concurrency, "`concurrency`");
  expect_duration(duration);
  return {.concurrency = concurrency, .samples_per_query = 1, .duration = duration};
}

OpenLoop parse_trace(std::string_view text, const std::string& name) { return TraceReader(text, name).read(); }

Nanoseconds period_of(const OpenLoop& trace) {
  const std::size_t gaps = trace.scheduled.empty() ? 0 : trace.scheduled.size() - 1;
  if (gaps == 0 || trace.scheduled.back() == Nanoseconds::zero()) {
    throw UsageError("spans no time", "`trace`", "give a trace of arrivals at different times");
  }
  return trace.scheduled.back() + trace.scheduled.back() / static_cast<Nanoseconds::rep>(gaps);
}

OpenLoop replayed_trace(const OpenLoop& trace, std::optional<double> rate, Nanoseconds from, Nanoseconds length) {
  const Nanoseconds period = period_of(trace);
  const double own_rate = static_cast<double>(trace.scheduled.size()) / to_seconds(period);
  expect_rate(rate.value_or(own_rate), length);
  const double stretch = rate ? own_rate / *rate : 1;
  const double stretched_period = stretch * static_cast<double>(period.count());
  const double end = static_cast<double>(from.count()) + static_cast<double>(length.count());
  OpenLoop part;
  for (double repetition = std::floor(static_cast<double>(from.count()) / stretched_period);; ++repetition) {
    for (const Nanoseconds own : trace.scheduled) {
      const double at = repetition * stretched_period + stretch * static_cast<double>(own.count());
      if (at >= end) return part;
      const double since = at - static_cast<double>(from.count());
      if (since >= 0) part.scheduled.emplace_back(static_cast<Nanoseconds::rep>(since));
      if (part.scheduled.size() > most_queries) {
        throw UsageError("make more than " + thousands(most_queries) + " queries", "`trace` and `duration`",
                         "lower one of them");
      }
    }
  }
}

}  // namespace stagemark
