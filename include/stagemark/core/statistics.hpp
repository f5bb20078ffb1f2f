#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

// Everything here is a pure function of its arguments and may be called from any thread. Values must be
// finite, probabilities and confidences numbers within their range: anything else, NaN included, is
// std::invalid_argument.

namespace stagemark {

/// A closed interval [low, high].
struct Interval {
  double low = 0;
  double high = 0;
  bool operator==(const Interval&) const = default;
};

/// Quantile of ascending `sorted` at probability p in [0, 1]: type 7 of Hyndman & Fan (1996), linear between
/// closest ranks: h = (n-1)p. \throws std::invalid_argument if `sorted` is empty or p is outside [0, 1].
double quantile(std::span<const double> sorted, double p);

/// Median of values in any order (a copy is sorted). \throws std::invalid_argument if empty.
double median(std::span<const double> values);

/// Arithmetic mean. \throws std::invalid_argument if empty.
double mean(std::span<const double> values);

/// Sample standard deviation, two-pass, ddof 1. Absent below two values.
std::optional<double> standard_deviation(std::span<const double> values);

/// Number of independent values that tell as much about the p-quantile as these do, in the order they were
/// measured: n / tau with tau = 1 + 2 sum of the autocorrelations of the indicator 1[x <= q], summed until
/// below 0.05 and to at most n/4 lags; beyond 1024 lags they are taken from lines between lags a thirty-second
/// apart. In [1, n]; n where the indicator does not vary. \throws std::invalid_argument if empty.
double effective_count(std::span<const double> in_order, double p);

/// 1-based ranks (lower, upper) of the exact distribution-free interval of the p-quantile from n independent
/// values: the largest `lower` with P(Bin(n,p) <= lower-1) <= alpha/2, the smallest `upper` with
/// P(Bin(n,p) >= upper) <= alpha/2.
struct OrderStatisticRanks {
  std::size_t lower = 0;
  std::size_t upper = 0;
  double coverage = 0;
};
/// Absent where n is too small for both ends. p in (0, 1).
std::optional<OrderStatisticRanks> quantile_interval_ranks(std::size_t n, double p, double confidence = 0.95);

/// Distribution-free interval of the median of values in measured order. Exact ranks where the values look
/// independent (tau < 1.2); else the sample quantiles at 1/2 -+ z sqrt(1/4 / effective_count). Absent where
/// the effective count is below what the confidence needs (6 for 95 %). Describes this run only: no claim
/// about another run rests on it.
std::optional<Interval> median_interval(std::span<const double> in_order, double confidence = 0.95);

/// One-sided distribution-free upper bound of the p-quantile at the given confidence: with
/// m = floor(effective_count) and u the smallest rank with P(Bin(m,p) >= u) <= 1-confidence, the value of
/// rank ceil(u n/m). Absent where m is too small (`quantile_upper_bound_count`).
std::optional<double> quantile_upper_bound(std::span<const double> in_order, double p, double confidence = 0.95);

/// Smallest number of independent values for which the one-sided bound exists: ceil(ln(1-confidence)/ln p).
/// 95 %: p50 5, p90 29, p95 59, p99 299, p99.9 2995.
std::size_t quantile_upper_bound_count(double p, double confidence = 0.95);

/// Average ranks (midranks), 1-based, ties shared.
std::vector<double> midranks(std::span<const double> values);

/// Spearman's rank correlation of the values with their position. Absent below 3 values or where all are
/// equal.
std::optional<double> spearman_trend(std::span<const double> in_order);

/// Lag-1 autocorrelation. Absent below 3 values or where all are equal.
std::optional<double> lag1_autocorrelation(std::span<const double> in_order);

/// Values strictly outside Tukey's fences: inner 1.5, outer 3 interquartile ranges (type-7 quartiles). Each
/// value counts once. Counted, never removed.
struct TukeyCounts {
  std::size_t mild_low = 0, severe_low = 0, mild_high = 0, severe_high = 0;
  bool operator==(const TukeyCounts&) const = default;
};
TukeyCounts tukey_counts(std::span<const double> values);

/// P(Bin(n, p) <= k), p in [0, 1]. Relative error below 1e-11 for n up to 10^6, in the tails too.
double binomial_cdf(std::size_t k, std::size_t n, double p);

/// Regularised incomplete beta function I_x(a, b), x in [0, 1], a and b positive.
double incomplete_beta(double x, double a, double b);

/// Quantile of the standard normal distribution, p in (0, 1).
double normal_quantile(double p);

/// Distribution function of the standard normal.
double normal_cdf(double z);

/// Distribution function of Student's t, degrees of freedom > 0. Accurate in the lower tail: for the upper
/// one take that of -t.
double student_t_cdf(double t, double degrees);

/// Quantile of Student's t, p in (0, 1).
double student_t_quantile(double p, double degrees);

}  // namespace stagemark
