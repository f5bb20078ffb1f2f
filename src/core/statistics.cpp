#include "stagemark/core/statistics.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <numbers>
#include <numeric>

#include "require.hpp"
#include "solve.hpp"

namespace stagemark {
namespace {

constexpr double epsilon = std::numeric_limits<double>::epsilon();

// A probability that equals its bound in exact arithmetic must not miss it by a rounding error. Far above the
// error of binomial_cdf, far below any difference between two coverages that a reader could care about.
constexpr double rounding_slack = 1e-12;

void require_finite(std::span<const double> values) {
  require(std::all_of(values.begin(), values.end(), [](double value) { return std::isfinite(value); }),
          "values must be finite");
}

void require_samples(std::span<const double> values) {
  require(!values.empty(), "at least one value is needed");
  require_finite(values);
}

void require_confidence(double confidence) {
  require(confidence > 0 && confidence < 1, "the confidence must be between 0 and 1");
}

void require_inner_probability(double p) { require(p > 0 && p < 1, "the probability must be between 0 and 1"); }

std::vector<double> sorted_copy(std::span<const double> values) {
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

bool all_equal(std::span<const double> values) {
  return std::adjacent_find(values.begin(), values.end(), std::not_equal_to<>()) == values.end();
}

double sum_of_squared_deviations(std::span<const double> values) {
  const double center = mean(values);
  return std::accumulate(values.begin(), values.end(), 0.0,
                         [center](double sum, double value) { return sum + (value - center) * (value - center); });
}

// A series of zeros and ones, packed: the products of an autocovariance become a count of common bits, so
// that tens of thousands of lags of a drifting run of 10^5 calls take milliseconds.
class IndicatorSeries {
 public:
  IndicatorSeries(std::span<const double> in_order, double limit)
      : size_(in_order.size()), words_((in_order.size() + 63) / 64 + 1) {
    for (std::size_t t = 0; t < size_; ++t) {
      if (in_order[t] <= limit) words_[t / 64] |= std::uint64_t{1} << (t % 64);
    }
    ones_ = count_common(0);
  }

  [[nodiscard]] std::size_t ones() const { return ones_; }
  [[nodiscard]] bool at(std::size_t t) const { return ((words_[t / 64] >> (t % 64)) & 1U) != 0; }

  // How many t have a one both at t and at t + lag.
  [[nodiscard]] std::size_t count_common(std::size_t lag) const {
    const std::size_t skipped = lag / 64;
    const unsigned shift = lag % 64;
    std::size_t count = 0;
    // The last word is padding: there is always a next one to shift in.
    for (std::size_t word = skipped; word + 1 < words_.size(); ++word) {
      std::uint64_t later = words_[word] >> shift;
      if (shift != 0) later |= words_[word + 1] << (64 - shift);
      count += static_cast<std::size_t>(std::popcount(later & words_[word - skipped]));
    }
    return count;
  }

 private:
  std::size_t size_;
  std::vector<std::uint64_t> words_;
  std::size_t ones_ = 0;
};

// ln Gamma(n+1) - (n+1/2) ln n + n - ln sqrt(2 pi): what Stirling's formula leaves over (Loader 2000).
double stirling_error(double n) {
  double remainder = 0;
  while (n < 16) {
    remainder += (n + 0.5) * std::log1p(1 / n) - 1;
    n += 1;
  }
  const double square = n * n;
  const double series =
      (1.0 / 12 - (1.0 / 360 - (1.0 / 1260 - (1.0 / 1680 - (1.0 / 1188) / square) / square) / square) / square) / n;
  return remainder + series;
}

// x ln(x/m) + m - x without cancellation where x is near m (Loader 2000).
double deviance(double x, double m) {
  const double difference = x - m;
  if (std::abs(difference) >= 0.1 * (x + m)) return x * std::log(x / m) + m - x;
  const double ratio = difference / (x + m);
  double sum = difference * ratio;
  double power = 2 * x * ratio;
  for (int odd = 3;; odd += 2) {
    power *= ratio * ratio;
    const double next = sum + power / odd;
    if (next == sum) return sum;
    sum = next;
  }
}

// x^a y^b / (a B(a, b)) with y = 1 - x: a binomial density in Loader's form, which keeps its digits where a
// difference of log-gammas of 10^6 would have lost half of them.
double beta_power_term(double x, double y, double a, double b) {
  const double n = a + b;
  const double exponent =
      stirling_error(n) - stirling_error(a) - stirling_error(b) - deviance(a, n * x) - deviance(b, n * y);
  return std::exp(exponent) * std::sqrt(n / (2 * std::numbers::pi * a * b)) * b / n;
}

// The continued fraction of I_x(a, b) (Abramowitz & Stegun 26.5.8) by Lentz's method; converges within some
// multiple of sqrt(max(a, b)) terms where x <= (a+1)/(a+b+2).
double beta_continued_fraction(double x, double a, double b) {
  constexpr double tiny = 1e-300;
  const auto nonzero = [](double value) { return std::abs(value) < tiny ? tiny : value; };
  double c = 1;
  double d = 1 / nonzero(1 - (a + b) * x / (a + 1));
  double result = d;
  const auto limit = static_cast<int>(std::min(1e6, 1000 + 100 * std::sqrt(std::max(a, b))));
  for (int term = 1; term < limit; ++term) {
    const double m = term;
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / nonzero(1 + even * d);
    c = nonzero(1 + even / c);
    result *= d * c;
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / nonzero(1 + odd * d);
    c = nonzero(1 + odd / c);
    result *= d * c;
    if (std::abs(d * c - 1) <= epsilon) break;
  }
  return result;
}

// I_x(a, b), given y = 1 - x as well: whoever has the small one of the two exactly keeps its digits.
double incomplete_beta(double x, double y, double a, double b) {
  if (x <= 0) return 0;
  if (y <= 0) return 1;
  if (x <= (a + 1) / (a + b + 2)) return beta_power_term(x, y, a, b) * beta_continued_fraction(x, a, b);
  return 1 - beta_power_term(y, x, b, a) * beta_continued_fraction(y, b, a);
}

// P(Bin(n, p) >= k), without the cancellation of 1 - binomial_cdf.
double binomial_upper_tail(std::size_t k, std::size_t n, double p) {
  if (k == 0) return 1;
  if (k > n) return 0;
  return incomplete_beta(p, 1 - p, static_cast<double>(k), static_cast<double>(n - k + 1));
}

// Smallest k in [1, n] with P(Bin(n, p) >= k) <= tail.
std::optional<std::size_t> upper_rank(std::size_t n, double p, double tail) {
  const double bound = tail * (1 + rounding_slack);
  if (n == 0 || binomial_upper_tail(n, n, p) > bound) return std::nullopt;
  std::size_t too_low = 0;
  std::size_t enough = n;
  while (enough - too_low > 1) {
    const std::size_t middle = too_low + (enough - too_low) / 2;
    (binomial_upper_tail(middle, n, p) <= bound ? enough : too_low) = middle;
  }
  return enough;
}

// Largest k in [1, n] with P(Bin(n, p) <= k - 1) <= tail.
std::optional<std::size_t> lower_rank(std::size_t n, double p, double tail) {
  const double bound = tail * (1 + rounding_slack);
  if (n == 0 || binomial_cdf(0, n, p) > bound) return std::nullopt;
  std::size_t enough = 1;
  std::size_t too_high = n + 1;
  while (too_high - enough > 1) {
    const std::size_t middle = enough + (too_high - enough) / 2;
    (binomial_cdf(middle - 1, n, p) <= bound ? enough : too_high) = middle;
  }
  return enough;
}

// Smallest m with p^m <= tail.
double power_count(double p, double tail) { return std::ceil(std::log(tail) / std::log(p) * (1 - rounding_slack)); }

}  // namespace

double quantile(std::span<const double> sorted, double p) {
  require_samples(sorted);
  require(p >= 0 && p <= 1, "the probability must be in [0, 1]");
  const double position = static_cast<double>(sorted.size() - 1) * p;
  const auto below = static_cast<std::size_t>(position);
  const double fraction = position - static_cast<double>(below);
  if (fraction == 0) return sorted[below];
  return sorted[below] + fraction * (sorted[below + 1] - sorted[below]);
}

double median(std::span<const double> values) {
  require_samples(values);
  return quantile(sorted_copy(values), 0.5);
}

double mean(std::span<const double> values) {
  require_samples(values);
  // Relative to the first value: equal values have exactly that mean, and a deviation of exactly zero.
  const double origin = values.front();
  const double sum = std::accumulate(values.begin(), values.end(), 0.0,
                                     [origin](double total, double value) { return total + (value - origin); });
  return origin + sum / static_cast<double>(values.size());
}

std::optional<double> standard_deviation(std::span<const double> values) {
  require_finite(values);
  if (values.size() < 2) return std::nullopt;
  return std::sqrt(sum_of_squared_deviations(values) / static_cast<double>(values.size() - 1));
}

double effective_count(std::span<const double> in_order, double p) {
  require_samples(in_order);
  const std::size_t size = in_order.size();
  const auto n = static_cast<double>(size);
  const IndicatorSeries series(in_order, quantile(sorted_copy(in_order), p));
  const auto ones = static_cast<double>(series.ones());
  if (series.ones() == size) return n;  // nothing varies, so nothing can be seen to depend on anything

  const double share = ones / n;
  const double variance = ones * (1 - share);
  double ones_in_head = ones;  // without the last `lag` values
  double ones_in_tail = ones;  // without the first `lag` values
  double tau = 1;
  constexpr double negligible = 0.05;
  // Each lag at first; then in steps of a thirty-second of it, with a straight line between: what still depends on one
  // another so far apart does so evenly.
  constexpr std::size_t each = 1024;
  double before = 1;
  const std::size_t furthest = size / 4;
  for (std::size_t lag = 1, last = 0; last < furthest; last = lag, lag += lag < each ? 1 : lag / 32) {
    lag = std::min(lag, furthest);
    for (std::size_t passed = last + 1; passed <= lag; ++passed) {
      ones_in_head -= series.at(size - passed) ? 1 : 0;
      ones_in_tail -= series.at(passed - 1) ? 1 : 0;
    }
    const double covariance = static_cast<double>(series.count_common(lag)) - share * (ones_in_head + ones_in_tail) +
                              share * share * static_cast<double>(size - lag);
    const double correlation = covariance / variance;
    const auto lags = static_cast<double>(lag - last);
    const double slope = (correlation - before) / lags;
    const double counted = correlation < negligible ? std::floor((negligible - before) / slope) : lags;
    tau += 2 * (counted * before + slope * counted * (counted + 1) / 2);
    if (correlation < negligible) break;
    before = correlation;
  }
  return std::clamp(n / tau, 1.0, n);
}

std::optional<OrderStatisticRanks> quantile_interval_ranks(std::size_t n, double p, double confidence) {
  require_inner_probability(p);
  require_confidence(confidence);
  const double tail = (1 - confidence) / 2;
  const auto lower = lower_rank(n, p, tail);
  const auto upper = upper_rank(n, p, tail);
  if (!lower || !upper) return std::nullopt;
  return OrderStatisticRanks{.lower = *lower,
                             .upper = *upper,
                             .coverage = 1 - binomial_cdf(*lower - 1, n, p) - binomial_upper_tail(*upper, n, p)};
}

std::optional<Interval> median_interval(std::span<const double> in_order, double confidence) {
  require_confidence(confidence);
  if (in_order.empty()) return std::nullopt;
  const double tail = (1 - confidence) / 2;
  const double effective = effective_count(in_order, 0.5);
  if (effective < power_count(0.5, tail)) return std::nullopt;

  const std::vector<double> sorted = sorted_copy(in_order);
  constexpr double independent_below = 1.2;
  if (static_cast<double>(sorted.size()) < independent_below * effective) {
    const auto ranks = quantile_interval_ranks(sorted.size(), 0.5, confidence);
    if (!ranks) return std::nullopt;
    return Interval{.low = sorted[ranks->lower - 1], .high = sorted[ranks->upper - 1]};
  }
  const double half_width = -normal_quantile(tail) * std::sqrt(0.25 / effective);
  if (half_width >= 0.5) return std::nullopt;
  return Interval{.low = quantile(sorted, 0.5 - half_width), .high = quantile(sorted, 0.5 + half_width)};
}

std::optional<double> quantile_upper_bound(std::span<const double> in_order, double p, double confidence) {
  require_inner_probability(p);
  require_confidence(confidence);
  if (in_order.empty()) return std::nullopt;
  const auto effective = static_cast<std::size_t>(effective_count(in_order, p));
  const auto rank = upper_rank(effective, p, 1 - confidence);
  if (!rank) return std::nullopt;
  // The same share of all values as `rank` is of the effective ones, rounded up.
  const std::size_t scaled = (*rank * in_order.size() + effective - 1) / effective;
  return sorted_copy(in_order)[scaled - 1];
}

std::size_t quantile_upper_bound_count(double p, double confidence) {
  require_inner_probability(p);
  require_confidence(confidence);
  return static_cast<std::size_t>(power_count(p, 1 - confidence));
}

std::vector<double> midranks(std::span<const double> values) {
  require_finite(values);
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [values](std::size_t a, std::size_t b) { return values[a] < values[b]; });

  std::vector<double> ranks(values.size());
  for (std::size_t first = 0; first < order.size();) {
    std::size_t last = first;
    while (last + 1 < order.size() && values[order[last + 1]] == values[order[first]]) ++last;
    const double shared = static_cast<double>(first + last) / 2 + 1;
    for (std::size_t i = first; i <= last; ++i) ranks[order[i]] = shared;
    first = last + 1;
  }
  return ranks;
}

std::optional<double> spearman_trend(std::span<const double> in_order) {
  require_finite(in_order);
  if (in_order.size() < 3 || all_equal(in_order)) return std::nullopt;
  const std::vector<double> ranks = midranks(in_order);
  const auto n = static_cast<double>(ranks.size());
  const double center = (n + 1) / 2;  // of the ranks and of the positions alike
  double common = 0;
  double position = 0;
  for (const double rank : ranks) common += (rank - center) * (++position - center);
  const double position_squares = n * (n * n - 1) / 12;
  return std::clamp(common / std::sqrt(sum_of_squared_deviations(ranks) * position_squares), -1.0, 1.0);
}

std::optional<double> lag1_autocorrelation(std::span<const double> in_order) {
  require_finite(in_order);
  if (in_order.size() < 3 || all_equal(in_order)) return std::nullopt;
  const double center = mean(in_order);
  double products = 0;
  for (std::size_t t = 1; t < in_order.size(); ++t) {
    products += (in_order[t - 1] - center) * (in_order[t] - center);
  }
  const double squares = sum_of_squared_deviations(in_order);
  // Differences of adjacent denormals have squares that vanish: equal for every purpose.
  if (squares == 0) return std::nullopt;
  return products / squares;
}

TukeyCounts tukey_counts(std::span<const double> values) {
  TukeyCounts counts;
  if (values.empty()) return counts;
  require_finite(values);
  const std::vector<double> sorted = sorted_copy(values);
  const double first_quartile = quantile(sorted, 0.25);
  const double third_quartile = quantile(sorted, 0.75);
  const double range = third_quartile - first_quartile;
  for (const double value : sorted) {
    if (value < first_quartile - 3 * range) {
      ++counts.severe_low;
    } else if (value < first_quartile - 1.5 * range) {
      ++counts.mild_low;
    } else if (value > third_quartile + 3 * range) {
      ++counts.severe_high;
    } else if (value > third_quartile + 1.5 * range) {
      ++counts.mild_high;
    }
  }
  return counts;
}

double binomial_cdf(std::size_t k, std::size_t n, double p) {
  require(p >= 0 && p <= 1, "the probability must be in [0, 1]");
  if (k >= n) return 1;
  return incomplete_beta(1 - p, p, static_cast<double>(n - k), static_cast<double>(k + 1));
}

double incomplete_beta(double x, double a, double b) {
  require(x >= 0 && x <= 1, "x must be in [0, 1]");
  require(a > 0 && b > 0 && std::isfinite(a) && std::isfinite(b), "a and b must be positive and finite");
  return incomplete_beta(x, 1 - x, a, b);
}

double normal_quantile(double p) {
  require_inner_probability(p);
  if (p > 0.5) return -normal_quantile(1 - p);
  // Abramowitz & Stegun 26.2.23 is good to 4.5e-4; each of Halley's steps triples the digits.
  const double t = std::sqrt(-2 * std::log(p));
  double z = (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308))) - t;
  const double log_scale = std::log(p) + std::log(2 * std::numbers::pi) / 2;
  for (int step = 0; step < 3; ++step) {
    const double error = (normal_cdf(z) / p - 1) * std::exp(log_scale + z * z / 2);
    z -= error / (1 + z * error / 2);
  }
  return z;
}

double normal_cdf(double z) {
  require(!std::isnan(z), "z must be a number");
  return std::erfc(-z / std::numbers::sqrt2) / 2;
}

double student_t_cdf(double t, double degrees) {
  require(!std::isnan(t), "t must be a number");
  require(degrees > 0 && std::isfinite(degrees), "the degrees of freedom must be positive and finite");
  if (t > 0) return 1 - student_t_cdf(-t, degrees);
  if (std::isinf(t)) return 0;
  const double denominator = degrees + t * t;
  return incomplete_beta(degrees / denominator, t * t / denominator, degrees / 2, 0.5) / 2;
}

double student_t_quantile(double p, double degrees) {
  require_inner_probability(p);
  if (p > 0.5) return -student_t_quantile(1 - p, degrees);
  // t = (u-1)/u takes (0, 1] to (-inf, 0], with all digits at either end.
  const auto of_unit = [](double u) { return (u - 1) / u; };
  return of_unit(solve_increasing([&](double u) { return student_t_cdf(of_unit(u), degrees); }, p));
}

}  // namespace stagemark
