#include "stagemark/format/csv.hpp"

#include <array>
#include <charconv>
#include <ostream>
#include <set>
#include <string>
#include <string_view>

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

}  // namespace

void write_csv(std::ostream& out, const Report& report) {
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
