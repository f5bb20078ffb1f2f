#include <charconv>
#include <fstream>
#include <istream>
#include <nlohmann/json.hpp>

#include "json_nodes.hpp"
#include "report/column_check.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/format/json.hpp"

namespace stagemark {
namespace {

/// Where the whole document goes.
class DocumentNode final : public Node {
 public:
  explicit DocumentNode(Report& report) : report_(report) {}
  std::unique_ptr<Node> take(Token& token) override { return put(report_, token); }
  [[nodiscard]] std::string position() const override { return ""; }

 private:
  Report& report_;
};

/// Takes the events of the parser to the nodes and adds the place to their errors.
class ReportHandler final : public nlohmann::json_sax<nlohmann::json> {
 public:
  ReportHandler(const std::istream& in, Report& report, const std::string& name) : in_(in), name_(name) {
    nodes_.push_back(std::make_unique<DocumentNode>(report));
  }

  bool null() override { return take(nullptr); }
  bool boolean(bool value) override { return take(value); }
  bool number_integer(std::int64_t value) override { return take(value); }
  bool number_unsigned(std::uint64_t value) override { return take(value); }
  bool number_float(double value, const std::string& /*text*/) override { return take(value); }
  bool string(std::string& text) override { return take(std::move(text)); }
  bool binary(nlohmann::json::binary_t& /*value*/) override { return false; }
  bool start_object(std::size_t /*size*/) override { return take(Opening::object); }
  bool start_array(std::size_t /*size*/) override { return take(Opening::array); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(std::string& name) override {
    if (unwanted_depth_ == 0) nodes_.back()->key(name);
    return true;
  }

  bool parse_error(std::size_t position, const std::string& /*token*/,
                   const nlohmann::json::exception& /*error*/) override {
    const std::string place = " at byte " + std::to_string(position);
    if (in_.eof()) fail("the report is cut short" + place, pointer(), "copy the whole file, or measure again");
    fail("this is not JSON" + place, pointer(), "");
  }

 private:
  bool take(Token token) {
    const auto* opening = std::get_if<Opening>(&token);
    if (unwanted_depth_ > 0) {
      if (opening != nullptr) ++unwanted_depth_;
      return true;
    }
    const bool opens = opening != nullptr;
    try {
      std::unique_ptr<Node> rest = nodes_.back()->take(token);
      if (rest != nullptr) {
        nodes_.push_back(std::move(rest));
      } else if (opens) {
        unwanted_depth_ = 1;
      }
    } catch (const BadValue& bad) {
      fail(bad.problem, pointer() + bad.below, bad.remedy);
    }
    return true;
  }

  bool close() {
    if (unwanted_depth_ > 0) {
      --unwanted_depth_;
      return true;
    }
    const std::unique_ptr<Node> closed = std::move(nodes_.back());
    nodes_.pop_back();
    try {
      closed->close();
    } catch (const BadValue& bad) {
      fail(bad.problem, pointer() + bad.below, bad.remedy);
    }
    return true;
  }

  [[nodiscard]] std::string pointer() const {
    std::string result;
    for (const auto& node : nodes_) result += node->position();
    return result;
  }

  [[noreturn]] void fail(const std::string& problem, const std::string& place, const std::string& remedy) const {
    throw InputError(problem, place.empty() ? name_ : name_ + " at " + place, remedy);
  }

  const std::istream& in_;
  const std::string& name_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::size_t unwanted_depth_ = 0;  ///< of the value being passed over
};

std::optional<std::size_t> major_of(std::string_view version) {
  std::size_t major = 0;
  const auto [end, error] = std::from_chars(version.data(), version.data() + version.size(), major);
  if (error != std::errc() || end == version.data() + version.size() || *end != '.') return std::nullopt;
  return major;
}

}  // namespace

void check_schema_version(const std::string& version) {
  const std::optional<std::size_t> major = major_of(version);
  if (!major) throw BadValue{.problem = "expected a schema version MAJOR.MINOR, found \"" + version + "\""};
  if (*major > major_of(report_schema_version)) {
    throw BadValue{.problem = "the report's schema version " + version + " is newer than " +
                              std::string(report_schema_version) + ", which this program reads",
                   .remedy = "read it with a newer version"};
  }
}

void check_members(const PerImage& images) {
  if (const auto bad = find_bad_column(images)) throw BadValue{.problem = bad->problem, .below = "/" + bad->column};
}

Report read_json(std::istream& in, const std::string& name) {
  Report report;
  ReportHandler handler(in, report, name);
  nlohmann::json::sax_parse(in, &handler);
  if (in.bad()) throw InputError("the report cannot be read", name);
  return report;
}

Report read_report(const std::filesystem::path& path) {
  std::error_code ignored;
  const std::filesystem::path file = std::filesystem::is_directory(path, ignored) ? path / "report.json" : path;
  std::ifstream in(file, std::ios::binary);
  if (!in || !std::filesystem::is_regular_file(file, ignored)) {
    throw InputError("no such report", file.string(), "name the report.json that `run` wrote");
  }
  return read_json(in, file.string());
}

}  // namespace stagemark
