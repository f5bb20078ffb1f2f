#include <cmath>
#include <ostream>

#include "describe.hpp"
#include "json_text.hpp"
#include "json_types.hpp"
#include "stagemark/format/json.hpp"

namespace stagemark {
namespace {

/// Writes values as JSON text, holding no more of it than a buffer.
class Writer {
 public:
  explicit Writer(std::ostream& out) : out_(out) {}

  template <class R>
  void document(const R& value) {
    write(value);
    buffer_ += '\n';
    flush();
  }

 private:
  enum class Layout : std::uint8_t { lines, one_line };

  void flush() {
    out_.write(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
    buffer_.clear();
  }

  void flush_if_full() {
    constexpr std::size_t enough = 1U << 16U;
    if (buffer_.size() >= enough) flush();
  }

  /// Runs `members`, which calls `next_member` before each one, between the brackets.
  template <class Members>
  void enclosed(char open, char close, Layout layout, Members&& members) {
    const Layout outer_layout = layout_;
    const bool outer_empty = empty_;
    if (layout == Layout::one_line) layout_ = Layout::one_line;
    empty_ = true;
    ++depth_;
    buffer_ += open;
    std::forward<Members>(members)();
    --depth_;
    if (!empty_) new_line();
    buffer_ += close;
    layout_ = outer_layout;
    empty_ = outer_empty;
    flush_if_full();
  }

  void new_line() {
    if (layout_ == Layout::one_line) return;
    buffer_ += '\n';
    buffer_.append(2 * depth_, ' ');
  }

  void next_member() {
    if (!empty_) buffer_ += layout_ == Layout::one_line ? ", " : ",";
    empty_ = false;
    new_line();
  }

  void name(std::string_view name) {
    next_member();
    append_json_text(buffer_, name);
    buffer_ += ": ";
  }

  template <class T>
  void field(std::string_view key, const T& value) {
    name(key);
    write(value);
  }

  template <class T>
  void field(std::string_view key, const std::optional<T>& value) {
    if (value) field(key, *value);
  }

  template <class T>
  void field(std::string_view key, const OrReason<T>& value) {
    if (value && presentable(*value)) return field(key, *value);
    field(key, nullptr);
    const std::string reason = value ? "not a finite number" : value.reason;
    field(std::string(key).append(reason_suffix), reason.empty() ? "unknown" : reason);
  }

  template <class T>
  static bool presentable(const T& /*value*/) {
    return true;
  }
  static bool presentable(double value) { return std::isfinite(value); }
  static bool presentable(const Interval& value) { return std::isfinite(value.low) && std::isfinite(value.high); }

  void write(std::nullptr_t) { buffer_ += "null"; }
  void write(bool value) { buffer_ += value ? "true" : "false"; }
  void write(std::string_view text) { append_json_text(buffer_, text); }
  void write(const std::string& text) { append_json_text(buffer_, text); }
  void write(double value) { append_json_number(buffer_, value); }

  template <std::integral T>
  void write(T value) {
    append_json_number(buffer_, value);
  }

  template <HasTextCodec T>
  void write(const T& value) {
    append_json_text(buffer_, TextCodec<T>::text(value));
  }

  void write(const Interval& interval) { write(std::array{interval.low, interval.high}); }

  template <class T, std::size_t Size>
  void write(const std::array<T, Size>& values) {
    list(values, Layout::one_line);
  }

  template <class T>
  void write(const std::vector<T>& values) {
    constexpr bool plain = std::integral<T> || std::floating_point<T> || std::same_as<T, std::string>;
    list(values, plain ? Layout::one_line : Layout::lines);
  }

  template <class Values>
  void list(const Values& values, Layout layout) {
    enclosed('[', ']', layout, [&] {
      for (const auto& value : values) {
        next_member();
        write(value);
        flush_if_full();
      }
    });
  }

  template <class T>
  void write(const Column<T>& column) {
    enclosed('[', ']', Layout::one_line, [&] {
      for (std::size_t i = 0; i < column.size(); ++i) {
        next_member();
        const std::optional<T> value = column[i];
        value ? write(*value) : write(nullptr);
        flush_if_full();
      }
    });
  }

  template <class T>
  void write(const NamedValues<T>& values) {
    enclosed('{', '}', Layout::lines, [&] {
      for (const auto& [key, value] : values) field(key, value);
    });
  }

  template <class T>
  void write(const ByStage<T>& values) {
    enclosed('{', '}', Layout::lines, [&] {
      for (const auto& [stage, value] : values) field(to_string(stage), value);
    });
  }

  template <HasMembers R>
  void write(const R& object) {
    enclosed('{', '}', written_on_one_line<R> ? Layout::one_line : Layout::lines, [&] {
      auto fields = [this](std::string_view key, const auto& member, const char* /*documentation*/,
                           const char* /*unit*/) { this->field(key, member); };
      describe(fields, object);
    });
  }

  std::ostream& out_;
  std::string buffer_;
  std::size_t depth_ = 0;
  Layout layout_ = Layout::lines;
  bool empty_ = true;
};

}  // namespace

void write_json(std::ostream& out, const Report& report) { Writer(out).document(report); }
void write_json(std::ostream& out, const std::vector<Comparison>& comparisons) { Writer(out).document(comparisons); }
void write_json(std::ostream& out, const Environment& environment) { Writer(out).document(environment); }

}  // namespace stagemark
