#include <charconv>
#include <cstdint>

#include "json_nodes.hpp"

namespace stagemark {
namespace {

void expect(bool holds, std::string_view member, std::string_view wanted) {
  if (!holds) throw BadValue{.problem = "expected " + std::string(wanted), .below = "/" + std::string(member)};
}

void expect_above_zero(double value, std::string_view member) { expect(value > 0, member, "a number above 0"); }
void expect_above_zero(std::size_t value, std::string_view member) { expect(value > 0, member, "1 or more"); }
template <class T>
void expect_above_zero(const OrReason<T>& value, std::string_view member) {
  if (value) expect_above_zero(*value, member);
}

void expect_not_negative(double value, std::string_view member) {
  expect(value >= 0, member, "a number that is not negative");
}
void expect_not_negative(const OrReason<double>& value, std::string_view member) {
  if (value) expect_not_negative(*value, member);
}

void expect_share(const OrReason<double>& value, std::string_view member) {
  expect(!value || (*value >= 0 && *value <= 1), member, "a number from 0 to 1");
}

bool is_batch_size(std::string_view name) {
  std::uint32_t size = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), size);
  return error == std::errc() && end == name.data() + name.size() && size > 0;
}

}  // namespace

void check_members(const ServiceLevelReport& level) {
  expect(level.quantile > 0 && level.quantile < 1, "quantile", "a number between 0 and 1");
  expect_above_zero(level.bound_ms, "bound_ms");
}

void check_members(const ServingReport& settings) {
  expect_above_zero(settings.instances, "instances");
  expect_above_zero(settings.threads, "threads");
  expect_above_zero(settings.max_batch, "max_batch");
  expect_not_negative(settings.max_batch_delay_ms, "max_batch_delay_ms");
  expect_above_zero(settings.deadline_ms, "deadline_ms");
}

void check_members(const LatencyReport& times) {
  // How they are ordered is left open: of neighbours the last digit may be rounded either way.
  expect_above_zero(times.count, "count");
  expect_not_negative(times.mean, "mean");
  expect_not_negative(times.p50, "p50");
  expect_not_negative(times.p90, "p90");
  expect_not_negative(times.p95, "p95");
  expect_not_negative(times.p99, "p99");
  expect_not_negative(times.p999, "p999");
  expect_not_negative(times.max, "max");
  expect_not_negative(times.p90_upper, "p90_upper");
  expect_not_negative(times.p95_upper, "p95_upper");
  expect_not_negative(times.p99_upper, "p99_upper");
  expect_not_negative(times.p999_upper, "p999_upper");
}

void check_members(const LoadPointReport& point) {
  constexpr double rounding = 1e-6;
  expect_above_zero(point.offered_rate, "offered_rate");
  expect_not_negative(point.achieved_rate, "achieved_rate");
  std::size_t rest = point.queries;
  for (const std::size_t part : {point.completed, point.refused, point.expired, point.failed}) {
    expect(part <= rest, "queries", "no fewer than were completed, refused, expired and failed together");
    rest -= part;
  }
  for (const auto& [size, samples] : point.batch_sizes) {
    if (!is_batch_size(size)) {
      throw BadValue{.problem = "expected sizes of batches, from 1 on, as names",
                     .below = "/batch_sizes" + pointer_step(size)};
    }
  }
  expect(point.utilisation >= 0 && point.utilisation <= 1 + rounding, "utilisation", "a number from 0 to 1");
  expect_not_negative(point.more_seconds, "more_seconds");
}

void check_members(const CapacityReport& capacity) {
  expect_above_zero(capacity.rate, "rate");
  expect_above_zero(capacity.upper, "upper");
  expect(!capacity.rate || !capacity.upper || *capacity.rate < *capacity.upper, "upper", "more than `rate`");
  expect_above_zero(capacity.predicted, "predicted");
  expect_above_zero(capacity.estimate, "estimate");
  for (std::size_t i = 0; i < capacity.by_generation.size(); ++i) {
    const std::optional<double> rate = capacity.by_generation[i];
    if (rate) expect_above_zero(*rate, "by_generation/" + std::to_string(i));
  }
}

void check_members(const LoadResultReport& result) {
  expect_above_zero(result.offline_rate, "offline_rate");
  expect_share(result.accuracy, "accuracy");
}

void check_members(const CapacityRatioReport& ratio) {
  expect_above_zero(ratio.ratio, "ratio");
  expect(!ratio.ci95 || (ratio.ci95->low > 0 && ratio.ci95->low <= ratio.ci95->high), "ci95",
         "two numbers above 0, the lower first");
  expect_share(ratio.p_value, "p_value");
  expect_share(ratio.p_adjusted, "p_adjusted");
}

void check_members(const LoadReport& load) {
  expect_above_zero(load.concurrency, "concurrency");
  expect_above_zero(load.samples_per_query, "samples_per_query");
  expect_not_negative(load.warmup_ms, "warmup_ms");
  expect_not_negative(load.duration_ms, "duration_ms");
}

}  // namespace stagemark
