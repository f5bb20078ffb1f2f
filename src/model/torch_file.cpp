#include "model/torch_file.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <new>
#include <string_view>
#include <system_error>
#include <utility>

#include "model/storage_type.hpp"
#include "model/zip_archive.hpp"
#include "stagemark/core/error.hpp"

namespace stagemark {
namespace {

using Kind = PickleValue::Kind;
using Records = std::map<std::string, std::span<const std::byte>>;

constexpr std::string_view zip_signature("PK\x03\x04");
/// The magic number 0x1950a86a20f9469cfc6c as a pickled long of ten bytes.
constexpr std::string_view legacy_signature("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 15);

bool starts_with(std::span<const std::byte> bytes, std::string_view prefix) {
  return bytes.size() >= prefix.size() && std::memcmp(bytes.data(), prefix.data(), prefix.size()) == 0;
}

[[noreturn]] void refuse_big_endian() {
  throw ModelError({.problem = "was saved on a big-endian machine", .remedy = "save it on a little-endian one"});
}

/// The folder in the archive, with its slash: torch.save names it after the file.
std::string folder_of(const Records& records) {
  constexpr std::string_view file = "data.pkl";
  for (const auto& [name, content] : records) {
    if (name.ends_with(file) && (name.size() == file.size() || name[name.size() - file.size() - 1] == '/')) {
      return name.substr(0, name.size() - file.size());
    }
  }
  throw ModelError({.problem = "is a zip file without data.pkl", .remedy = "stagemark reads what torch.save writes"});
}

/// The constants of TorchScript's code stand beside it; data alone has none.
bool holds_code(const Records& records) {
  return std::ranges::any_of(records, [](const auto& record) { return record.first.ends_with("/constants.pkl"); });
}

TorchFile read_zip(std::span<const std::byte> file) {
  const ZipDirectory directory = read_zip_directory(file);
  const Records& records = directory.stored;
  if (holds_code(records)) {
    throw ModelError(
        {.problem = "is a TorchScript program, not a checkpoint", .remedy = "the engine libtorch runs it"});
  }
  if (!directory.compressed.empty()) {
    throw ModelError(
        {.problem = "record '" + directory.compressed.front() + "' is compressed, and torch.save does not compress",
         .remedy = "save it with torch.save"});
  }
  const std::string folder = folder_of(records);
  if (const auto order = records.find(folder + "byteorder");
      order != records.end() && starts_with(order->second, "big")) {
    refuse_big_endian();
  }
  TorchFile result{Pickle::read(records.at(folder + "data.pkl")), {}};
  const std::string data = folder + "data/";
  for (auto record = records.lower_bound(data); record != records.end() && record->first.starts_with(data); ++record) {
    result.storages.emplace(record->first.substr(data.size()), record->second);
  }
  return result;
}

[[noreturn]] void refuse_file(const std::string& problem) {
  throw ModelError({.problem = "the file is damaged: " + problem, .remedy = "copy or save it again"});
}

/// Elements and type of each storage that the object's tensors refer to, by key.
std::map<std::string, ScalarType> storage_types_of(const Pickle& object) {
  std::map<std::string, ScalarType> types;
  for (const PickleValue& value : object.values()) {
    if (value.kind != Kind::storage) continue;
    if (const auto type = storage_type(object[value.items[0]].text)) types.emplace(object[value.items[1]].text, *type);
  }
  return types;
}

/// Five pickles (magic number, version, system, object, keys of the storages), then each storage: how many elements it
/// has, and these. Source: `_legacy_save` in PyTorch's torch/serialization.py.
TorchFile read_legacy(std::span<const std::byte> file) {
  std::span<const std::byte> rest = file.subspan(legacy_signature.size());
  (void)Pickle::read_first(rest);
  const Pickle system = Pickle::read_first(rest);
  const PickleValue* little_endian = system.find(system.root(), "little_endian");
  if (little_endian != nullptr && little_endian->kind == Kind::boolean && little_endian->integer == 0) {
    refuse_big_endian();
  }
  TorchFile result{Pickle::read_first(rest), {}};
  const std::map<std::string, ScalarType> types = storage_types_of(result.object);
  const Pickle keys = Pickle::read_first(rest);
  if (keys.root().kind != Kind::list) refuse_file("the keys of its storages are no list");
  for (const auto index : keys.root().items) {
    const std::string& key = keys[index].text;
    const auto type = types.find(key);
    if (type == types.end()) refuse_file("it holds data that nothing refers to, of unknown type");
    std::uint64_t elements = 0;
    if (rest.size() < sizeof(elements)) refuse_file("it ends too early");
    std::memcpy(&elements, rest.data(), sizeof(elements));
    rest = rest.subspan(sizeof(elements));
    if (elements > rest.size() / size_in_bytes(type->second)) refuse_file("it ends too early");
    const std::size_t size = static_cast<std::size_t>(elements) * size_in_bytes(type->second);
    if (!result.storages.emplace(key, rest.first(size)).second) refuse_file("it holds a storage twice");
    rest = rest.subspan(size);
  }
  return result;
}

}  // namespace

std::vector<std::byte> read_model_file(const std::filesystem::path& file) {
  std::error_code error;
  const auto status = std::filesystem::status(file, error);
  if (!std::filesystem::exists(status))
    throw ModelError("no such file", file.string(), "check the path given with `model`");
  if (!std::filesystem::is_regular_file(status))
    throw ModelError("is not a file", file.string(), "name the model file itself");
  const auto size = std::filesystem::file_size(file, error);
  std::ifstream in(file, std::ios::binary);
  if (error || !in) throw ModelError("cannot be read", file.string(), "check its permissions");
  std::vector<std::byte> bytes(std::min<std::uintmax_t>(size, legacy_signature.size()));
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes of a file
  in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  // What is refused anyway need not be read to its end, which may be far.
  if (!starts_with(bytes, zip_signature) && !starts_with(bytes, legacy_signature)) return bytes;
  try {
    bytes.resize(size);
  } catch (const std::bad_alloc&) {
    throw ModelError("is too large for the memory of this machine", file.string());
  }
  in.seekg(0);
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes of a file
  in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size));
  if (static_cast<std::uintmax_t>(in.gcount()) != size) throw ModelError("cannot be read to its end", file.string());
  return bytes;
}

bool holds_torchscript(std::span<const std::byte> file) {
  return starts_with(file, zip_signature) && holds_code(read_zip_directory(file).stored);
}

bool holds_aoti(std::span<const std::byte> file) {
  if (!starts_with(file, zip_signature)) return false;
  // AOTINDUCTOR_DIR of PyTorch's torch/_inductor/package/pt2_archive_constants.py.
  constexpr std::string_view folder = "data/aotinductor/";
  const ZipDirectory directory = read_zip_directory(file);
  const auto inside = [&](const std::string& name) { return name.find(folder) != std::string::npos; };
  return std::ranges::any_of(directory.stored, [&](const auto& record) { return inside(record.first); }) ||
         std::ranges::any_of(directory.compressed, inside);
}

TorchFile read_torch_file(std::span<const std::byte> file) {
  if (file.empty()) throw ModelError({.problem = "is empty", .remedy = "copy it again"});
  if (starts_with(file, zip_signature)) return read_zip(file);
  if (starts_with(file, legacy_signature)) return read_legacy(file);
  throw ModelError({.problem = "is not a checkpoint that torch.save wrote",
                    .remedy = "stagemark reads PyTorch Lightning checkpoints and state_dicts"});
}

}  // namespace stagemark
