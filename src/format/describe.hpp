#pragma once

#include <concepts>
#include <type_traits>

#include "stagemark/report/report.hpp"

// Every JSON name of the report, once. A visitor `fields` is called as fields(name, member, documentation,
// unit) for each member in the order of writing; the writer, the reader and the schema are three such
// visitors.

namespace stagemark {

template <class R, class T>
concept Described = std::same_as<std::remove_const_t<R>, T>;

/// Types that are written on one line, because there are many of them.
template <class T>
inline constexpr bool written_on_one_line =
    std::same_as<T, RoundReport> || std::same_as<T, FileProblem> || std::same_as<T, ConfusionMatrix> ||
    std::same_as<T, TukeyCounts> || std::same_as<T, ServiceLevelReport> || std::same_as<T, LatenessReport>;

namespace unit {
inline constexpr const char* none = "";
inline constexpr const char* milliseconds = "ms";
inline constexpr const char* megahertz = "MHz";
inline constexpr const char* nanoseconds = "ns";
inline constexpr const char* bytes = "bytes";
inline constexpr const char* ratio = "ratio";
inline constexpr const char* points = "percentage points";
inline constexpr const char* calls = "calls";
inline constexpr const char* images = "images";
inline constexpr const char* queries = "queries";
inline constexpr const char* samples = "samples";
inline constexpr const char* queries_a_second = "queries a second";
inline constexpr const char* seconds = "s";
}  // namespace unit

template <class Fields, Described<ToolInfo> R>
void describe(Fields& fields, R& tool) {
  fields("name", tool.name, "Name of the program that wrote the report", unit::none);
  fields("version", tool.version, "Its version", unit::none);
  fields("git", tool.git, "Commit it was built from", unit::none);
}

template <class Fields, Described<CpuFrequency> R>
void describe(Fields& fields, R& frequency) {
  fields("source", frequency.source, "The file that tells; that of a virtual machine may hold the nominal frequency",
         unit::none);
  fields("before_mhz", frequency.before_mhz, "Before the run", unit::megahertz);
  fields("after_mhz", frequency.after_mhz, "After the run", unit::megahertz);
  fields("lowest_mhz", frequency.lowest_mhz, "Lowest seen between turns", unit::megahertz);
  fields("highest_mhz", frequency.highest_mhz, "Highest seen between turns", unit::megahertz);
  fields("readings", frequency.readings, "Readings between turns", unit::none);
}

template <class Fields, Described<CpuEnvironment> R>
void describe(Fields& fields, R& cpu) {
  fields("model", cpu.model, "Model name", unit::none);
  fields("vendor", cpu.vendor, "Vendor", unit::none);
  fields("logical_cpus", cpu.logical_cpus, "Hardware threads online", unit::none);
  fields("usable_cpus", cpu.usable_cpus, "CPUs that affinity and cgroup quota leave to the process", unit::none);
  fields("physical_cores", cpu.physical_cores, "Cores online", unit::none);
  fields("smt", cpu.smt, "More than one hardware thread per core is online", unit::none);
  fields("flags", cpu.flags, "Instruction sets that matter to inference, those that are there", unit::none);
  fields("governor", cpu.governor, "Frequency governor of CPU 0", unit::none);
  fields("turbo", cpu.turbo, "Frequencies above the nominal one are allowed", unit::none);
  fields("load_average", cpu.load_average, "Runnable threads before the run, over 1, 5 and 15 minutes", unit::none);
  fields("load_average_after", cpu.load_average_after, "The same after the run", unit::none);
  fields("affinity_cpus", cpu.affinity_cpus, "CPUs that affinity alone leaves to the process", unit::none);
  fields("usable_cores", cpu.usable_cores, "Cores that these CPUs share", unit::none);
  fields("quota", cpu.quota, "CPU seconds a second that a cgroup allows", unit::none);
  fields("numa_nodes", cpu.numa_nodes, "NUMA nodes with CPUs", unit::none);
  fields("usable_numa_nodes", cpu.usable_numa_nodes, "Of these, nodes of CPUs that affinity leaves to the process",
         unit::none);
  fields("frequency", cpu.frequency, "Clock of the fastest of those CPUs", unit::none);
}

template <class Fields, Described<MemoryEnvironment> R>
void describe(Fields& fields, R& memory) {
  fields("total_bytes", memory.total_bytes, "Main memory", unit::bytes);
  fields("available_bytes", memory.available_bytes, "Main memory available before the run", unit::bytes);
  fields("transparent_huge_pages", memory.transparent_huge_pages, "always, madvise or never", unit::none);
}

template <class Fields, Described<GpuClocks> R>
void describe(Fields& fields, R& clocks) {
  fields("sm_mhz", clocks.sm_mhz, "Of the multiprocessors, before the run", unit::megahertz);
  fields("memory_mhz", clocks.memory_mhz, "Of the memory, before the run", unit::megahertz);
  fields("max_sm_mhz", clocks.max_sm_mhz, "Highest of the multiprocessors", unit::megahertz);
  fields("max_memory_mhz", clocks.max_memory_mhz, "Highest of the memory", unit::megahertz);
  fields("application_sm_mhz", clocks.application_sm_mhz, "Set for the multiprocessors", unit::megahertz);
  fields("application_memory_mhz", clocks.application_memory_mhz, "Set for the memory", unit::megahertz);
}

template <class Fields, Described<GpuEnvironment> R>
void describe(Fields& fields, R& gpu) {
  fields("index", gpu.index, "Number of the device, as in cuda:N", unit::none);
  fields("model", gpu.model, "Model name", unit::none);
  fields("driver", gpu.driver, "Version of the driver", unit::none);
  fields("memory_bytes", gpu.memory_bytes, "Memory of the device", unit::bytes);
  fields("details", gpu.details, "What else the driver tells", unit::none);
  fields("memory_used_bytes", gpu.memory_used_bytes, "Of its memory, in use before the run", unit::bytes);
  fields("clocks", gpu.clocks, "Clocks", unit::none);
  fields("throttle_reasons", gpu.throttle_reasons, "Why it ran below its clock, seen before the run or between turns",
         unit::none);
  fields("persistence", gpu.persistence, "The driver stays loaded while nobody uses the device", unit::none);
  fields("ecc", gpu.ecc, "Its memory is checked", unit::none);
  fields("mig", gpu.mig, "It is cut into instances", unit::none);
  fields("other_processes", gpu.other_processes, "Other processes that computed on it before the run", unit::none);
}

template <class Fields, Described<OsEnvironment> R>
void describe(Fields& fields, R& os) {
  fields("name", os.name, "Distribution", unit::none);
  fields("version", os.version, "Its release", unit::none);
  fields("kernel", os.kernel, "Release of the kernel", unit::none);
  fields("virtualised", os.virtualised, "A hypervisor shows itself", unit::none);
  fields("address_randomisation", os.address_randomisation, "off, without the heap, or full", unit::none);
}

template <class Fields, Described<BuildEnvironment> R>
void describe(Fields& fields, R& build) {
  fields("compiler", build.compiler, "Compiler and version", unit::none);
  fields("optimised", build.optimised, "Compiled with optimisation", unit::none);
  fields("assertions", build.assertions, "Compiled with assertions", unit::none);
  fields("sanitizers", build.sanitizers, "Sanitizers it was compiled with; empty where there are none", unit::none);
}

template <class Fields, Described<ComputeLibraries> R>
void describe(Fields& fields, R& libraries) {
  fields("blas", libraries.blas, "Implementation of BLAS, e.g. OpenBLAS, MKL, reference", unit::none);
  fields("blas_file", libraries.blas_file, "File that provides it, links resolved", unit::none);
  fields("files", libraries.files, "All BLAS, LAPACK, OpenMP and oneDNN libraries that are loaded", unit::none);
}

template <class Fields, Described<Finding> R>
void describe(Fields& fields, R& finding) {
  fields("severity", finding.severity, "How much it matters to a measurement", unit::none);
  fields("id", finding.id, "Name of the finding", unit::none);
  fields("sentence", finding.sentence, "What is so", unit::none);
  fields("remedy", finding.remedy, "What to do about it", unit::none);
}

template <class Fields, Described<Environment> R>
void describe(Fields& fields, R& environment) {
  fields("cpu", environment.cpu, "Processor", unit::none);
  fields("memory", environment.memory, "Main memory", unit::none);
  fields("gpu", environment.gpu, "Accelerators", unit::none);
  fields("os", environment.os, "Operating system", unit::none);
  fields("libraries", environment.libraries, "Version by library", unit::none);
  fields("threads", environment.threads, "Number of threads by purpose", unit::none);
  fields("warnings", environment.warnings, "What may spoil a measurement on this machine", unit::none);
  fields("fingerprint", environment.fingerprint,
         "First 16 hexadecimal digits of a SHA-256 over CPU model, usable CPUs, threads, GPUs and drivers, "
         "virtualisation and OS release: where it differs, times cannot be compared",
         unit::none);
  fields("build", environment.build, "How the program was compiled", unit::none);
  fields("compute_libraries", environment.compute_libraries, "Libraries that compute, as the program loaded them",
         unit::none);
  fields("variables", environment.variables, "Environment variables that steer those libraries, those that are set",
         unit::none);
  fields("configuration", environment.configuration, "What each engine says of its runtime", unit::none);
  fields("findings", environment.findings, "What bears on a measurement here, the gravest first", unit::none);
}

template <class Fields, Described<PreprocessingReport> R>
void describe(Fields& fields, R& preprocessing) {
  fields("width", preprocessing.width, "Width of the input in pixels", unit::none);
  fields("height", preprocessing.height, "Height of the input in pixels", unit::none);
  fields("shorter_side", preprocessing.shorter_side,
         "Length in pixels to which the shorter side was resized before the centre was cut out", unit::none);
  fields("mean", preprocessing.mean, "Subtracted from red, green and blue in [0, 1]", unit::none);
  fields("std", preprocessing.standard_deviation, "By which the differences were divided", unit::none);
  fields(
      "sixteen_bit", preprocessing.sixteen_bit,
      "What became of grey images with 16 bits per sample. shift: the high byte; pillow: above 255 is white; refuse: "
      "they were skipped",
      unit::none);
}

template <class Fields, Described<RunConfig> R>
void describe(Fields& fields, R& config) {
  fields("argv", config.argv, "Command line", unit::none);
  fields("seed", config.seed, "Seed of every random choice", unit::none);
  fields("warmup", config.warmup, "Most unrecorded calls of a process before its first round", unit::calls);
  fields("settle", config.settle, "Most unrecorded calls at the start of each turn", unit::calls);
  fields("rounds", config.rounds, "Rounds asked for", unit::none);
  fields("round_count", config.round_count, "Rounds planned and added, over all passes", unit::none);
  fields("stopped_because", config.stopped_because, "Why no more were measured", unit::none);
  fields("passes", config.passes, "Passes over the data set", unit::none);
  fields("processes", config.processes, "Generations of fresh worker processes", unit::none);
  fields("batch", config.batch, "Images in a call", unit::images);
  fields("threshold", config.threshold, "Least probability of the positive class that is called positive", unit::none);
  fields("threshold_rule", config.threshold_rule, "How a probability is compared with the threshold", unit::none);
  fields("isolation", config.isolation, "none: all approaches in one process; process: each in a worker of its own",
         unit::none);
  fields("default_device", config.default_device, "Device of approaches that named none", unit::none);
  fields("preprocessing", config.preprocessing, "How pixels became the input; absent where the engines do their own",
         unit::none);
  fields("clock_reading_ns", config.clock_reading_ns, "Measured cost of one reading of the clock", unit::nanoseconds);
}

template <class Fields, Described<FileProblem> R>
void describe(Fields& fields, R& problem) {
  fields("path", problem.path, "File, relative to the data set", unit::none);
  fields("reason", problem.reason, "What was wrong with it", unit::none);
}

template <class Fields, Described<DatasetReport> R>
void describe(Fields& fields, R& dataset) {
  fields("path", dataset.path, "Root directory, or the manifest that lists the images", unit::none);
  fields("found", dataset.found, "Image files there were, before any was drawn or skipped", unit::images);
  fields("images", dataset.images, "Images taken", unit::images);
  fields("classes", dataset.classes, "Class names in the order of their indices; empty where unlabelled", unit::none);
  fields("positive", dataset.positive, "Class that the metrics call positive", unit::none);
  fields("class_counts", dataset.class_counts, "Images by class", unit::images);
  fields("sha256", dataset.sha256, "Over the contents of the images in order", unit::none);
  fields("synthetic", dataset.synthetic, "Made, not photographed: the figures say nothing about real images",
         unit::none);
  fields("skipped", dataset.skipped, "Files left out", unit::none);
  fields("warnings", dataset.warnings, "What a reader should know of how the images were read", unit::none);
}

template <class Fields, Described<ModelReport> R>
void describe(Fields& fields, R& model) {
  fields("path", model.path, "Model file", unit::none);
  fields("format", model.format, "Its format", unit::none);
  fields("sha256", model.sha256, "Of the file", unit::none);
  fields("parameters", model.parameters, "Number of parameters", unit::none);
}

template <class Fields, Described<StageStatistics> R>
void describe(Fields& fields, R& stage) {
  fields("count", stage.count, "Timed calls", unit::calls);
  fields("mean", stage.mean, "Arithmetic mean", unit::milliseconds);
  fields("median", stage.median, "Median, the same as p50", unit::milliseconds);
  fields("p50", stage.p50, "50th percentile, type 7 of Hyndman & Fan (1996)", unit::milliseconds);
  fields("p90", stage.p90, "90th percentile, type 7", unit::milliseconds);
  fields("p95", stage.p95, "95th percentile, type 7", unit::milliseconds);
  fields("p99", stage.p99, "99th percentile, type 7", unit::milliseconds);
  fields("min", stage.min, "Smallest", unit::milliseconds);
  fields("max", stage.max, "Largest", unit::milliseconds);
  fields("stddev", stage.stddev, "Sample standard deviation, ddof 1", unit::milliseconds);
  fields("share", stage.share, "Mean over the mean of `total`; where asynchronous, of `total_with_waits`", unit::ratio);
  fields("ci95_median", stage.ci95_median, "95 % interval of the median, within this run", unit::milliseconds);
  fields("effective_count", stage.effective_count, "Independent values that tell as much about the median",
         unit::calls);
  fields("p90_upper", stage.p90_upper, "One-sided distribution-free 95 % bound of p90", unit::milliseconds);
  fields("p95_upper", stage.p95_upper, "One-sided distribution-free 95 % bound of p95", unit::milliseconds);
  fields("p99_upper", stage.p99_upper, "One-sided distribution-free 95 % bound of p99", unit::milliseconds);
}

template <class Fields, Described<ConfusionMatrix> R>
void describe(Fields& fields, R& matrix) {
  fields("tn", matrix.tn, "True negatives", unit::images);
  fields("fp", matrix.fp, "False positives", unit::images);
  fields("fn", matrix.fn, "False negatives", unit::images);
  fields("tp", matrix.tp, "True positives", unit::images);
}

template <class Fields, Described<AccuracyIntervals> R>
void describe(Fields& fields, R& ci95) {
  fields("accuracy", ci95.accuracy, "Wilson score interval", unit::ratio);
  fields("sensitivity", ci95.sensitivity, "Wilson score interval", unit::ratio);
  fields("specificity", ci95.specificity, "Wilson score interval", unit::ratio);
  fields("auroc", ci95.auroc, "DeLong's interval on the logit scale", unit::ratio);
}

template <class Fields, Described<ClassificationMetrics> R>
void describe(Fields& fields, R& metrics) {
  fields("count", metrics.count, "Scored images, each once: its first pass", unit::images);
  for (const MetricEntry& entry : metric_table) fields(entry.name, metrics.*entry.member, entry.definition, entry.unit);
  fields("confusion_matrix", metrics.confusion_matrix, "Counts of truth and decision", unit::images);
  fields("ci95", metrics.ci95, "95 % intervals for the population the images are drawn from", unit::none);
}

template <class Fields, Described<MemoryUse> R>
void describe(Fields& fields, R& memory) {
  fields("peak_rss_bytes", memory.peak_rss_bytes, "Most memory resident, of the process that hosted the approach",
         unit::bytes);
  fields("device_peak_bytes", memory.device_peak_bytes, "Most memory held on the device", unit::bytes);
}

template <class Fields, Described<TukeyCounts> R>
void describe(Fields& fields, R& outliers) {
  fields("mild_low", outliers.mild_low, "More than 1.5 interquartile ranges below", unit::calls);
  fields("severe_low", outliers.severe_low, "More than 3 interquartile ranges below", unit::calls);
  fields("mild_high", outliers.mild_high, "More than 1.5 interquartile ranges above", unit::calls);
  fields("severe_high", outliers.severe_high, "More than 3 interquartile ranges above", unit::calls);
}

template <class Fields, Described<Drift> R>
void describe(Fields& fields, R& drift) {
  fields("spearman", drift.spearman, "Rank correlation of `total` with the order of measurement", unit::none);
  fields("lag1_autocorrelation", drift.lag1_autocorrelation, "Correlation of `total` with that of the call before",
         unit::none);
  fields("outliers", drift.outliers, "Values of `total` outside Tukey's fences: counted, never removed", unit::calls);
}

template <class Fields, Described<HarnessCost> R>
void describe(Fields& fields, R& harness) {
  fields("wall_ns_per_call", harness.wall_ns_per_call, "Measured loop, harness included", unit::nanoseconds);
  fields("outside_total_ns_per_call", harness.outside_total_ns_per_call, "Of that, what is outside `total`",
         unit::nanoseconds);
  fields("clock_reading_ns", harness.clock_reading_ns, "Cost of one reading of the clock", unit::nanoseconds);
  fields("cost_in_clock_readings", harness.cost_in_clock_readings,
         "What is outside `total` (engine null: the whole loop) per call, in readings of the clock", unit::none);
}

template <class Fields, Described<RoundReport> R>
void describe(Fields& fields, R& round) {
  fields("index", round.index, "Number of the round, from 0", unit::none);
  fields("process", round.process, "Generation of the worker process, from 0", unit::none);
  fields("position", round.position, "Place of the approach within the round, from 0", unit::none);
  fields("count", round.count, "Timed calls", unit::calls);
  fields("total_median", round.total_median, "Median of `total`", unit::milliseconds);
}

template <class Fields, Described<PerImage> R>
void describe(Fields& fields, R& images) {
  fields("path", images.path, "Image file, relative to the data set; one entry per attempted inference", unit::none);
  fields("label", images.label, "Index into dataset.classes; null where unlabelled", unit::none);
  fields("probability", images.probability,
         "Of class index 1, or of `predicted` where there are more than two; null where the inference failed",
         unit::none);
  fields("logit", images.logit, "Before sigmoid or softmax; null where there is none", unit::none);
  fields("predicted", images.predicted, "Index of the class decided for; null where the inference failed", unit::none);
  fields("round", images.round, "Index of the round", unit::none);
  fields("process", images.process, "Generation of the worker process", unit::none);
  fields("pass", images.pass, "Number of the pass over the data set", unit::none);
  fields("call", images.call, "Number of the call: images of one batch have the same", unit::none);
  fields("input_hash", images.input_hash,
         "First 16 hexadecimal digits of a SHA-256 over the network's input as float32; null where it was not kept",
         unit::none);
  fields("stages_ns", images.stages_ns,
         "By stage, the time of the call that the image was in; null where it failed or was not timed",
         unit::nanoseconds);
}

template <class Fields, Described<RepeatsReport> R>
void describe(Fields& fields, R& repeats) {
  fields("compared", repeats.compared, "Inferences of an image that had been inferred before", unit::none);
  fields("other_scores", repeats.other_scores, "Of those: scores that differ beyond rounding", unit::none);
  fields("other_decisions", repeats.other_decisions, "Of those: that decide for another class", unit::none);
  fields("largest_difference", repeats.largest_difference, "Of a logit, or of a probability where there is no logit",
         unit::none);
}

template <class Fields, Described<ApproachReport> R>
void describe(Fields& fields, R& result) {
  fields("approach", result.approach, "Name: given by the user, else the specification", unit::none);
  fields("specification", result.specification, "ENGINE-PRECISION@DEVICE+OPTION, fully resolved", unit::none);
  fields("engine", result.engine, "Runtime", unit::none);
  fields("precision", result.precision, "Precision that really ran", unit::none);
  fields("device", result.device, "Device it really ran on", unit::none);
  fields("options", result.options, "Options of the specification", unit::none);
  fields("model", result.model, "Model file", unit::none);
  fields("execution", result.execution, "What the engine tells about how it ran", unit::none);
  fields("asynchronous", result.asynchronous,
         "`total`, `inference` and the stages come from different passes, because waiting for a stage costs "
         "time",
         unit::none);
  fields("error", result.error, "Why the approach as a whole failed; absent if it did not", unit::none);
  fields("samples", result.samples, "Images classified, each counted once", unit::images);
  fields("inferences", result.inferences, "Attempted inferences, over all passes", unit::none);
  fields("untimed_calls", result.untimed_calls, "Calls left out of timing: short last batches and failed ones",
         unit::calls);
  fields("settling_calls", result.settling_calls, "Unrecorded calls at the starts of turns", unit::calls);
  fields("failures", result.failures, "Images that failed", unit::none);
  fields("nondeterministic_predictions", result.nondeterministic_predictions,
         "Decisions that differed between the passes of one sample", unit::images);
  fields("repeats", result.repeats, "Images inferred again, compared with the inference before", unit::none);
  fields("timestamp", result.timestamp, "Start of the run, ISO 8601, UTC", unit::none);
  fields("total_time_ms", result.total_time_ms, "Mean of `total`", unit::milliseconds);
  fields("accuracy", result.accuracy, "The same as accuracy_metrics.accuracy", unit::ratio);
  fields("throughput_images_per_second", result.throughput_images_per_second, "Images over time in `total`",
         "images/s");
  fields("stages", result.stages, "Statistics by stage; a stage that was not timed is absent", unit::milliseconds);
  fields("unattributed_mean", result.unattributed_mean,
         "Mean of `total` (asynchronous: `total_with_waits`) less the stages within it", unit::milliseconds);
  fields("accuracy_metrics", result.accuracy_metrics, "Scores of the predictions that were timed", unit::none);
  fields("memory", result.memory, "Memory used", unit::none);
  fields("drift", result.drift, "Whether `total` stayed the same over the run", unit::none);
  fields("harness", result.harness, "What measuring cost", unit::none);
  fields("speed_rank", result.speed_rank, "1 the fastest; those that cannot be told apart share one", unit::none);
  fields("warnings", result.warnings, "What a reader of these figures should know", unit::none);
  fields("rounds", result.rounds, "Turns of the approach, in the order of measurement", unit::none);
  fields("per_image", result.per_image, "Columns of equal length, one entry per attempted inference", unit::none);
}

template <class Fields, Described<Speedup> R>
void describe(Fields& fields, R& speedup) {
  fields("ratio", speedup.ratio, "Time of the baseline over time of the candidate: above 1 is faster", unit::ratio);
  fields("ci95", speedup.ci95, "95 % interval", unit::ratio);
  fields(
      "p_value", speedup.p_value,
      "Of equal speed, two-sided: sign test over rounds; from five generations on the larger of that and Student's t",
      unit::none);
  fields("p_adjusted", speedup.p_adjusted, "The same, adjusted by Holm's method", unit::none);
  fields("scope", speedup.scope, "these_processes: the interval does not cover other processes", unit::none);
}

template <class Fields, Described<TailSpeedups> R>
void describe(Fields& fields, R& tails) {
  fields("p95", tails.p95, "Of the 95th percentile", unit::ratio);
  fields("p99", tails.p99, "Of the 99th percentile", unit::ratio);
}

template <class Fields, Described<LabelFlips> R>
void describe(Fields& fields, R& flips) {
  fields("harmful", flips.harmful, "Baseline right, candidate wrong", unit::images);
  fields("helpful", flips.helpful, "Baseline wrong, candidate right", unit::images);
  fields("files", flips.files, "The images", unit::none);
  fields("harmful_files", flips.harmful_files, "Those that were right with the baseline", unit::none);
  fields("helpful_files", flips.helpful_files, "Those that are right with the candidate", unit::none);
}

template <class Fields, Described<Comparison> R>
void describe(Fields& fields, R& comparison) {
  fields("baseline", comparison.baseline, "Approach compared with", unit::none);
  fields("candidate", comparison.candidate, "Approach judged", unit::none);
  fields("speedup", comparison.speedup, "Of `total`", unit::ratio);
  fields("stages", comparison.stages, "Speed-up by stage", unit::ratio);
  fields("tails", comparison.tails, "Speed-up of high quantiles of `total`", unit::ratio);
  fields("rounds", comparison.rounds, "Rounds that both measured", unit::none);
  fields("images", comparison.images, "Images that both classified", unit::images);
  fields("accuracy_delta_points", comparison.accuracy_delta_points, "Candidate less baseline", unit::points);
  fields("accuracy_delta_ci95", comparison.accuracy_delta_ci95, "95 % interval for the population", unit::points);
  fields("accuracy_margin_points", comparison.accuracy_margin_points, "Largest drop that counts as kept", unit::points);
  fields("accuracy_margin_images", comparison.accuracy_margin_images, "The same in images of this set", unit::images);
  fields("images_needed", comparison.images_needed,
         "With which the population's accuracy would be kept, if images flipped at the same rates", unit::images);
  fields("auroc_delta", comparison.auroc_delta, "Candidate less baseline", unit::ratio);
  fields("auroc_delta_p_value", comparison.auroc_delta_p_value, "Paired DeLong test", unit::none);
  fields("label_flips", comparison.label_flips, "Images on which the decisions differ", unit::none);
  fields("mcnemar_p_value", comparison.mcnemar_p_value, "Mid-p McNemar test", unit::none);
  fields("max_probability_difference", comparison.max_probability_difference, "Largest over the images", unit::none);
  fields("max_input_difference", comparison.max_input_difference, "Largest between the networks' inputs that were kept",
         unit::none);
  fields("speed_verdict", comparison.speed_verdict, "Whether the candidate is faster", unit::none);
  fields("accuracy_verdict", comparison.accuracy_verdict, "Whether accuracy survived on these images", unit::none);
  fields("accuracy_population_verdict", comparison.accuracy_population_verdict,
         "Whether accuracy survived in the population (Tango's test)", unit::none);
  fields("reasons", comparison.reasons, "Why the verdicts are what they are", unit::none);
}

template <class Fields, Described<NoiseReport> R>
void describe(Fields& fields, R& noise) {
  fields("approach", noise.approach, "What was measured against itself", unit::none);
  fields("rounds", noise.rounds, "Rounds that both sides measured", unit::none);
  fields("generations", noise.generations, "Generations of fresh worker processes that did", unit::none);
  fields("between_round_sd", noise.between_round_sd,
         "Standard deviation of a round's log speed-up about that of its generation", unit::ratio);
  fields("between_process_sd", noise.between_process_sd,
         "Standard deviation of a worker process's log time about that of others of the same program", unit::ratio);
  fields("autocorrelation_time", noise.autocorrelation_time, "Rounds that tell as much as one independent round",
         unit::none);
  fields("smallest_detectable_change", noise.smallest_detectable_change,
         "Relative change of speed that a run with these rounds and generations finds four times in five", unit::ratio);
  fields("false_difference_rate", noise.false_difference_rate,
         "Share of relabellings of the two identical sides that the comparison would call different at 95 %",
         unit::ratio);
}

template <class Fields, Described<ServiceLevelReport> R>
void describe(Fields& fields, R& level) {
  fields("quantile", level.quantile, "Share of the queries that are to be answered in time", unit::ratio);
  fields("bound_ms", level.bound_ms, "Within so long of their scheduled arrival", unit::milliseconds);
}

template <class Fields, Described<ServingReport> R>
void describe(Fields& fields, R& settings) {
  fields("instances", settings.instances, "Opened engines that took queries at the same time", unit::none);
  fields("threads", settings.threads, "Of each instance", unit::none);
  fields("max_batch", settings.max_batch, "Most samples inferred together", unit::samples);
  fields("max_batch_delay_ms", settings.max_batch_delay_ms, "Longest that a free instance waited for its batch to fill",
         unit::milliseconds);
  fields("queue_limit", settings.queue_limit, "Most that waited: queries above that were refused", unit::queries);
  fields("deadline_ms", settings.deadline_ms, "Queries that would be answered later were dropped before inference",
         unit::milliseconds);
}

template <class Fields, Described<LatencyReport> R>
void describe(Fields& fields, R& times) {
  fields("count", times.count, "Values, of all generations together", unit::none);
  fields("mean", times.mean, "Arithmetic mean", unit::milliseconds);
  fields("p50", times.p50, "50th percentile, type 7 of Hyndman & Fan (1996)", unit::milliseconds);
  fields("p90", times.p90, "90th percentile, type 7", unit::milliseconds);
  fields("p95", times.p95, "95th percentile, type 7", unit::milliseconds);
  fields("p99", times.p99, "99th percentile, type 7", unit::milliseconds);
  fields("p999", times.p999, "99.9th percentile, type 7", unit::milliseconds);
  fields("max", times.max, "Largest", unit::milliseconds);
  fields("p90_upper", times.p90_upper,
         "One-sided distribution-free 95 % bound of p90, by the effective number of values, which are correlated",
         unit::milliseconds);
  fields("p95_upper", times.p95_upper, "The same of p95", unit::milliseconds);
  fields("p99_upper", times.p99_upper, "The same of p99", unit::milliseconds);
  fields("p999_upper", times.p999_upper, "The same of p99.9", unit::milliseconds);
}

template <class Fields, Described<LatenessReport> R>
void describe(Fields& fields, R& lateness) {
  fields("p99", lateness.p99, "99th percentile, type 7", unit::milliseconds);
  fields("max", lateness.max, "Largest", unit::milliseconds);
}

template <class Fields, Described<LoadPointReport> R>
void describe(Fields& fields, R& point) {
  fields("offered_rate", point.offered_rate, "Queries that were scheduled; null where callers wait for their answers",
         unit::queries_a_second);
  fields("achieved_rate", point.achieved_rate, "Queries that were answered", unit::queries_a_second);
  fields("queries", point.queries, "Queries that count, warm-up being outside", unit::queries);
  fields("completed", point.completed, "Of these, answered", unit::queries);
  fields("refused", point.refused, "Of these, refused because the queue was full", unit::queries);
  fields("expired", point.expired, "Of these, dropped because they would have been answered after the deadline",
         unit::queries);
  fields("failed", point.failed, "Of these, failed by the engine", unit::queries);
  fields("generations", point.generations, "Generations of fresh processes whose queries are pooled", unit::none);
  fields("latency", point.latency,
         "From the scheduled arrival to the answer, of completed queries; where `unstable` it says nothing",
         unit::milliseconds);
  fields("queue_wait", point.queue_wait, "Of samples: until an instance took them, batch_formation left out",
         unit::milliseconds);
  fields("batch_formation", point.batch_formation,
         "Of samples: waiting while an instance was free, for the batch to fill", unit::milliseconds);
  fields("service", point.service, "Of samples: from when an instance took them to the answer", unit::milliseconds);
  fields("batch_sizes", point.batch_sizes, "Samples by the size of the batch they were in", unit::samples);
  fields("utilisation", point.utilisation, "Mean share of the instances that was busy", unit::ratio);
  fields("generator_lateness", point.generator_lateness, "How late queries were sent, counted in their latency",
         unit::milliseconds);
  fields("verdict", point.verdict,
         "Whether the service level holds. unstable: the queue grew without end; invalid: the generator was late",
         unit::none);
  fields("more_seconds", point.more_seconds, "Where undecided: how much longer to measure", unit::seconds);
  fields("reasons", point.reasons, "Why the verdict is what it is", unit::none);
}

template <class Fields, Described<CapacityReport> R>
void describe(Fields& fields, R& capacity) {
  fields("rate", capacity.rate, "Highest offered rate that was seen to hold the service level", unit::queries_a_second);
  fields("upper", capacity.upper, "Lowest that was seen not to", unit::queries_a_second);
  fields("predicted", capacity.predicted, "By a replay of measured service times", unit::queries_a_second);
  fields("estimate", capacity.estimate, "Geometric mean of by_generation", unit::queries_a_second);
  fields("by_generation", capacity.by_generation,
         "Where each generation's share of late queries crosses the allowed one; null where it does not",
         unit::queries_a_second);
  fields("reason", capacity.reason, "Why an end is absent or far off; else empty", unit::none);
}

template <class Fields, Described<LoadResultReport> R>
void describe(Fields& fields, R& result) {
  fields("approach", result.approach, "Name, as in results of the report", unit::none);
  fields("offline_rate", result.offline_rate, "Throughput with all queries at once", "images/s");
  fields("unloaded", result.unloaded, "Latency of one caller that waits for each answer", unit::milliseconds);
  fields("accuracy", result.accuracy, "Of the very same inferences, each image once", unit::ratio);
  fields("points", result.points, "One per load", unit::none);
  fields("capacity", result.capacity, "Highest rate at which the service level holds; absent where it was not searched",
         unit::queries_a_second);
}

template <class Fields, Described<CapacityRatioReport> R>
void describe(Fields& fields, R& ratio) {
  fields("ratio", ratio.ratio, "Capacity of the candidate over that of the baseline: above 1 serves more", unit::ratio);
  fields("ci95", ratio.ci95, "95 % interval, Student's t over the generations' logarithms", unit::ratio);
  fields("p_value", ratio.p_value, "Of equal capacities, two-sided", unit::none);
  fields("p_adjusted", ratio.p_adjusted, "The same, adjusted by Holm's method", unit::none);
}

template <class Fields, Described<CapacityComparison> R>
void describe(Fields& fields, R& comparison) {
  fields("baseline", comparison.baseline, "Approach compared with", unit::none);
  fields("candidate", comparison.candidate, "Approach judged", unit::none);
  fields("capacity_ratio", comparison.capacity_ratio, "How their capacities compare", unit::ratio);
  fields("verdict", comparison.verdict, "Whether the candidate's capacity is another", unit::none);
  fields("reason", comparison.reason, "Why it is inconclusive; else empty", unit::none);
}

template <class Fields, Described<LoadReport> R>
void describe(Fields& fields, R& load) {
  fields("scenario", load.scenario, "How queries came", unit::none);
  fields("arrivals", load.arrivals, "How their times came about; null where they followed from the scenario",
         unit::none);
  fields("service_level", load.service_level, "What was promised", unit::none);
  fields("settings", load.settings, "How every approach was served", unit::none);
  fields("concurrency", load.concurrency, "Callers that waited for their answers", unit::none);
  fields("samples_per_query", load.samples_per_query, "Images of each query", unit::samples);
  fields("warmup_ms", load.warmup_ms, "Of arrivals that were sent and not counted, in each generation",
         unit::milliseconds);
  fields("duration_ms", load.duration_ms, "Of a point, over all generations", unit::milliseconds);
  fields("generations", load.generations, "Of fresh processes that each measured every point", unit::none);
  fields("seed", load.seed, "Of the arrivals: approaches met the same", unit::none);
  fields("stopped_because", load.stopped_because, "Why not all was measured that was planned; else empty", unit::none);
  fields("results", load.results, "One per approach", unit::none);
  fields("comparisons", load.comparisons, "One per candidate where capacities were searched", unit::none);
}

template <class Fields, Described<Report> R>
void describe(Fields& fields, R& report) {
  fields("schema_version", report.schema_version, "MAJOR.MINOR of this description", unit::none);
  fields("tool", report.tool, "Program that wrote the report", unit::none);
  fields("timestamp", report.timestamp, "Start of the run, ISO 8601, UTC", unit::none);
  fields("time_unit", report.time_unit, "Unit of all times whose name does not say another", unit::none);
  fields("percentile_method", report.percentile_method, "Definition of the percentiles", unit::none);
  fields("stddev_ddof", report.stddev_ddof, "Delta degrees of freedom of the standard deviations", unit::none);
  fields("interrupted", report.interrupted, "The run was ended early and holds what was measured", unit::none);
  fields("environment", report.environment, "Where the run took place", unit::none);
  fields("config", report.config, "How it measured", unit::none);
  fields("dataset", report.dataset, "What it measured on", unit::none);
  fields("total_benchmarks", report.total_benchmarks, "Number of results", unit::none);
  fields("approaches_tested", report.approaches_tested, "Their names, the baseline first", unit::none);
  fields("results", report.results, "One per approach", unit::none);
  fields("comparisons", report.comparisons, "One per candidate", unit::none);
  fields("calibration", report.noise, "Of an approach against itself: what the machine can tell apart", unit::none);
  fields("load", report.load, "A load test: nothing in results is timed then", unit::none);
}

}  // namespace stagemark
