#include "stagemark/judgement/make_report.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "accuracy_report.hpp"
#include "stagemark/backend/decision.hpp"
#include "stagemark/backend/read_out.hpp"
#include "stagemark/core/number_text.hpp"
#include "stagemark/core/sha256.hpp"
#include "stagemark/judgement/compare.hpp"
#include "stagemark/machine/environment.hpp"
#include "stagemark/report/timestamp.hpp"
#include "stagemark/report/tool.hpp"
#include "stagemark/suite/benchmark_suite.hpp"
#include "timing_report.hpp"

namespace stagemark {
namespace {

RunConfig run_config(const SuiteResult& result, const ReportContext& context) {
  RunConfig config;
  config.argv = context.argv;
  config.seed = result.options.seed;
  config.warmup = result.options.warmup;
  config.settle = result.options.settle;
  config.rounds = result.options.rounds;
  config.round_count = result.round_count;
  config.stopped_because = result.stopped_because;
  config.passes = result.passes;
  config.processes = result.in_workers ? result.generations : 1;
  config.batch = result.options.batch;
  config.threshold = result.options.threshold;
  config.isolation = result.in_workers ? Isolation::process : Isolation::none;
  config.default_device = OrReason<Device>::of(context.default_device, "auto: chosen for each approach");
  config.preprocessing = context.preprocessing;
  config.clock_reading_ns = result.clock_reading.count();
  return config;
}

DatasetReport dataset_report(const SuiteResult& suite) {
  const Dataset& dataset = suite.dataset;
  DatasetReport report;
  report.path = (dataset.manifest.empty() ? dataset.root : dataset.manifest).string();
  report.found = dataset.found;
  report.classes = dataset.classes;
  report.positive = positive_class(dataset);
  report.sha256 = dataset.sha256;
  report.synthetic = dataset.synthetic;

  // Files that turned out to be broken when they were decoded are among the entries too.
  std::set<std::string> skipped;
  for (const SkippedFile& file : dataset.skipped) {
    report.skipped.push_back({file.path, file.reason});
    skipped.insert(file.path);
  }
  for (const std::string& name : dataset.classes) report.class_counts.emplace_back(name, 0);
  for (const DatasetEntry& entry : dataset.entries) {
    if (skipped.contains(entry.path)) continue;
    ++report.images;
    if (entry.label && *entry.label < report.class_counts.size()) ++report.class_counts[*entry.label].second;
  }
  if (!suite.sixteen_bit_ranges.empty()) {
    report.warnings.push_back(sixteen_bit_warning(suite.sixteen_bit_ranges, report.images));
  }
  for (std::size_t i = 0; i < report.class_counts.size(); ++i) {
    const auto& [name, count] = report.class_counts[i];
    if (count > 0 || std::ranges::find(dataset.undrawn, i) != dataset.undrawn.end()) continue;
    report.warnings.push_back("class '" + name +
                              "' has no image that can be read (PNG, JPEG, BMP, TIFF or PGM): it is " + "class " +
                              std::to_string(i) + " of 0 to " + std::to_string(report.class_counts.size() - 1) +
                              " all the same, so that the others keep their numbers");
  }
  return report;
}

/// Each file once, however many passes it failed in.
std::vector<FileProblem> failures_of(const ApproachResult& result, const Dataset& dataset) {
  std::vector<FileProblem> failures;
  std::set<std::size_t> seen;
  for (const FailedImage& failure : result.failures) {
    if (!seen.insert(failure.image).second) continue;
    failures.push_back({dataset.entries[failure.image].path, failure.reason});
  }
  return failures;
}

MemoryUse memory_use(const ApproachResult& result) {
  MemoryUse memory;
  memory.peak_rss_bytes =
      result.peak_rss_bytes > 0 ? OrReason(result.peak_rss_bytes) : OrReason<std::uint64_t>::absent("not measured");
  const bool on_host = result.facts.device.kind == Device::Kind::cpu;
  memory.device_peak_bytes = OrReason<std::uint64_t>::of(
      result.device_peak_bytes, on_host ? "the device is the host" : "the engine does not tell");
  return memory;
}

/// The call of each inference; null where there is no record of one.
std::vector<const CallRecord*> calls_by_inference(const ApproachResult& result) {
  std::vector<const CallRecord*> calls(result.inferences.size(), nullptr);
  for (const CallRecord& call : result.calls) {
    for (std::size_t i = 0; i < call.size && call.first_inference + i < calls.size(); ++i) {
      calls[call.first_inference + i] = &call;
    }
  }
  return calls;
}

std::vector<Stage> timed_stages(const ApproachResult& result) {
  std::set<Stage> stages;
  for (const CallRecord& call : result.calls) {
    for (const Stage stage : all_stages) {
      if (call.timed && call.times.has(stage)) stages.insert(stage);
    }
  }
  return {stages.begin(), stages.end()};
}

std::optional<std::uint32_t> narrow(std::optional<std::size_t> value) {
  if (!value) return std::nullopt;
  return static_cast<std::uint32_t>(*value);
}

std::string hash_of(const InputRecord& input) {
  Sha256 hash;
  hash.update(std::as_bytes(std::span(input.values)));
  return hash.finish().substr(0, 16);
}

/// Between the inputs of the images that both kept one of.
OrReason<double> input_difference(const ApproachResult& baseline, const ApproachResult& candidate) {
  std::optional<double> largest;
  for (const InputRecord& first : baseline.inputs) {
    const auto second = std::ranges::find(candidate.inputs, first.image, &InputRecord::image);
    if (second == candidate.inputs.end()) continue;
    if (first.values.size() != second->values.size()) {
      return OrReason<double>::absent("the networks take inputs of different sizes");
    }
    for (std::size_t i = 0; i < first.values.size(); ++i) {
      largest = std::max(largest.value_or(0), std::abs(double{first.values[i]} - double{second->values[i]}));
    }
  }
  return OrReason<double>::of(largest, "not both engines tell what their network gets");
}

/// Those that the run saw, and those among the inferences: each with the image's first.
RepeatsReport repeats(const ApproachResult& result, const Dataset& dataset, double threshold) {
  const DecisionRule rule = decision_rule(dataset, threshold);
  Repeats seen = result.repeats;
  std::vector<const Prediction*> first(dataset.entries.size(), nullptr);
  for (const InferenceRecord& inference : result.inferences) {
    const Prediction* prediction = usable_prediction(inference);
    if (prediction == nullptr) continue;
    const Prediction*& before = first[inference.image];
    if (before == nullptr) {
      before = prediction;
    } else {
      seen.compare(*before, *prediction, rule, result.facts.precision);
    }
  }
  return {seen.compared, seen.other_scores, seen.other_decisions, seen.largest_difference};
}

PerImage per_image(const ApproachResult& result, const Dataset& dataset, double threshold) {
  PerImage images;
  const DecisionRule rule = decision_rule(dataset, threshold);
  std::map<std::size_t, std::string> hashes;
  for (const InputRecord& input : result.inputs) hashes.emplace(input.image, hash_of(input));
  const std::vector<const CallRecord*> calls = calls_by_inference(result);
  const std::vector<Stage> stages = timed_stages(result);
  images.path.reserve(calls.size());
  for (const Stage stage : stages) images.stages_ns[stage].reserve(calls.size());

  for (std::size_t i = 0; i < calls.size(); ++i) {
    const InferenceRecord& inference = result.inferences[i];
    const DatasetEntry& entry = dataset.entries[inference.image];
    const CallRecord* call = calls[i];
    const Prediction* prediction = usable_prediction(inference);
    const auto of_prediction = [&](auto member) {
      return prediction != nullptr ? std::optional(member(*prediction)) : std::nullopt;
    };
    const auto of_call = [&](auto member) { return call != nullptr ? narrow(member(*call)) : std::nullopt; };

    images.path.push_back(entry.path);
    images.label.push_back(narrow(entry.label));
    images.probability.push_back(of_prediction([](const Prediction& p) { return p.probability; }));
    images.logit.push_back(prediction != nullptr ? prediction->logit : std::nullopt);
    images.predicted.push_back(narrow(of_prediction([&](const Prediction& p) { return decide(p, rule); })));
    images.round.push_back(of_call([](const CallRecord& c) { return c.round; }));
    images.process.push_back(of_call([](const CallRecord& c) { return c.process; }));
    const auto hash = call != nullptr && call->pass == 0 ? hashes.find(inference.image) : hashes.end();
    images.input_hash.push_back(hash == hashes.end() ? std::nullopt : std::optional(hash->second));
    images.pass.push_back(of_call([](const CallRecord& c) { return c.pass; }));
    images.call.push_back(
        of_call([&](const CallRecord& c) { return static_cast<std::size_t>(&c - result.calls.data()); }));
    const bool was_timed = call != nullptr && call->timed && prediction != nullptr;
    for (const Stage stage : stages) {
      const std::optional<Nanoseconds> time = was_timed ? call->times[stage] : std::nullopt;
      images.stages_ns[stage].push_back(time ? std::optional<std::int64_t>(time->count()) : std::nullopt);
    }
  }
  return images;
}

/// Whether both say the same but for rounding in float32, in which the networks compute or tell.
bool same_numbers(const Prediction& one, const Prediction& other) {
  const auto same = [](double a, double b) {
    constexpr double few_ulps = 4 * std::numeric_limits<float>::epsilon();
    return std::abs(a - b) <= few_ulps * std::max(std::abs(a), std::abs(b));
  };
  return one.class_index == other.class_index && one.logit.has_value() == other.logit.has_value() &&
         same(one.probability, other.probability) && same(one.logit.value_or(0), other.logit.value_or(0));
}

/// Where no image makes a difference.
std::optional<std::string> same_numbers_warning(const ApproachResult& result, std::size_t images) {
  if (result.facts.does_nothing) return std::nullopt;
  const Prediction* first = nullptr;
  for (const InferenceRecord& inference : result.inferences) {
    const Prediction* prediction = usable_prediction(inference);
    if (prediction == nullptr) continue;
    if (first == nullptr) first = prediction;
    if (!same_numbers(*first, *prediction)) return std::nullopt;
  }
  // Two images may well get the same of the few numbers that a lower precision has, or both a probability that is as good
  // as certain.
  const bool coarse = first != nullptr && (result.facts.precision != Precision::fp32 ||
                                           (!first->logit && (first->probability == 0 || first->probability == 1)));
  const std::size_t enough = coarse ? 10 : 2;
  if (images < enough) return std::nullopt;
  return "all " + std::to_string(images) +
         " images got the very same numbers: the network does not see its input, or normalises over the batch";
}

std::vector<std::string> warnings_of(const ApproachReport& report, const ApproachResult& result,
                                     const Dataset& dataset) {
  std::vector<std::string> warnings;
  const auto total = report.stages.find(Stage::total);
  if (total != report.stages.end()) warnings = drift_warnings(report.drift, total->second.count);
  if (!report.failures.empty()) {
    warnings.push_back(std::to_string(report.failures.size()) + " images failed, the first, " +
                       report.failures.front().path + ", because: " + report.failures.front().reason);
  }
  if (dataset.classes.size() == 1) {
    warnings.push_back("there is one class only, \"" + dataset.classes.front() +
                       "\", and nothing tells which of the network's it is: accuracy has no value");
  }
  if (is_below_chance(report.accuracy_metrics)) {
    const auto& interval = report.accuracy_metrics.ci95.auroc;
    warnings.push_back("AUROC " + decimal(*report.accuracy_metrics.auroc, 4) +
                       (interval ? " [" + decimal(interval->low, 4) + ", " + decimal(interval->high, 4) + "]" : "") +
                       " is below 0.5 by more than chance: the network may have been trained with the classes in "
                       "another order than '" +
                       dataset.classes[0] + "', '" + dataset.classes[1] +
                       "'; give its order with `classes` (`positive` only says which of the two metrics call so)");
  }
  if (const auto same = same_numbers_warning(result, report.samples)) warnings.push_back(*same);
  if (const auto doubtful = doubt(result.logits, report.samples)) warnings.push_back(*doubtful);
  if (report.nondeterministic_predictions > 0) {
    warnings.push_back(std::to_string(report.nondeterministic_predictions) +
                       " decisions differed between the passes over the same image");
  }
  if (const RepeatsReport repeats = report.repeats.value_or(RepeatsReport{}); repeats.other_scores > 0) {
    warnings.push_back(std::to_string(repeats.other_scores) + " of " + std::to_string(repeats.compared) +
                       " repeated inferences gave another score for the same image, by up to " +
                       significant(repeats.largest_difference, 2) + ", and " + std::to_string(repeats.other_decisions) +
                       " another class: the network draws at random (is it in training mode?), or computes wrongly");
  }
  return warnings;
}

ApproachReport approach_report(const ApproachResult& result, const SuiteResult& suite, const std::string& timestamp) {
  const Dataset& dataset = suite.dataset;
  const double threshold = suite.options.threshold;
  // An approach that never ran has no facts.
  const bool ran = !result.inferences.empty();

  ApproachReport report;
  report.approach = result.approach.label();
  report.specification = to_string(result.approach);
  report.engine = result.approach.engine;
  report.precision = ran ? result.facts.precision : result.approach.precision;
  report.device = ran ? result.facts.device : result.approach.device.value_or(result.facts.device);
  report.options = result.approach.options;
  report.model = OrReason<ModelReport>::absent("the engine names no model file");
  if (const auto& model = result.facts.model) {
    report.model = ModelReport{model->path, model->format, model->sha256,
                               OrReason<std::uint64_t>::of(model->parameters, "the model file does not tell")};
  }
  report.execution = result.facts.details;
  report.asynchronous = result.asynchronous;
  report.error = result.error;
  report.samples = classified_images(result, dataset);
  report.inferences = result.inferences.size();
  for (const CallRecord& call : result.calls) report.untimed_calls += call.timed ? 0U : 1U;
  report.settling_calls = result.settling_calls;
  report.failures = failures_of(result, dataset);
  report.nondeterministic_predictions = result.nondeterministic_predictions;
  report.repeats = repeats(result, dataset, threshold);
  report.timestamp = timestamp;
  report.stages = stage_statistics(result);
  const auto total = report.stages.find(Stage::total);
  report.total_time_ms =
      total != report.stages.end() ? OrReason(total->second.mean) : OrReason<double>::absent(why_no_times(result));
  report.throughput_images_per_second = images_per_second(result);
  report.unattributed_mean = unattributed_mean(result);
  report.accuracy_metrics = accuracy_metrics(result, dataset, threshold);
  report.accuracy = report.accuracy_metrics.accuracy;
  report.memory = memory_use(result);
  report.drift = drift_of(result);
  report.harness = harness_cost(result, suite.clock_reading);
  report.rounds = round_reports(result);
  report.per_image = per_image(result, dataset, threshold);
  report.warnings = warnings_of(report, result, dataset);
  return report;
}

}  // namespace

Report make_report(const SuiteResult& result, const ReportContext& context) {
  Report report;
  report.tool = context.tool ? *context.tool : this_tool();
  report.timestamp = context.timestamp ? *context.timestamp : utc_timestamp();
  report.interrupted = result.interrupted;
  report.environment = context.environment ? *context.environment : capture_environment(context_of_this_process());
  report.config = run_config(result, context);
  report.dataset = dataset_report(result);
  for (const ApproachResult& approach : result.collector.results()) {
    report.results.push_back(approach_report(approach, result, report.timestamp));
    report.approaches_tested.push_back(report.results.back().approach);
  }
  report.total_benchmarks = report.results.size();
  compare_approaches(report);
  const auto results = result.collector.results();
  for (std::size_t i = 0; i < report.comparisons.size(); ++i) {
    report.comparisons[i].max_input_difference = input_difference(results[0], results[i + 1]);
  }
  return report;
}

}  // namespace stagemark
