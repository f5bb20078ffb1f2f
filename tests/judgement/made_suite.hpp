#pragma once

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "stagemark/judgement/make_report.hpp"
#include "stagemark/report/report.hpp"
#include "stagemark/suite/benchmark_suite.hpp"

// Results of a suite made by hand.

namespace stagemark::testing {

using Times = std::initializer_list<std::pair<Stage, double>>;

inline StageTimes times_in_milliseconds(Times milliseconds) {
  StageTimes times;
  for (const auto& [stage, value] : milliseconds) {
    times.add(stage, Nanoseconds(static_cast<std::int64_t>(value * 1e6)));
  }
  return times;
}

inline Prediction probability(double value) { return {.probability = value, .logit = 2 * value, .class_index = {}}; }
inline Prediction winner(std::size_t index) { return {.probability = 0.75, .logit = {}, .class_index = index}; }

/// Images with these labels, named after their index; two classes.
inline Dataset made_dataset(const std::vector<std::size_t>& labels) {
  Dataset dataset;
  dataset.root = "/data";
  dataset.classes = {"NORMAL", "PNEUMONIA"};
  dataset.positive = 1;
  dataset.sha256 = std::string(64, 'a');
  for (std::size_t i = 0; i < labels.size(); ++i) {
    dataset.entries.push_back({dataset.classes.at(labels[i]) + "/" + std::to_string(i) + ".png", labels[i]});
  }
  return dataset;
}

inline SuiteResult made_suite(Dataset dataset) {
  SuiteResult suite;
  suite.dataset = std::move(dataset);
  suite.round_count = 1;
  suite.clock_reading = Nanoseconds(20);
  return suite;
}

inline ApproachResult made_approach(const std::string& engine = "libtorch") {
  ApproachResult result;
  result.approach.engine = engine;
  result.approach.device = Device{};
  result.peak_rss_bytes = 1U << 20U;
  return result;
}

/// Adds a call over these images; an image without a prediction failed.
inline CallRecord& add_call(ApproachResult& result,
                            const std::vector<std::pair<std::size_t, std::optional<Prediction>>>& images, Times times) {
  CallRecord call;
  call.first_inference = result.inferences.size();
  call.size = images.size();
  call.times = times_in_milliseconds(times);
  for (const auto& [image, prediction] : images) {
    result.inferences.push_back({image, prediction});
    if (!prediction) {
      result.failures.push_back({image, "the network returned NaN or infinity"});
      call.timed = false;
    }
  }
  return result.calls.emplace_back(call);
}

/// The report on this one approach.
inline ApproachReport reported(SuiteResult suite, ApproachResult result) {
  suite.collector.add(std::move(result));
  return make_report(suite, {}).results.at(0);
}

/// `count` calls of one image each that took 10, 20, 30 ... ms, half of it preprocessing and a third
/// inference.
inline ApproachResult rising_times(std::size_t count) {
  ApproachResult result = made_approach();
  for (std::size_t i = 0; i < count; ++i) {
    const double total = 10.0 * static_cast<double>(i + 1);
    add_call(result, {{i, probability(i % 2 == 0 ? 0.1 : 0.9)}},
             {{Stage::preprocessing, total * 0.5}, {Stage::inference, total * 0.3}, {Stage::total, total}});
  }
  return result;
}

/// Two classes in turn.
inline std::vector<std::size_t> alternating(std::size_t count) {
  std::vector<std::size_t> labels(count);
  for (std::size_t i = 0; i < count; ++i) labels[i] = i % 2;
  return labels;
}

/// A report in which every kind of field occurs: values, reasons, a failed approach, an asynchronous one, a
/// comparison.
inline Report full_report() {
  SuiteResult suite = made_suite(made_dataset(alternating(8)));
  suite.dataset.skipped = {{"NORMAL/empty.png", "the file is empty"}};
  suite.dataset.synthetic = true;
  suite.sixteen_bit_ranges = {{.lowest = 0, .highest = 32768}, {.lowest = 3, .highest = 65535}};

  ApproachResult host = rising_times(7);
  add_call(host, {{7, std::nullopt}}, {{Stage::total, 5}});
  host.turns = {{.round = 0, .position = 1, .wall = Nanoseconds(300'000'000), .calls = 8}};
  host.facts.model = ModelFacts{"m.ckpt", "lightning-checkpoint", std::string(64, 'b'), 24'049'089};
  host.facts.details = {{"version", "1.13"}, {"tf32", "off"}};
  host.approach.options = {"channels-last"};

  ApproachResult device = made_approach();
  device.asynchronous = true;
  device.approach.device = Device{Device::Kind::cuda, 1};
  device.facts.device = *device.approach.device;
  device.device_peak_bytes = 1U << 30U;
  for (std::size_t i = 0; i < 8; ++i) {
    add_call(device, {{i, probability(0.8)}},
             {{Stage::preprocessing, 1},
              {Stage::upload, 1},
              {Stage::feature_extraction, 3},
              {Stage::classification, 1},
              {Stage::download, 1},
              {Stage::inference, 3.5},
              {Stage::total, 6},
              {Stage::total_with_waits, 8}});
  }

  ApproachResult failed = made_approach("onnxruntime");
  failed.error = "asked for fp16 on cpu, but the tensors were fp32 on cpu";

  suite.collector.add(std::move(host));
  suite.collector.add(std::move(device));
  suite.collector.add(std::move(failed));
  ReportContext context;
  context.tool.emplace().version = "0.1.0";
  Environment& environment = context.environment.emplace();
  context.timestamp = "2026-01-13T10:00:00Z";
  context.argv = {"stagemark", "run", "/data"};
  environment.libraries = {{"libtorch", "1.13"}};
  environment.threads = {{"network", 2}};
  environment.cpu.load_average = std::array{0.5, 0.25, 0.0};
  environment.gpu.push_back({.index = 0, .model = "H200", .driver = {}, .memory_bytes = {}, .details = {}});
  environment.warnings = {"the load average is high"};
  environment.cpu.frequency = CpuFrequency{.source = "scaling_cur_freq",
                                           .before_mhz = 3000,
                                           .after_mhz = 2900.0,
                                           .lowest_mhz = 2800.0,
                                           .highest_mhz = {},
                                           .readings = 1};
  environment.gpu[0].clocks = GpuClocks();
  environment.gpu[0].throttle_reasons = std::vector<std::string>{"sw_power_cap"};
  environment.build = BuildEnvironment{.compiler = "GCC", .optimised = true, .assertions = false, .sanitizers = ""};
  environment.compute_libraries =
      ComputeLibraries{.blas = std::string("OpenBLAS"), .blas_file = {}, .files = {"/lib/libgomp.so.1"}};
  environment.variables = NamedValues<std::string>{{"OMP_NUM_THREADS", "2"}};
  environment.configuration = NamedValues<NamedValues<std::string>>{{"libtorch", {{"build_type", "Release"}}}};
  environment.findings = std::vector<Finding>{{Severity::warning, "busy", "the load average is high", "wait"}};
  Report report = make_report(suite, context);
  Comparison comparison;
  comparison.baseline = report.approaches_tested.at(0);
  comparison.candidate = report.approaches_tested.at(1);
  comparison.speedup.ratio = 1.7;
  comparison.speedup.ci95 = Interval{1.68, 1.73};
  comparison.speedup.scope = Scope::these_processes;
  comparison.stages[Stage::inference] = comparison.speedup;
  comparison.speed_verdict = SpeedVerdict::faster;
  report.comparisons = {comparison};
  return report;
}

}  // namespace stagemark::testing
