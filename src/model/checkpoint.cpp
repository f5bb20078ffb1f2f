#include "stagemark/model/checkpoint.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdio>
#include <cstring>
#include <optional>
#include <utility>

#include "model/pickle.hpp"
#include "model/state_dict.hpp"
#include "model/storage_type.hpp"
#include "model/torch_file.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/core/sha256.hpp"
#include "stagemark/model/network.hpp"

namespace stagemark {
namespace {

using Kind = PickleValue::Kind;
constexpr std::size_t most_dimensions = 16;

/// A file may refer to one long text very often.
constexpr std::size_t longest_shown_text = 1'000;

/// What reads parts of a file does not know its name, and quotes it as it is.
ErrorParts shown(const ModelError& error, const std::filesystem::path& file) {
  ErrorParts parts = error.within(file.string());
  std::ranges::replace_if(parts.problem, is_control, '?');
  return parts;
}

/// The name without what Lightning, DataParallel and torch.compile put before it, in any order.
std::string canonical(std::string_view name) {
  constexpr std::array<std::string_view, 3> prefixes = {"model.", "module.", "_orig_mod."};
  for (bool changed = true; changed;) {
    changed = false;
    for (const std::string_view prefix : prefixes) {
      if (!name.starts_with(prefix)) continue;
      name.remove_prefix(prefix.size());
      changed = true;
    }
  }
  return std::string(name);
}

/// Why a tensor that may well be sound is not read: the network may have no use for it.
struct UnreadTensor {
  std::string reason;
};

/// Reads tensors of one archive.
class TensorReader {
 public:
  explicit TensorReader(const TorchFile& file) : pickle_(file.object), storages_(file.storages) {}

  /// \throws ModelError if the file is damaged, UnreadTensor
  [[nodiscard]] StoredTensor read(const PickleValue& value, const std::string& name) const {
    const PickleValue& storage = pickle_[value.items[0]];
    if (storage.kind != Kind::storage) fail(name, "refers to no storage");
    if (storage.items.size() > 3) throw UnreadTensor{"lies in a view of a storage"};
    StoredTensor tensor;
    tensor.type = type_of(storage);
    tensor.shape = integers(pickle_[value.items[2]], name);
    tensor.strides = integers(pickle_[value.items[3]], name);
    if (tensor.strides.size() != tensor.shape.size()) fail(name, "has another number of strides than of sizes");
    // Without elements it needs nothing of its storage.
    if (std::ranges::find(tensor.shape, 0) != tensor.shape.end()) return tensor;
    const std::size_t capacity = take_storage(storage, tensor, name);
    check_extent(tensor, integer(pickle_[value.items[1]], name), capacity, name);
    if (value.items.size() > 4 && !is_empty(pickle_[value.items[4]])) {
      throw UnreadTensor{"has metadata that change its values, as those of a lazy negation do"};
    }
    return tensor;
  }

 private:
  [[noreturn]] static void fail(const std::string& name, const std::string& problem) {
    throw ModelError(
        {.problem = "tensor '" + name + "' " + problem, .remedy = "the file is damaged or was made to harm"});
  }

  static bool is_empty(const PickleValue& metadata) {
    return metadata.kind == Kind::none || (metadata.kind == Kind::dict && metadata.items.empty());
  }

  static std::uint64_t integer(const PickleValue& value, const std::string& name) {
    if (value.kind != Kind::integer || value.integer < 0) fail(name, "has a number that is none");
    return static_cast<std::uint64_t>(value.integer);
  }

  [[nodiscard]] std::vector<std::int64_t> integers(const PickleValue& tuple, const std::string& name) const {
    if (tuple.kind != Kind::tuple) fail(name, "has a shape that is none");
    if (tuple.items.size() > most_dimensions) {
      throw UnreadTensor{"has " + std::to_string(tuple.items.size()) + " dimensions, and " +
                         std::to_string(most_dimensions) + " are read at most"};
    }
    std::vector<std::int64_t> result;
    result.reserve(tuple.items.size());
    for (const auto item : tuple.items) result.push_back(static_cast<std::int64_t>(integer(pickle_[item], name)));
    return result;
  }

  [[nodiscard]] ScalarType type_of(const PickleValue& storage) const {
    const std::string& global = pickle_[storage.items[0]].text;
    if (const auto type = storage_type(global)) return *type;
    throw UnreadTensor{"is of a type that stagemark does not read: " + global};
  }

  /// Points the tensor at its storage. \return elements in the storage
  std::size_t take_storage(const PickleValue& storage, StoredTensor& tensor, const std::string& name) const {
    const auto record = storages_.find(pickle_[storage.items[1]].text);
    if (record == storages_.end()) fail(name, "has no data in the file");
    const std::uint64_t elements = integer(pickle_[storage.items[2]], name);
    const std::size_t available = record->second.size() / size_in_bytes(tensor.type);
    if (elements > available) fail(name, "asks for more data than the file has");
    tensor.storage = record->second;
    return static_cast<std::size_t>(elements);
  }

  /// Of a tensor that has elements.
  static void check_extent(StoredTensor& tensor, std::uint64_t offset, std::size_t capacity, const std::string& name) {
    if (offset > capacity) fail(name, "begins behind the end of its data");
    std::uint64_t last = 0;
    for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
      const auto steps = static_cast<std::uint64_t>(tensor.shape[i] - 1);
      const auto stride = static_cast<std::uint64_t>(tensor.strides[i]);
      if (steps > 0 && stride > capacity / steps) fail(name, "reaches behind the end of its data");
      last += steps * stride;
    }
    if (offset + last >= capacity) fail(name, "reaches behind the end of its data");
    // No more elements than the storage holds: a repeated element would be a tensor larger than its file.
    std::uint64_t elements = 1;
    for (const std::int64_t size : tensor.shape) {
      if (elements > capacity / static_cast<std::uint64_t>(size)) {
        throw UnreadTensor{"repeats its elements, and is larger than its data"};
      }
      elements *= static_cast<std::uint64_t>(size);
    }
    tensor.storage = tensor.storage.subspan(static_cast<std::size_t>(offset) * size_in_bytes(tensor.type));
  }

  const Pickle& pickle_;
  const std::map<std::string, std::span<const std::byte>>& storages_;
};

std::optional<std::string> printable(const PickleValue& value) {
  switch (value.kind) {
    case Kind::none:
      return "None";
    case Kind::boolean:
      return value.integer != 0 ? "True" : "False";
    case Kind::integer:
      return std::to_string(value.integer);
    case Kind::text:
      return value.text.substr(0, longest_shown_text);
    case Kind::real: {
      std::array<char, 40> text{};
      std::snprintf(text.data(), text.size(), "%.15g", value.real);
      return text.data();
    }
    default:
      return std::nullopt;
  }
}

template <class Number>
Number load(const std::byte* from) {
  Number number{};
  std::memcpy(&number, from, sizeof(number));
  return number;
}

float half_to_float(std::uint16_t half) {
  const std::uint32_t sign = (half & 0x8000U) << 16U;
  const std::uint32_t exponent = (half >> 10U) & 0x1fU;
  const std::uint32_t mantissa = half & 0x3ffU;
  if (exponent == 0) {
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24F;
    return sign != 0 ? -magnitude : magnitude;
  }
  const std::uint32_t widened = exponent == 31 ? 255 : exponent + 112;
  return std::bit_cast<float>(sign | widened << 23U | mantissa << 13U);
}

float element(ScalarType type, const std::byte* from) {
  switch (type) {
    case ScalarType::float32:
      return load<float>(from);
    case ScalarType::float16:
      return half_to_float(load<std::uint16_t>(from));
    case ScalarType::bfloat16:
      return std::bit_cast<float>(std::uint32_t{load<std::uint16_t>(from)} << 16U);
    case ScalarType::float64:
      return static_cast<float>(load<double>(from));
    case ScalarType::int64:
      return static_cast<float>(load<std::int64_t>(from));
    case ScalarType::int32:
      return static_cast<float>(load<std::int32_t>(from));
    case ScalarType::int16:
      return static_cast<float>(load<std::int16_t>(from));
    case ScalarType::int8:
      return static_cast<float>(load<std::int8_t>(from));
    case ScalarType::uint8:
      return static_cast<float>(load<std::uint8_t>(from));
    case ScalarType::boolean:
      return load<std::uint8_t>(from) != 0 ? 1.0F : 0.0F;
  }
  return 0;
}

bool is_contiguous(const StoredTensor& tensor) {
  std::int64_t expected = 1;
  for (std::size_t i = tensor.shape.size(); i-- > 0;) {
    if (tensor.shape[i] != 1 && tensor.strides[i] != expected) return false;
    expected *= tensor.shape[i];
  }
  return true;
}

}  // namespace

std::size_t size_in_bytes(ScalarType type) noexcept {
  switch (type) {
    case ScalarType::float64:
    case ScalarType::int64:
      return 8;
    case ScalarType::float32:
    case ScalarType::int32:
      return 4;
    case ScalarType::float16:
    case ScalarType::bfloat16:
    case ScalarType::int16:
      return 2;
    case ScalarType::int8:
    case ScalarType::uint8:
    case ScalarType::boolean:
      return 1;
  }
  return 1;
}

std::size_t StoredTensor::elements() const noexcept {
  std::size_t count = 1;
  for (const std::int64_t size : shape) count *= static_cast<std::size_t>(size);
  return count;
}

void Checkpoint::take_off(const std::string& prefix) {
  if (prefix.empty()) return;
  const auto shortened = [&](auto& named) {
    // Apart from the rest first: a name from which it was taken off may begin with it again.
    std::remove_reference_t<decltype(named)> inside;
    for (auto at = named.lower_bound(prefix); at != named.end() && at->first.starts_with(prefix);) {
      inside.insert(named.extract(at++));
    }
    while (!inside.empty()) {
      auto node = inside.extract(inside.begin());
      node.key().erase(0, prefix.size());
      // A name that is there already is the other part's, and this one keeps its own.
      auto inserted = named.insert(std::move(node));
      if (!inserted.inserted) {
        inserted.node.key().insert(0, prefix);
        named.insert(std::move(inserted.node));
      }
    }
  };
  shortened(tensors_);
  shortened(objects_);
  shortened(unread_);
  taken_from_ += (taken_from_.empty() ? "" : ".") + prefix.substr(0, prefix.size() - 1);
}

void Checkpoint::refuse_object_called(const std::string& name) const {
  if (const auto unread = unread_.find(name); unread != unread_.end()) {
    throw ModelError(shown(ModelError({.problem = "tensor '" + name + "' " + unread->second,
                                       .remedy = "save it as tensor.float().contiguous().clone()"}),
                           path_));
  }
  const auto found = objects_.find(name);
  if (found == objects_.end()) return;
  try {
    refuse_object(found->second, name, "save a state_dict of tensors");
  } catch (const ModelError& error) {
    throw ModelError(shown(error, path_));
  }
}

Checkpoint Checkpoint::open(const std::filesystem::path& file) { return from_bytes(read_model_file(file), file); }

Checkpoint Checkpoint::from_bytes(std::vector<std::byte> bytes, const std::filesystem::path& source) try {
  Checkpoint checkpoint;
  checkpoint.path_ = source;
  checkpoint.bytes_ = std::move(bytes);
  const TorchFile file = read_torch_file(checkpoint.bytes_);
  const Pickle& pickle = file.object;
  const StateDict found = state_dict_of(pickle);
  const PickleValue& state_dict = *found.place.dict;
  checkpoint.taken_from_ = found.place.key;
  checkpoint.not_taken_ = found.others;
  const TensorReader reader(file);
  for (std::size_t i = 0; i + 1 < state_dict.items.size(); i += 2) {
    const PickleValue& key = pickle[state_dict.items[i]];
    const PickleValue& value = pickle[state_dict.items[i + 1]];
    if (key.kind != Kind::text || (!is_object(value) && value.kind != Kind::tensor)) continue;
    if (key.text.size() > longest_name || std::any_of(key.text.begin(), key.text.end(), is_control)) {
      throw ModelError({.problem = "a tensor's name is longer than any or holds control characters",
                        .remedy = "the file is damaged or was made to harm"});
    }
    if (is_object(value)) {
      // Beside the tensors, where the network's own could be: judged when one is looked for, but for what only harms.
      if (is_harmful(value.text)) refuse_object(value.text, key.text, {});
      checkpoint.objects_.insert_or_assign(canonical(key.text), value.text);
      continue;
    }
    // A profiler counts for each of the modules around the network too, and without prefixes these are called the same.
    const std::string name = is_profiler_count(key.text) ? key.text : canonical(key.text);
    bool is_new = true;
    try {
      is_new = checkpoint.tensors_.emplace(name, reader.read(value, key.text)).second;
    } catch (const UnreadTensor& unread) {
      is_new = checkpoint.unread_.emplace(name, unread.reason).second;
    }
    if (!is_new) {
      throw ModelError(
          {.problem = "holds two tensors that are both called '" + name + "'", .remedy = "save one network only"});
    }
  }
  checkpoint.take_off(own_prefix(checkpoint.tensors_));

  checkpoint.format_ =
      pickle.find(pickle.root(), "pytorch-lightning_version") != nullptr ? "lightning-checkpoint" : "state-dict";
  if (const PickleValue* parameters = pickle.find(pickle.root(), "hyper_parameters");
      parameters != nullptr && parameters->kind == Kind::dict) {
    for (std::size_t i = 0; i + 1 < parameters->items.size(); i += 2) {
      const PickleValue& name = pickle[parameters->items[i]];
      const auto text = printable(pickle[parameters->items[i + 1]]);
      if (name.kind != Kind::text || name.text.size() > longest_name) continue;
      // Of two equal names the later counts, as in Python.
      if (text) {
        checkpoint.hyper_parameters_.insert_or_assign(name.text, *text);
      } else {
        checkpoint.hyper_parameters_.erase(name.text);
      }
    }
  }
  Sha256 hash;
  hash.update(checkpoint.bytes_);
  checkpoint.sha256_ = hash.finish();
  return checkpoint;
} catch (const ModelError& error) {
  throw ModelError(shown(error, source));
}

std::vector<float> Checkpoint::read_floats(const std::string& name) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) {
    refuse_object_called(name);
    throw ModelError("tensor '" + name + "' is missing", path_.string());
  }
  const StoredTensor& tensor = found->second;
  std::vector<float> values(tensor.elements());
  const std::size_t size = size_in_bytes(tensor.type);
  if (values.empty()) return values;
  if (tensor.type == ScalarType::float32 && is_contiguous(tensor)) {
    std::memcpy(values.data(), tensor.storage.data(), values.size() * size);
    return values;
  }
  std::vector<std::int64_t> index(tensor.shape.size(), 0);
  for (float& value : values) {
    std::size_t offset = 0;
    for (std::size_t i = 0; i < index.size(); ++i) offset += static_cast<std::size_t>(index[i] * tensor.strides[i]);
    value = element(tensor.type, tensor.storage.data() + offset * size);
    for (std::size_t i = index.size(); i-- > 0;) {
      if (++index[i] < tensor.shape[i]) break;
      index[i] = 0;
    }
  }
  return values;
}

}  // namespace stagemark
