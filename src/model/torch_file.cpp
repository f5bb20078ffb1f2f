#include "model/torch_file.hpp"

#include <algorithm>
#include <array>
#include <cctype>
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

bool starts_with(std::span<const std::byte> bytes, std::string_view prefix) {
  return bytes.size() >= prefix.size() && std::memcmp(bytes.data(), prefix.data(), prefix.size()) == 0;
}

/// The old format begins with the number 0x1950a86a20f9469cfc6c as a pickle of its own, in the protocol that was asked
/// for. \return the pickle's bytes; 0 where the file begins with something else
std::size_t size_of_magic_number(std::span<const std::byte> file) {
  constexpr std::string_view in_digits("L119547037146038801333356L\n.");  // protocols 0 and 1
  if (starts_with(file, in_digits)) return in_digits.size();
  constexpr std::string_view in_bytes("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 13);
  constexpr std::string_view frame("\x95\x0d\0\0\0\0\0\0\0", 9);  // from protocol 4 on
  std::size_t size = 2;
  if (file.size() < size || !starts_with(file, "\x80") || file[1] < std::byte{2} || file[1] > std::byte{5}) return 0;
  if (starts_with(file.subspan(size), frame)) size += frame.size();
  return starts_with(file.subspan(size), in_bytes) ? size + in_bytes.size() : 0;
}

[[noreturn]] void refuse_big_endian() {
  throw ModelError({.problem = "was saved on a big-endian machine", .remedy = "save it on a little-endian one"});
}

/// Whether a record's name ends so, compressed or not.
bool has_record(const ZipDirectory& directory, std::string_view end) {
  return std::ranges::any_of(directory.stored, [&](const auto& record) { return record.first.ends_with(end); }) ||
         std::ranges::any_of(directory.compressed, [&](const auto& name) { return name.ends_with(end); });
}

/// Whose zip file it is, if not torch.save's.
std::string of_another_program(const ZipDirectory& directory) {
  const auto has = [&](std::string_view end) { return has_record(directory, end); };
  if (has(".npy")) return ", which NumPy wrote (.npz)";
  if (has("[Content_Types].xml")) return ", an Office document";
  if (has(".keras") || has("model.weights.h5")) return ", which Keras wrote";
  if (has(".ckpt") || has(".pt") || has(".pth")) return ", and holds a model file: unpack it";
  return "";
}

/// The folder in the archive, with its slash: torch.save names it after the file.
std::string folder_of(const ZipDirectory& directory) {
  constexpr std::string_view file = "data.pkl";
  for (const auto& [name, content] : directory.stored) {
    if (name.ends_with(file) && (name.size() == file.size() || name[name.size() - file.size() - 1] == '/')) {
      return name.substr(0, name.size() - file.size());
    }
  }
  throw ModelError({.problem = "is a zip file without data.pkl" + of_another_program(directory),
                    .remedy = "stagemark reads what torch.save writes"});
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
  if (!directory.compressed.empty() && has_record(directory, "data.pkl")) {
    throw ModelError(
        {.problem = "record '" + directory.compressed.front() + "' is compressed, and torch.save does not compress",
         .remedy = "save it with torch.save"});
  }
  const std::string folder = folder_of(directory);
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

/// Bytes of an element in a storage, also of a type that is not read and may lie under a key that is ignored.
std::optional<std::size_t> element_size(std::string_view storage) {
  struct Size {
    std::string_view storage;
    std::size_t bytes;
  };
  constexpr std::array<Size, 8> others = {{{"torch.ComplexFloatStorage", 8},
                                           {"torch.ComplexDoubleStorage", 16},
                                           {"torch.QInt8Storage", 1},
                                           {"torch.QUInt8Storage", 1},
                                           {"torch.QInt32Storage", 4},
                                           {"torch.QUInt4x2Storage", 1},
                                           {"torch.QUInt2x4Storage", 1},
                                           {"torch.storage.UntypedStorage", 1}}};
  if (const auto type = storage_type(storage)) return size_in_bytes(*type);
  const auto* const found = std::ranges::find(others, storage, &Size::storage);
  return found == others.end() ? std::nullopt : std::optional(found->bytes);
}

/// Bytes of an element of each storage that the object refers to, by key.
std::map<std::string, std::size_t> element_sizes_of(const Pickle& object) {
  std::map<std::string, std::size_t> sizes;
  for (const PickleValue& value : object.values()) {
    if (value.kind != Kind::storage) continue;
    // GPUs have storages of the same types.
    std::string type = object[value.items[0]].text;
    if (constexpr std::string_view cuda = "torch.cuda."; type.starts_with(cuda)) type.replace(0, cuda.size(), "torch.");
    if (const auto size = element_size(type)) sizes.emplace(object[value.items[1]].text, *size);
  }
  return sizes;
}

/// Five pickles (magic number, version, system, object, keys of the storages), then each storage: how many elements it
/// has, and these. Source: `_legacy_save` in PyTorch's torch/serialization.py.
TorchFile read_legacy(std::span<const std::byte> file) {
  std::span<const std::byte> rest = file.subspan(size_of_magic_number(file));
  (void)Pickle::read_first(rest);
  const Pickle system = Pickle::read_first(rest);
  const PickleValue* little_endian = system.find(system.root(), "little_endian");
  if (little_endian != nullptr && little_endian->kind == Kind::boolean && little_endian->integer == 0) {
    refuse_big_endian();
  }
  TorchFile result{Pickle::read_first(rest), {}};
  const std::map<std::string, std::size_t> sizes = element_sizes_of(result.object);
  const Pickle keys = Pickle::read_first(rest);
  if (keys.root().kind != Kind::list) refuse_file("the keys of its storages are no list");
  for (const auto index : keys.root().items) {
    const std::string& key = keys[index].text;
    const auto element = sizes.find(key);
    if (element == sizes.end()) refuse_file("it holds data that nothing refers to, of unknown type");
    std::uint64_t elements = 0;
    if (rest.size() < sizeof(elements)) refuse_file("it ends too early");
    std::memcpy(&elements, rest.data(), sizeof(elements));
    rest = rest.subspan(sizeof(elements));
    if (elements > rest.size() / element->second) refuse_file("it ends too early");
    const std::size_t size = static_cast<std::size_t>(elements) * element->second;
    if (!result.storages.emplace(key, rest.first(size)).second) refuse_file("it holds a storage twice");
    rest = rest.subspan(size);
  }
  return result;
}

/// What of a file is looked at to tell what it is.
constexpr std::size_t longest_beginning = 1024;

/// A kind of file by its beginning, and what to do with it.
struct Foreign {
  std::string_view beginning, what, remedy;
};
constexpr std::string_view save_with_torch = "load it in Python and save its state_dict with torch.save";
constexpr std::string_view only_reads = "stagemark reads PyTorch Lightning checkpoints and state_dicts";
constexpr std::string_view unpack = "unpack it";
constexpr std::string_view no_model = "name the model file itself";
constexpr std::array<Foreign, 20> foreign_files = {{
    {"version https://git-lfs.github.com/spec/", "is a pointer of Git LFS, not the file that it points to",
     "fetch it with: git lfs pull"},
    {"\x89HDF\r\n\x1a\n", "is an HDF5 file, as Keras writes them", only_reads},
    {"GGUF", "is a GGUF file", only_reads},
    {"\x93NUMPY", "is an array of NumPy", only_reads},
    {"\x89PNG\r\n\x1a\n", "is a PNG image", no_model},
    {"\xff\xd8\xff", "is a JPEG image", no_model},
    {"GIF8", "is a GIF image", no_model},
    {{"II*\0", 4}, "is a TIFF image", no_model},
    {{"MM\0*", 4}, "is a TIFF image", no_model},
    {"%PDF-", "is a PDF document", no_model},
    {"\x1f\x8b", "is a gzip archive", unpack},
    {"BZh", "is a bzip2 archive", unpack},
    {"\xfd"
     "7zXZ",
     "is an xz archive", unpack},
    {"\x28\xb5\x2f\xfd", "is a Zstandard archive", unpack},
    {"7z\xbc\xaf\x27\x1c", "is a 7-Zip archive", unpack},
    {"Rar!", "is a RAR archive", unpack},
    {"\x7f"
     "ELF",
     "is a program or library", no_model},
    {"<?xml", "is an XML file", only_reads},
    {"{\"", "is a JSON file", no_model},
    {"PK\x05\x06", "is an empty zip file", "copy it again"},
}};

[[noreturn]] void refuse_foreign(std::span<const std::byte> file) {
  std::string text(std::min(file.size(), longest_beginning), '\0');
  std::memcpy(text.data(), file.data(), text.size());
  const auto refuse = [](std::string_view what, std::string_view remedy) {
    throw ModelError({.problem = std::string(what), .remedy = std::string(remedy)});
  };
  const std::string_view start(text);
  // An eight-byte length, then JSON of that length. Source: the format's README, github.com/huggingface/safetensors.
  if (start.size() > 9 && start[8] == '{' && start[6] == '\0' && start[7] == '\0') {
    refuse("is a safetensors file",
           "load it in Python and save it with torch.save(safetensors.torch.load_file(FILE), NEW)");
  }
  for (const Foreign& known : foreign_files) {
    if (start.starts_with(known.beginning)) refuse(known.what, known.remedy);
  }
  if (start.size() > 262 && start.substr(257, 5) == "ustar") refuse("is a tar archive", unpack);
  if (start.size() > 12 && start.starts_with("RIFF") && start.substr(8, 4) == "WEBP")
    refuse("is a WebP image", no_model);
  if (start.size() > 132 && start.substr(128, 4) == "DICM") refuse("is a DICOM image", no_model);
  // Two letters are too few by themselves: zeros follow where a BMP reserves bytes, and a program begins its first page.
  if (start.size() > 14 && start.starts_with("BM") && start.substr(6, 4) == std::string_view("\0\0\0\0", 4))
    refuse("is a BMP image", no_model);
  if (start.starts_with("MZ") && start.find("This program cannot be run in DOS mode") != std::string_view::npos)
    refuse("is a program or library of Windows", no_model);
  // TFLite's identifier stands behind the first offset.
  if (start.size() > 8 && start.substr(4, 4) == "TFL3") refuse("is a TensorFlow Lite model", only_reads);
  std::string lower = text;
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (const std::size_t first = lower.find_first_not_of("\xef\xbb\xbf \t\r\n"); first != std::string::npos) {
    const std::string_view page = std::string_view(lower).substr(first);
    if (page.starts_with("<!doctype html") || page.starts_with("<head") ||
        page.find("<html") != std::string_view::npos) {
      refuse("is an HTML page, as a download that failed leaves it", "download the file itself");
    }
  }
  if (std::ranges::all_of(start, [](char c) { return c == '\0'; })) {
    refuse("begins with nothing but zeros, as a download that broke off leaves it", "copy it again");
  }
  // A pickle of protocol 2 or later that is not torch.save's.
  if (start.starts_with("\x80") && start.size() > 2 && start[1] >= 2 && start[1] <= 5) {
    refuse("is a pickle that torch.save did not write", save_with_torch);
  }
  throw ModelError({.problem = "is not a checkpoint that torch.save wrote", .remedy = std::string(only_reads)});
}

[[noreturn]] void refuse_directory(const std::filesystem::path& directory) {
  std::size_t models = 0;
  bool distributed = false;
  bool program = false;
  std::error_code error;
  for (std::filesystem::recursive_directory_iterator at(directory, error), end; !error && at != end;
       at.increment(error)) {
    const std::string extension = at->path().extension().string();
    const std::string name = at->path().filename().string();
    distributed = distributed || extension == ".distcp" || name == ".metadata";
    program = program || name == "saved_model.pb";
    constexpr std::array<std::string_view, 6> kinds = {".pt", ".pth", ".ckpt", ".bin", ".safetensors", ".onnx"};
    if (std::ranges::find(kinds, extension) != kinds.end()) ++models;
    if (at.depth() > 2) at.disable_recursion_pending();
  }
  const std::string where = directory.string();
  if (distributed) {
    throw ModelError(
        "is a directory of shards, as torch.distributed.checkpoint writes it", where,
        "join them into one file: python -m torch.distributed.checkpoint.format_utils dcp_to_torch DIR FILE");
  }
  if (program) throw ModelError("is a directory with a SavedModel of TensorFlow", where, "export the network as ONNX");
  if (models > 1) {
    throw ModelError("is a directory with " + std::to_string(models) + " model files, not one of them", where,
                     "name the file itself, or join the shards of one network into one state_dict");
  }
  throw ModelError("is a directory", where, "name the model file itself");
}

}  // namespace

std::vector<std::byte> read_model_file(const std::filesystem::path& file) {
  std::error_code error;
  const auto status = std::filesystem::status(file, error);
  if (!std::filesystem::exists(status))
    throw ModelError("no such file", file.string(), "check the path given with `model`");
  if (std::filesystem::is_directory(status)) refuse_directory(file);
  if (!std::filesystem::is_regular_file(status))
    throw ModelError("is not a file", file.string(), "name the model file itself");
  const auto size = std::filesystem::file_size(file, error);
  std::ifstream in(file, std::ios::binary);
  if (error || !in) throw ModelError("cannot be read", file.string(), "check its permissions");
  std::vector<std::byte> bytes(std::min<std::uintmax_t>(size, longest_beginning));
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes of a file
  in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  // What is refused anyway need not be read to its end, which may be far.
  if (!starts_with(bytes, zip_signature) && size_of_magic_number(bytes) == 0) return bytes;
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
  if (size_of_magic_number(file) > 0) return read_legacy(file);
  refuse_foreign(file);
}

}  // namespace stagemark
