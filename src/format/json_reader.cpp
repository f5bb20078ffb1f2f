#include <charconv>
#include <istream>
#include <nlohmann/json.hpp>

#include "json_nodes.hpp"
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

void check_columns(const PerImage& images) {
  const std::size_t expected = images.path.size();
  const auto check = [expected](const std::string& place, std::size_t size) {
    if (size == expected) return;
    throw BadValue{.problem = "expected " + std::to_string(expected) + " entries as in the other columns, found " +
                              std::to_string(size),
                   .below = place};
  };
  auto fields = [&](std::string_view name, const auto& member, const char* /*documentation*/, const char* /*unit*/) {
    using Member = std::remove_cvref_t<decltype(member)>;
    const std::string place = pointer_step(name);
    if constexpr (IsByStage<Member>) {
      for (const auto& [stage, column] : member) check(place + pointer_step(to_string(stage)), column.size());
    } else if constexpr (IsOrReason<Member>) {
      if (member) check(place, member->size());
    } else {
      check(place, member.size());
    }
  };
  describe(fields, images);
  for (std::size_t row = 0; row < expected; ++row) {
    const auto probability = images.probability[row];
    if (probability && (*probability < 0 || *probability > 1)) {
      throw BadValue{.problem = "expected a probability from 0 to 1", .below = "/probability/" + std::to_string(row)};
    }
  }
}

Report read_json(std::istream& in, const std::string& name) {
  Report report;
  ReportHandler handler(in, report, name);
  nlohmann::json::sax_parse(in, &handler);
  if (in.bad()) throw InputError("the report cannot be read", name);
  return report;
}

}  // namespace stagemark
