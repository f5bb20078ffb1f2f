#include "suite/worker_protocol.hpp"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <type_traits>
#include <utility>

#include "stagemark/core/error.hpp"

namespace stagemark::worker_protocol {
namespace {

constexpr std::uint32_t mark = 0x6b72576d;  // "mWrk"

[[noreturn]] void refuse() {
  throw BackendError("the worker's message is damaged", {}, "is it another version of stagemark?");
}

constexpr std::uint32_t last_of(Precision /*unused*/) { return static_cast<std::uint32_t>(Precision::int8); }
constexpr std::uint32_t last_of(Device::Kind /*unused*/) { return static_cast<std::uint32_t>(Device::Kind::cuda); }

// The fields of each struct, once, for both ways.
template <class Fields>
void describe(Fields& fields, DatasetEntry& entry) {
  fields(entry.path);
}

template <class Fields>
void describe(Fields& fields, RunOptions& options) {
  fields(options.warmup);
  fields(options.settle);
  fields(options.batch);
  fields(options.threshold);
  fields(options.round_memory_bytes);
}

template <class Fields>
void describe(Fields& fields, Round& round) {
  fields(round.index);
  fields(round.pass);
  fields(round.process);
  fields(round.first);
  fields(round.last);
}

template <class Fields>
void describe(Fields& fields, Prediction& prediction) {
  fields(prediction.probability);
  fields(prediction.logit);
  fields(prediction.class_index);
}

template <class Fields>
void describe(Fields& fields, InferenceRecord& record) {
  fields(record.image);
  fields(record.prediction);
}

template <class Fields>
void describe(Fields& fields, CallRecord& call) {
  fields(call.round);
  fields(call.pass);
  fields(call.process);
  fields(call.first_inference);
  fields(call.size);
  fields(call.timed);
  fields(call.times);
}

template <class Fields>
void describe(Fields& fields, TurnRecord& turn) {
  fields(turn.round);
  fields(turn.process);
  fields(turn.position);
  fields(turn.wall);
  fields(turn.calls);
}

template <class Fields>
void describe(Fields& fields, FailedImage& image) {
  fields(image.image);
  fields(image.reason);
}

template <class Fields>
void describe(Fields& fields, Device& device) {
  fields(device.kind);
  fields(device.index);
}

template <class Fields>
void describe(Fields& fields, ModelFacts& facts) {
  fields(facts.path);
  fields(facts.format);
  fields(facts.sha256);
  fields(facts.parameters);
}

template <class Fields>
void describe(Fields& fields, ExecutionFacts& facts) {
  fields(facts.precision);
  fields(facts.device);
  fields(facts.model);
  fields(facts.details);
}

template <class Fields>
void describe(Fields& fields, InputRecord& input) {
  fields(input.image);
  fields(input.values);
}

template <class Fields>
void describe(Fields& fields, ApproachResult& result) {
  fields(result.facts);
  fields(result.asynchronous);
  fields(result.inferences);
  fields(result.calls);
  fields(result.turns);
  fields(result.failures);
  fields(result.inputs);
  fields(result.nondeterministic_predictions);
  fields(result.settling_calls);
  fields(result.error);
  fields(result.peak_rss_bytes);
  fields(result.device_peak_bytes);
}

template <class Fields>
void describe(Fields& fields, Setup& setup) {
  fields(setup.dataset.root);
  fields(setup.dataset.entries);
  fields(setup.options);
}

template <class Fields>
void describe(Fields& fields, Turn& turn) {
  fields(turn.round);
  fields(turn.position);
}

template <class Fields>
void describe(Fields& fields, Measured& measured) {
  fields(measured.result);
  fields(measured.notes.broken);
  fields(measured.notes.without_low_byte);
  fields(measured.interrupted);
}

/// Writes fields in order; numbers in the machine's own byte order, since both ends are on it.
class Encoder {
 public:
  template <class Number>
    requires std::is_arithmetic_v<Number>
  void operator()(const Number& value) {
    append(std::as_bytes(std::span(&value, 1)));
  }
  template <class Enum>
    requires std::is_enum_v<Enum>
  void operator()(const Enum& value) {
    (*this)(static_cast<std::uint32_t>(value));
  }
  void operator()(const Nanoseconds& value) { (*this)(static_cast<std::int64_t>(value.count())); }
  void operator()(const std::string& text) {
    (*this)(std::uint64_t{text.size()});
    append(std::as_bytes(std::span(text)));
  }
  void operator()(const std::filesystem::path& path) { (*this)(path.string()); }
  template <class T>
  void operator()(const std::optional<T>& value) {
    (*this)(value.has_value());
    if (value) (*this)(*value);
  }
  template <class A, class B>
  void operator()(const std::pair<A, B>& pair) {
    (*this)(pair.first);
    (*this)(pair.second);
  }
  template <class T>
  void operator()(const std::vector<T>& values) {
    (*this)(std::uint64_t{values.size()});
    for (const T& value : values) (*this)(value);
  }
  void operator()(const std::map<std::size_t, std::string>& values) {
    (*this)(std::uint64_t{values.size()});
    for (const auto& value : values) (*this)(value);
  }
  void operator()(const std::set<std::size_t>& values) {
    (*this)(std::uint64_t{values.size()});
    for (const std::size_t value : values) (*this)(value);
  }
  void operator()(const StageTimes& times) {
    for (const Stage stage : all_stages) (*this)(times[stage]);
  }
  template <class T>
    requires requires(Encoder& fields, T& value) { describe(fields, value); }
  void operator()(const T& value) {
    // One list of fields serves reading and writing.
    describe(*this, const_cast<T&>(value));  // NOLINT(cppcoreguidelines-pro-type-const-cast): only read here
  }

  void append(std::span<const std::byte> bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }

  std::vector<std::byte> take() { return std::move(bytes_); }

 private:
  std::vector<std::byte> bytes_;
};

/// Reads the same fields. \throws BackendError where the bytes end too early
class Decoder {
 public:
  explicit Decoder(std::span<const std::byte> bytes) : bytes_(bytes) {}

  template <class Number>
    requires std::is_arithmetic_v<Number>
  void operator()(Number& value) {
    std::memcpy(&value, part(sizeof(value)).data(), sizeof(value));
  }
  void operator()(bool& value) {
    const auto byte = std::to_integer<unsigned>(part(1)[0]);
    if (byte > 1) refuse();
    value = byte == 1;
  }
  template <class Enum>
    requires std::is_enum_v<Enum>
  void operator()(Enum& value) {
    std::uint32_t number = 0;
    (*this)(number);
    if (number > last_of(value)) refuse();
    value = static_cast<Enum>(number);
  }
  void operator()(Nanoseconds& value) {
    std::int64_t count = 0;
    (*this)(count);
    value = Nanoseconds(count);
  }
  void operator()(std::string& text) {
    const auto bytes = part(length(1));
    text.resize(bytes.size());
    std::memcpy(text.data(), bytes.data(), bytes.size());
  }
  void operator()(std::filesystem::path& path) {
    std::string text;
    (*this)(text);
    path = text;
  }
  template <class T>
  void operator()(std::optional<T>& value) {
    bool present = false;
    (*this)(present);
    if (present) (*this)(value.emplace());
  }
  template <class A, class B>
  void operator()(std::pair<A, B>& pair) {
    (*this)(pair.first);
    (*this)(pair.second);
  }
  template <class T>
  void operator()(std::vector<T>& values) {
    values.resize(length(1));
    for (T& value : values) (*this)(value);
  }
  void operator()(std::map<std::size_t, std::string>& values) {
    for (std::size_t left = length(16); left > 0; --left) {
      std::pair<std::size_t, std::string> value;
      (*this)(value);
      values.insert(std::move(value));
    }
  }
  void operator()(std::set<std::size_t>& values) {
    for (std::size_t left = length(8); left > 0; --left) {
      std::size_t value = 0;
      (*this)(value);
      values.insert(value);
    }
  }
  void operator()(StageTimes& times) {
    for (const Stage stage : all_stages) {
      std::optional<Nanoseconds> time;
      (*this)(time);
      if (time) times.add(stage, *time);
    }
  }
  template <class T>
    requires requires(Decoder& fields, T& value) { describe(fields, value); }
  void operator()(T& value) {
    describe(*this, value);
  }

  void expect_end() const {
    if (!bytes_.empty()) refuse();
  }

 private:
  std::span<const std::byte> part(std::size_t size) {
    if (size > bytes_.size()) refuse();
    const auto result = bytes_.first(size);
    bytes_ = bytes_.subspan(size);
    return result;
  }

  /// A number of things of that many bytes at least: no more than are left, so that nothing is allocated for a lie.
  std::size_t length(std::size_t least_bytes) {
    std::uint64_t count = 0;
    (*this)(count);
    if (count > bytes_.size() / least_bytes) refuse();
    return static_cast<std::size_t>(count);
  }

  std::span<const std::byte> bytes_;
};

template <class T>
std::vector<std::byte> encoded(const T& value) {
  Encoder encoder;
  encoder(value);
  return encoder.take();
}

template <class T>
T decoded(std::span<const std::byte> content) {
  Decoder decoder(content);  // NOLINT(misc-const-correctness): reading from it moves it on
  T value{};
  decoder(value);
  decoder.expect_end();
  return value;
}

}  // namespace

std::vector<std::byte> encode(const Setup& setup) { return encoded(setup); }
std::vector<std::byte> encode(const Turn& turn) { return encoded(turn); }
std::vector<std::byte> encode(const Measured& measured) { return encoded(measured); }
std::vector<std::byte> encode(std::uint32_t number) { return encoded(number); }

Setup decode_setup(std::span<const std::byte> content) { return decoded<Setup>(content); }
Turn decode_turn(std::span<const std::byte> content) { return decoded<Turn>(content); }
Measured decode_measured(std::span<const std::byte> content) { return decoded<Measured>(content); }
std::uint32_t decode_number(std::span<const std::byte> content) { return decoded<std::uint32_t>(content); }

std::vector<std::byte> frame(MessageType type, std::span<const std::byte> content) {
  Encoder whole;
  whole(mark);
  whole(static_cast<std::uint32_t>(type));
  whole(std::uint64_t{content.size()});
  whole.append(content);
  return whole.take();
}

std::optional<Message> take_message(std::vector<std::byte>& bytes) {
  if (bytes.size() < header_size) return std::nullopt;
  const std::span<const std::byte> all(bytes);
  Decoder header(all.first(header_size));
  std::uint32_t begins = 0;
  std::uint32_t type = 0;
  std::uint64_t size = 0;
  header(begins);
  header(type);
  header(size);
  if (begins != mark || type > static_cast<std::uint32_t>(MessageType::measured) || size > largest_content) refuse();
  if (bytes.size() - header_size < size) return std::nullopt;
  const auto content = bytes.begin() + header_size;
  const auto end = content + static_cast<std::ptrdiff_t>(size);
  Message message{static_cast<MessageType>(type), {content, end}};
  bytes.erase(bytes.begin(), end);
  return message;
}

}  // namespace stagemark::worker_protocol
