#pragma once

#include <array>
#include <cstring>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "stagemark/backend/approach_request.hpp"
#include "stagemark/backend/inference_wrapper.hpp"
#include "stagemark/core/enum_names.hpp"
#include "stagemark/core/error.hpp"

// How messages are written and read: `describe` lists the fields of a struct once, for both ways. Another room adds its
// own messages by describing them in this namespace.

namespace stagemark::worker_protocol {

[[noreturn]] inline void refuse_message() {
  throw BackendError({.problem = "the worker's message is damaged", .remedy = "is it another version of stagemark?"});
}

template <NamedEnum Enum>
constexpr std::uint32_t last_of(Enum /*unused*/) {
  return static_cast<std::uint32_t>(enum_count<Enum> - 1);
}
constexpr std::uint32_t last_of(DecoderMessages /*unused*/) {
  return static_cast<std::uint32_t>(DecoderMessages::pass);
}

template <class Fields>
void describe(Fields& fields, Prediction& prediction) {
  fields(prediction.probability);
  fields(prediction.logit);
  fields(prediction.class_index);
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
  fields(facts.outputs_unknown);
  fields(facts.does_nothing);
}

template <class Fields>
void describe(Fields& fields, Approach& approach) {
  fields(approach.name);
  fields(approach.engine);
  fields(approach.precision);
  fields(approach.device);
  fields(approach.options);
}

template <class Fields>
void describe(Fields& fields, PreprocessingOptions& options) {
  fields(options.width);
  fields(options.height);
  fields(options.shorter_side);
  fields(options.mean);
  fields(options.standard_deviation);
}

template <class Fields>
void describe(Fields& fields, ImageSourceOptions& options) {
  fields(options.max_pixels);
  fields(options.sixteen_bit_grey);
  fields(options.decoder_messages);
}

template <class Fields>
void describe(Fields& fields, ApproachRequest& request) {
  fields(request.approach);
  fields(request.model);
  fields(request.exported_from);
  fields(request.activation_ranges);
  fields(request.threads);
  fields(request.max_batch);
  fields(request.preprocessing);
  fields(request.image_source);
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
  template <class T, std::size_t Count>
  void operator()(const std::array<T, Count>& values) {
    for (const T& value : values) (*this)(value);
  }
  template <class T>
  void operator()(const std::map<std::size_t, T>& values) {
    (*this)(std::uint64_t{values.size()});
    for (const auto& value : values) (*this)(value);
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
    if (byte > 1) refuse_message();
    value = byte == 1;
  }
  template <class Enum>
    requires std::is_enum_v<Enum>
  void operator()(Enum& value) {
    std::uint32_t number = 0;
    (*this)(number);
    if (number > last_of(value)) refuse_message();
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
    // One by one: an element takes more memory than the byte that a lying length need bring for it.
    for (std::size_t left = length(1); left > 0; --left) (*this)(values.emplace_back());
  }
  template <class T, std::size_t Count>
  void operator()(std::array<T, Count>& values) {
    for (T& value : values) (*this)(value);
  }
  template <class T>
  void operator()(std::map<std::size_t, T>& values) {
    for (std::size_t left = length(sizeof(std::size_t)); left > 0; --left) {
      std::pair<std::size_t, T> value;
      (*this)(value);
      values.insert(std::move(value));
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
    if (!bytes_.empty()) refuse_message();
  }

 private:
  std::span<const std::byte> part(std::size_t size) {
    if (size > bytes_.size()) refuse_message();
    const auto result = bytes_.first(size);
    bytes_ = bytes_.subspan(size);
    return result;
  }

  /// A number of things of that many bytes at least: no more than are left, so that nothing is allocated for a lie.
  std::size_t length(std::size_t least_bytes) {
    std::uint64_t count = 0;
    (*this)(count);
    if (count > bytes_.size() / least_bytes) refuse_message();
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

}  // namespace stagemark::worker_protocol
