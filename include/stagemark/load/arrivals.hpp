#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "stagemark/core/duration.hpp"
#include "stagemark/core/enum_names.hpp"

// When queries arrive, drawn before the load begins. Times count from its start.

namespace stagemark {

enum class Scenario : std::uint8_t { server, closed, multi_stream, offline };
template <>
inline constexpr EnumNames<Scenario, 4> enum_names<Scenario> = {{{Scenario::server, "server"},
                                                                 {Scenario::closed, "closed"},
                                                                 {Scenario::multi_stream, "multi-stream"},
                                                                 {Scenario::offline, "offline"}}};

/// How the times of `Scenario::server` come about.
enum class ArrivalKind : std::uint8_t { poisson, uniform, trace };
template <>
inline constexpr EnumNames<ArrivalKind, 3> enum_names<ArrivalKind> = {
    {{ArrivalKind::poisson, "poisson"}, {ArrivalKind::uniform, "uniform"}, {ArrivalKind::trace, "trace"}}};

/// Queries arrive at times of their own, whatever becomes of those before: `server`, and `offline`, where all arrive at
/// once. The times ascend, from 0 on.
struct OpenLoop {
  std::vector<Nanoseconds> scheduled;
};

/// Callers of whom each sends a query, waits for its answer and at once sends the next, until `duration` has passed:
/// `closed`, and `multi-stream`, where one caller's query is of several samples that arrive together.
struct ClosedLoop {
  std::size_t concurrency = 1;
  std::size_t samples_per_query = 1;
  Nanoseconds duration{0};
};

using Arrivals = std::variant<OpenLoop, ClosedLoop>;

/// Most queries in one schedule.
inline constexpr std::size_t most_queries = 10'000'000;

/// A Poisson process: independent exponential gaps, -ln(1-u)/rate with u of 53 bits from SplitMix64. The same seed draws
/// the same gaps at every rate, in units of its mean gap, so approaches and rates meet the same traffic.
/// \param rate queries a second, above 0
/// \param duration of the schedule; arrivals are before it
/// \throws UsageError if `rate` or `duration` is not above 0, or they make more than `most_queries`
OpenLoop poisson_arrivals(double rate, Nanoseconds duration, std::uint64_t seed);

/// Equal gaps of 1/rate, the first query at 0. \throws UsageError as `poisson_arrivals`
OpenLoop uniform_arrivals(double rate, Nanoseconds duration);

/// So many queries at once. \throws UsageError if there are none or more than `most_queries`
OpenLoop offline_arrivals(std::size_t queries);

/// One caller with queries of several samples. \throws UsageError if a number or the duration is 0, or too large
ClosedLoop multi_stream_arrivals(std::size_t samples_per_query, Nanoseconds duration);

/// Callers with queries of one sample. \throws UsageError as `multi_stream_arrivals`
ClosedLoop closed_arrivals(std::size_t concurrency, Nanoseconds duration);

/// Recorded traffic: a line for each query with the seconds of its arrival, ascending, in digits (`12.75`, `1e-3`), and
/// nothing else; lines end in LF or CR LF, empty lines at the end are passed over. Counted from the first arrival.
/// \param name what errors call the text, usually its file
/// \throws InputError that names the line: not a number, negative, longer than a year, before the line above it, more
///         than `most_queries`; or that says that there is no arrival
OpenLoop parse_trace(std::string_view text, const std::string& name);

/// After how long a trace begins again where it is replayed over and over: its last arrival and a mean gap.
/// \throws UsageError if it is a single arrival, or all are at one moment
Nanoseconds period_of(const OpenLoop& trace);

/// A part of a trace that is replayed over and over, counted from the part's begin.
/// \param rate   queries a second, to which its times are stretched; absent: as they are
/// \param from   where the part begins, in the stretched time; below 0 is before the trace's first begin
/// \throws UsageError as `period_of`, and as `poisson_arrivals`
OpenLoop replayed_trace(const OpenLoop& trace, std::optional<double> rate, Nanoseconds from, Nanoseconds length);

}  // namespace stagemark
