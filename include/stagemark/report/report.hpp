#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stagemark/backend/approach.hpp"
#include "stagemark/backend/image.hpp"
#include "stagemark/core/enum_names.hpp"
#include "stagemark/core/metrics.hpp"
#include "stagemark/core/or_reason.hpp"
#include "stagemark/core/paired_proportions.hpp"
#include "stagemark/core/speed_comparison.hpp"
#include "stagemark/core/stage.hpp"
#include "stagemark/core/statistics.hpp"
#include "stagemark/machine/environment.hpp"
#include "stagemark/report/column.hpp"
#include "stagemark/report/load_report.hpp"

namespace stagemark {

// The report as plain data. Each struct is a JSON object, each member a field of the same name; all times are
// milliseconds unless the name says otherwise. `OrReason` is null with a reason where there is no value; an
// `optional` that is empty is left out.

/// What this version writes. A newer minor adds fields, and names to those that a field may have; a newer major changes
/// them.
inline constexpr std::string_view report_schema_version = "1.2";

template <class T>
using ByStage = std::map<Stage, T>;

struct ToolInfo {
  std::string name = "stagemark";
  std::string version;
  OrReason<std::string> git;  ///< commit it was built from

  bool operator==(const ToolInfo&) const = default;
};

/// Where the approaches ran.
enum class Isolation : std::uint8_t {
  none,     ///< all in one process
  process,  ///< each in a worker of its own
};
template <>
inline constexpr EnumNames<Isolation, 2> enum_names<Isolation> = {
    {{Isolation::none, "none"}, {Isolation::process, "process"}}};

/// How pixels became the networks' input.
struct PreprocessingReport {
  std::size_t width = 0;
  std::size_t height = 0;
  OrReason<std::size_t> shorter_side;  ///< resized to, before the centre was cut out
  std::array<double, 3> mean{};
  std::array<double, 3> standard_deviation{};
  SixteenBitGrey sixteen_bit = SixteenBitGrey::shift;

  bool operator==(const PreprocessingReport&) const = default;
};

struct RunConfig {
  std::vector<std::string> argv;
  std::uint64_t seed = 0;
  std::size_t warmup = 0;       ///< unrecorded calls per approach before the first round
  std::size_t settle = 0;       ///< unrecorded calls at the start of each turn
  std::size_t rounds = 0;       ///< wanted
  std::size_t round_count = 0;  ///< planned and added, over all passes
  std::string stopped_because;  ///< why no more
  std::size_t passes = 1;       ///< over the data set
  std::size_t processes = 1;    ///< generations of fresh workers
  std::size_t batch = 1;        ///< images per call
  double threshold = 0.5;
  std::string threshold_rule = ">=";
  Isolation isolation = Isolation::none;
  OrReason<Device> default_device;                   ///< of approaches that named none
  std::optional<PreprocessingReport> preprocessing;  ///< absent where the engines do their own
  double clock_reading_ns = 0;                       ///< measured cost of one reading of the clock

  bool operator==(const RunConfig&) const = default;
};

/// A file and what was wrong with it.
struct FileProblem {
  std::string path;
  std::string reason;

  bool operator==(const FileProblem&) const = default;
};

struct DatasetReport {
  std::string path;
  std::size_t found = 0;  ///< image files, before any was drawn or skipped
  std::size_t images = 0;
  std::vector<std::string> classes;       ///< empty where unlabelled
  OrReason<std::string> positive;         ///< the class that metrics call positive
  NamedValues<std::size_t> class_counts;  ///< images by class
  std::string sha256;
  bool synthetic = false;  ///< made by `stagemark sample`: figures say nothing about real images
  std::vector<FileProblem> skipped;
  std::vector<std::string> warnings;

  bool operator==(const DatasetReport&) const = default;
};

struct ModelReport {
  std::string path;
  std::string format;
  std::string sha256;
  OrReason<std::uint64_t> parameters;

  bool operator==(const ModelReport&) const = default;
};

/// Times of one stage over the timed calls, in milliseconds. Percentiles are type 7 of Hyndman & Fan (1996).
struct StageStatistics {
  std::size_t count = 0;  ///< calls
  double mean = 0, median = 0;
  double p50 = 0, p90 = 0, p95 = 0, p99 = 0;
  double min = 0, max = 0;
  OrReason<double> stddev;                           ///< ddof 1
  OrReason<double> share;                            ///< mean / mean of `total` (asynchronous: of `total_with_waits`)
  OrReason<Interval> ci95_median;                    ///< within this run
  double effective_count = 0;                        ///< independent values that tell as much about the median
  OrReason<double> p90_upper, p95_upper, p99_upper;  ///< one-sided 95 % bounds

  bool operator==(const StageStatistics&) const = default;
};

struct MemoryUse {
  OrReason<std::uint64_t> peak_rss_bytes;
  OrReason<std::uint64_t> device_peak_bytes;

  bool operator==(const MemoryUse&) const = default;
};

/// One turn of the approach.
struct RoundReport {
  std::size_t index = 0;
  std::size_t process = 0;
  std::size_t position = 0;  ///< of the approach within the round, from 0
  std::size_t count = 0;     ///< timed calls
  OrReason<double> total_median;

  bool operator==(const RoundReport&) const = default;
};

/// Whether `total` stayed the same over the run.
struct Drift {
  OrReason<double> spearman;  ///< rank correlation of `total` with the order of measurement
  OrReason<double> lag1_autocorrelation;
  TukeyCounts outliers;

  bool operator==(const Drift&) const = default;
};

/// What measuring cost, beside what was measured.
struct HarnessCost {
  OrReason<double> wall_ns_per_call;
  OrReason<double> outside_total_ns_per_call;
  OrReason<double> clock_reading_ns;
  /// Of an engine that does nothing: wall per call / clock reading; else what is outside `total` / clock reading.
  OrReason<double> cost_in_clock_readings;

  bool operator==(const HarnessCost&) const = default;
};

/// One entry per attempted inference, in the order of measurement; columns of equal length.
struct PerImage {
  std::vector<std::string> path;
  Column<std::uint32_t> label;  ///< index into DatasetReport::classes
  Column<double> probability;   ///< of class index 1, or of `predicted` where there are more than two
  Column<double> logit;
  Column<std::uint32_t> predicted;  ///< class index
  Column<std::uint32_t> round, process, pass;
  Column<std::uint32_t> call;               ///< images of the same call have the same number
  Column<std::string> input_hash;           ///< of the network's input, of the few inferences it was kept of
  ByStage<Column<std::int64_t>> stages_ns;  ///< time of the image's call; null where it failed or was not timed

  bool operator==(const PerImage&) const = default;
};

/// Inferences of images that had been inferred before: in other passes, processes and timing modes, or to settle.
struct RepeatsReport {
  std::size_t compared = 0;
  std::size_t other_scores = 0;     ///< that differ beyond rounding
  std::size_t other_decisions = 0;  ///< of which so many decide otherwise
  double largest_difference = 0;    ///< of a logit, or of a probability where there is no logit

  bool operator==(const RepeatsReport&) const = default;
};

/// All about one approach.
struct ApproachReport {
  std::string approach;       ///< its name: given by the user, else the specification
  std::string specification;  ///< fully resolved
  std::string engine;
  Precision precision = Precision::fp32;  ///< what really ran
  Device device;                          ///< where it really ran
  std::vector<std::string> options;
  OrReason<ModelReport> model;
  NamedValues<std::string> execution;  ///< details that the engine tells
  bool asynchronous = false;           ///< `total` and stages come from different passes
  std::optional<std::string> error;    ///< why the approach as a whole failed
  std::size_t samples = 0;             ///< images classified, each counted once
  std::size_t inferences = 0;          ///< attempted, over all passes
  std::size_t untimed_calls = 0;       ///< short last batches and failed calls
  std::size_t settling_calls = 0;
  std::vector<FileProblem> failures;
  std::size_t nondeterministic_predictions = 0;
  std::optional<RepeatsReport> repeats;  ///< absent in reports of version 1.0
  std::string timestamp;
  OrReason<double> total_time_ms;  ///< mean of `total`
  OrReason<double> accuracy;
  OrReason<double> throughput_images_per_second;
  ByStage<StageStatistics> stages;
  OrReason<double> unattributed_mean;
  ClassificationMetrics accuracy_metrics;  ///< each image once (first pass); with more than two classes: accuracy only
  MemoryUse memory;
  Drift drift;
  HarnessCost harness;
  std::vector<std::string> warnings;
  OrReason<std::size_t> speed_rank;  ///< 1 the fastest; approaches that cannot be told apart share one
  std::vector<RoundReport> rounds;
  PerImage per_image;

  bool operator==(const ApproachReport&) const = default;
};

/// Baseline time / candidate time: above 1 the candidate is faster.
struct Speedup {
  OrReason<double> ratio;
  OrReason<Interval> ci95;
  OrReason<double> p_value;
  OrReason<double> p_adjusted;  ///< Holm
  std::optional<Scope> scope;

  bool operator==(const Speedup&) const = default;
};

/// Of high quantiles of `total`.
struct TailSpeedups {
  Speedup p95, p99;

  bool operator==(const TailSpeedups&) const = default;
};

/// Images on which the decisions differ.
struct LabelFlips {
  std::size_t harmful = 0;  ///< baseline right, candidate wrong
  std::size_t helpful = 0;
  std::vector<std::string> files;          ///< all of them; the right answer need not be known
  std::vector<std::string> harmful_files;  ///< of a labelled set
  std::vector<std::string> helpful_files;

  bool operator==(const LabelFlips&) const = default;
};

/// One approach against the baseline. Deltas are candidate - baseline.
struct Comparison {
  std::string baseline;
  std::string candidate;
  Speedup speedup;  ///< of `total`
  ByStage<Speedup> stages;
  TailSpeedups tails;
  std::size_t rounds = 0;  ///< that both measured
  std::size_t images = 0;  ///< that both classified
  OrReason<double> accuracy_delta_points;
  OrReason<Interval> accuracy_delta_ci95;
  double accuracy_margin_points = 0.5;  ///< the largest drop that counts as kept
  OrReason<std::uint64_t> accuracy_margin_images;
  /// With which the population's accuracy would be kept, if the flips went on at the same rates.
  OrReason<std::uint64_t> images_needed;
  OrReason<double> auroc_delta;
  OrReason<double> auroc_delta_p_value;
  LabelFlips label_flips;
  OrReason<double> mcnemar_p_value;
  OrReason<double> max_probability_difference;
  OrReason<double> max_input_difference;
  SpeedVerdict speed_verdict = SpeedVerdict::inconclusive;
  AccuracyVerdict accuracy_verdict = AccuracyVerdict::inconclusive;             ///< on this data set
  AccuracyVerdict accuracy_population_verdict = AccuracyVerdict::inconclusive;  ///< Tango
  std::vector<std::string> reasons;

  bool operator==(const Comparison&) const = default;
};

/// What an approach compared with itself tells of the machine it ran on: `stagemark::NoiseEstimate`.
struct NoiseReport {
  std::string approach;
  std::size_t rounds = 0;
  std::size_t generations = 0;
  OrReason<double> between_round_sd;
  OrReason<double> between_process_sd;
  double autocorrelation_time = 1;
  OrReason<double> smallest_detectable_change;
  OrReason<double> false_difference_rate;

  bool operator==(const NoiseReport&) const = default;
};

struct Report {
  std::string schema_version{report_schema_version};
  ToolInfo tool;
  std::string timestamp;  ///< start of the run, ISO 8601, UTC
  std::string time_unit = "ms";
  std::string percentile_method = "hyndman_fan_7";
  std::size_t stddev_ddof = 1;
  bool interrupted = false;
  Environment environment;
  RunConfig config;
  DatasetReport dataset;
  std::size_t total_benchmarks = 0;
  std::vector<std::string> approaches_tested;
  std::vector<ApproachReport> results;
  std::vector<Comparison> comparisons;
  std::optional<NoiseReport> noise;  ///< of a run of one approach against itself
  std::optional<LoadReport> load;    ///< of a load test; no call in `results` is timed then

  bool operator==(const Report&) const = default;
};

}  // namespace stagemark
