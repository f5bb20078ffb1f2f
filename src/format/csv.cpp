#include "stagemark/format/csv.hpp"

#include <array>
#include <charconv>
#include <ostream>
#include <set>
#include <string>
#include <string_view>

#include "load_text.hpp"

namespace stagemark {
namespace {

/// One row at a time.
class CsvWriter {
 public:
  explicit CsvWriter(std::ostream& out) : out_(out) {}

  CsvWriter& text(std::string_view text) {
    separate();
    if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
      out_ << text;
      return *this;
    }
    out_ << '"';
    for (const char c : text) out_ << (c == '"' ? "\"\"" : std::string_view(&c, 1));
    out_ << '"';
    return *this;
  }
  /// With as many digits as it takes to read the same number again.
  template <class T>
  CsvWriter& number(T value) {
    std::array<char, 32> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    separate();
    out_ << std::string_view(digits.data(), end);
    return *this;
  }
  /// An optional or a value with a reason; empty where it is absent.
  template <class Optional>
  CsvWriter& maybe(const Optional& value) {
    if (value) return number(*value);
    return text("");
  }
  CsvWriter& empty_cells(std::size_t cells) {
    for (std::size_t i = 0; i < cells; ++i) text("");
    return *this;
  }
  void end_row() {
    out_ << "\r\n";
    first_ = true;
  }

 private:
  void separate() {
    if (!first_) out_ << ',';
    first_ = false;
  }

  std::ostream& out_;
  bool first_ = true;
};

/// One row per approach and point of a load test. Where the queue grew without end, latencies and waits are empty.
void write_load_csv(std::ostream& out, const LoadReport& load) {
  CsvWriter csv(out);
  for (const char* name : {"approach",
                           "scenario",
                           "offered_rate",
                           "achieved_rate",
                           "queries",
                           "completed",
                           "refused",
                           "expired",
                           "failed",
                           "latency_mean_ms",
                           "latency_p50_ms",
                           "latency_p90_ms",
                           "latency_p95_ms",
                           "latency_p99_ms",
                           "latency_p999_ms",
                           "latency_max_ms",
                           "latency_p90_upper_ms",
                           "latency_p95_upper_ms",
                           "latency_p99_upper_ms",
                           "latency_p999_upper_ms",
                           "queue_wait_mean_ms",
                           "queue_wait_p99_ms",
                           "batch_formation_mean_ms",
                           "batch_formation_p99_ms",
                           "service_mean_ms",
                           "service_p99_ms",
                           "mean_batch",
                           "utilisation",
                           "generator_lateness_p99_ms",
                           "generator_lateness_max_ms",
                           "verdict",
                           "more_seconds",
                           "offline_rate",
                           "capacity_rate",
                           "capacity_upper",
                           "capacity_predicted",
                           "capacity_estimate",
                           "accuracy"}) {
    csv.text(name);
  }
  csv.end_row();
  for (const LoadResultReport& result : load.results) {
    for (const LoadPointReport& point : result.points) {
      csv.text(result.approach).text(to_string(load.scenario)).maybe(point.offered_rate).number(point.achieved_rate);
      csv.number(point.queries).number(point.completed).number(point.refused).number(point.expired);
      csv.number(point.failed);
      if (const LatencyReport* l = shown_times(point, &LoadPointReport::latency)) {
        csv.number(l->mean).number(l->p50).number(l->p90).number(l->p95).number(l->p99).maybe(l->p999).number(l->max);
        csv.maybe(l->p90_upper).maybe(l->p95_upper).maybe(l->p99_upper).maybe(l->p999_upper);
      } else {
        csv.empty_cells(11);
      }
      for (const auto times :
           {&LoadPointReport::queue_wait, &LoadPointReport::batch_formation, &LoadPointReport::service}) {
        if (const LatencyReport* shown = shown_times(point, times)) {
          csv.number(shown->mean).number(shown->p99);
        } else {
          csv.empty_cells(2);
        }
      }
      csv.maybe(mean_batch(point)).number(point.utilisation);
      csv.number(point.generator_lateness.p99).number(point.generator_lateness.max);
      csv.text(point.verdict ? to_string(*point.verdict) : "").maybe(point.more_seconds).maybe(result.offline_rate);
      const CapacityReport capacity = result.capacity.value_or(CapacityReport{});
      csv.maybe(capacity.rate).maybe(capacity.upper).maybe(capacity.predicted).maybe(capacity.estimate);
      csv.maybe(result.accuracy).end_row();
    }
  }
}

}  // namespace

void write_csv(std::ostream& out, const Report& report) {
  if (report.load) return write_load_csv(out, *report.load);
  CsvWriter csv(out);
  for (const char* name : {"approach",
                           "engine",
                           "precision",
                           "device",
                           "stage",
                           "count",
                           "mean_ms",
                           "median_ms",
                           "p90_ms",
                           "p95_ms",
                           "p99_ms",
                           "min_ms",
                           "max_ms",
                           "stddev_ms",
                           "share",
                           "ci95_median_low_ms",
                           "ci95_median_high_ms",
                           "p95_upper_ms",
                           "p99_upper_ms",
                           "accuracy",
                           "auroc"}) {
    csv.text(name);
  }
  csv.end_row();
  for (const ApproachReport& result : report.results) {
    for (const auto& [stage, s] : result.stages) {
      csv.text(result.approach).text(result.engine).text(to_string(result.precision)).text(to_string(result.device));
      csv.text(to_string(stage)).number(s.count).number(s.mean).number(s.median).number(s.p90).number(s.p95);
      csv.number(s.p99).number(s.min).number(s.max).maybe(s.stddev).maybe(s.share);
      if (s.ci95_median) {
        csv.number(s.ci95_median->low).number(s.ci95_median->high);
      } else {
        csv.text("").text("");
      }
      csv.maybe(s.p95_upper).maybe(s.p99_upper).maybe(result.accuracy).maybe(result.accuracy_metrics.auroc).end_row();
    }
  }
}

void write_per_image_csv(std::ostream& out, const Report& report) {
  std::set<Stage> stages;
  for (const ApproachReport& result : report.results) {
    for (const auto& [stage, times] : result.per_image.stages_ns) stages.insert(stage);
  }
  CsvWriter csv(out);
  for (const char* name :
       {"approach", "path", "label", "predicted", "probability", "logit", "round", "process", "pass", "call"}) {
    csv.text(name);
  }
  for (const Stage stage : stages) csv.text(std::string(to_string(stage)) + "_ns");
  csv.end_row();
  for (const ApproachReport& result : report.results) {
    const PerImage& images = result.per_image;
    const auto class_name = [&](std::optional<std::uint32_t> index) {
      if (!index) return std::string();
      return *index < report.dataset.classes.size() ? report.dataset.classes[*index] : std::to_string(*index);
    };
    for (std::size_t row = 0; row < images.path.size(); ++row) {
      csv.text(result.approach).text(images.path[row]);
      csv.text(class_name(images.label[row])).text(class_name(images.predicted[row]));
      csv.maybe(images.probability[row]).maybe(images.logit[row]).maybe(images.round[row]);
      csv.maybe(images.process[row]).maybe(images.pass[row]).maybe(images.call[row]);
      for (const Stage stage : stages) {
        const auto column = images.stages_ns.find(stage);
        csv.maybe(column == images.stages_ns.end() ? std::nullopt : column->second[row]);
      }
      csv.end_row();
    }
  }
}

void write_queries_csv_header(std::ostream& out) {
  CsvWriter csv(out);
  for (const char* name :
       {"approach", "offered_rate", "generation", "query", "measured", "scheduled_ns", "sent_ns", "dispatched_ns",
        "completed_ns", "batch_formation_ns", "batch_size", "instance", "outcome", "path"}) {
    csv.text(name);
  }
  csv.end_row();
}

void write_queries_csv(std::ostream& out, const std::string& approach, std::optional<double> offered_rate,
                       std::span<const MeasuredLog> generations, const Dataset& dataset) {
  CsvWriter csv(out);
  for (std::size_t generation = 0; generation < generations.size(); ++generation) {
    const MeasuredLog& measured = generations[generation];
    for (std::size_t i = 0; i < measured.log.size(); ++i) {
      const QueryRecord& query = measured.log[i];
      csv.text(approach).maybe(offered_rate).number(generation + 1).number(i).number(measured.counts(query) ? 1 : 0);
      csv.number(query.scheduled.count()).number(query.sent.count()).number(query.dispatched.count());
      csv.number(query.completed.count()).number(query.batch_formation.count()).number(query.batch_size);
      csv.number(query.instance).text(to_string(query.outcome));
      csv.text(query.batch_size > 0 ? dataset.entries.at(query.image).path : std::string()).end_row();
    }
  }
}

}  // namespace stagemark
