#include "stagemark/suite/dataset.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <numeric>
#include <set>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

#include "stagemark/core/error.hpp"
#include "stagemark/core/random.hpp"
#include "stagemark/core/sha256.hpp"

namespace stagemark {
namespace {

namespace fs = std::filesystem;

std::string lower_case(std::string text) {
  // ASCII only, whatever the locale: class names and extensions are compared, not displayed.
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

bool is_image_name(const fs::path& file) {
  constexpr std::array<std::string_view, 7> extensions = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".pgm"};
  const std::string extension = lower_case(file.extension().string());
  return std::find(extensions.begin(), extensions.end(), extension) != extensions.end();
}

bool is_hidden(const fs::path& file) { return file.filename().string().starts_with('.'); }

struct Found {
  std::vector<std::string> images;       ///< below a class directory, relative to the root
  std::vector<std::string> root_images;  ///< in the root itself
  std::set<std::string> directories;     ///< directly below the root
  std::vector<SkippedFile> skipped;
};

/// Walks the tree; `open` holds the directories above, so that a link back to one of them ends the way.
void walk(const fs::path& root, const fs::path& relative, std::set<fs::path>& open, Found& found) {
  std::error_code error;
  const fs::path directory = root / relative;
  const fs::path real = fs::canonical(directory, error);
  if (error || !open.insert(real).second) {
    found.skipped.push_back({relative.generic_string(),
                             error ? "cannot be followed: " + error.message() : "is a link to a directory above it"});
    return;
  }
  fs::directory_iterator entries(directory, error);
  if (error) found.skipped.push_back({relative.generic_string(), "cannot be read: " + error.message()});
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    const fs::path& path = entries->path();
    if (is_hidden(path)) continue;
    const fs::path name = relative / path.filename();
    std::error_code unknown;
    const fs::file_status status = fs::status(path, unknown);
    if (fs::is_directory(status)) {
      if (relative.empty()) found.directories.insert(path.filename().string());
      walk(root, name, open, found);
    } else if (is_image_name(path)) {
      if (!fs::is_regular_file(status)) {
        found.skipped.push_back({name.generic_string(), unknown ? unknown.message() : "is not a regular file"});
      } else if (fs::file_size(path, unknown) == 0) {
        found.skipped.push_back({name.generic_string(), "is empty"});
      } else {
        (relative.empty() ? found.root_images : found.images).push_back(name.generic_string());
      }
    }
  }
  open.erase(real);
}

std::string class_of(const std::string& path) { return path.substr(0, path.find('/')); }

/// Labels by the first directory. A directory without an image is no class.
void label(Dataset& dataset, const Found& found) {
  std::map<std::string, std::size_t> classes;
  for (const std::string& path : found.images) classes.emplace(class_of(path), 0);
  for (auto& [name, index] : classes) {
    index = dataset.classes.size();
    dataset.classes.push_back(name);
  }
  for (const std::string& path : found.images) dataset.entries.push_back({path, classes.at(class_of(path))});
  for (const std::string& directory : found.directories) {
    if (!classes.contains(directory)) dataset.skipped.push_back({directory, "holds no image, so it is not a class"});
  }
  for (const std::string& path : found.root_images) {
    dataset.skipped.push_back({path, "lies beside the class directories, so it has no label"});
  }
}

std::optional<std::size_t> positive_class(const Dataset& dataset, const std::optional<std::string>& asked) {
  if (!asked) {
    if (dataset.classes.size() == 2) return 1;
    return std::nullopt;
  }
  std::string known;
  for (std::size_t i = 0; i < dataset.classes.size(); ++i) {
    if (lower_case(dataset.classes[i]) == lower_case(*asked)) return i;
    known += (i > 0 ? ", " : "") + dataset.classes[i];
  }
  throw UsageError("there is no class '" + *asked + "'", "--positive",
                   known.empty() ? "the images have no labels" : "the classes are " + known);
}

/// Draws without replacement and keeps the order.
void draw(std::vector<DatasetEntry>& entries, std::size_t samples, std::uint64_t seed) {
  if (samples >= entries.size()) return;
  std::vector<std::size_t> indices(entries.size());
  std::iota(indices.begin(), indices.end(), std::size_t{0});
  SplitMix64 random(seed);
  for (std::size_t i = 0; i < samples; ++i) std::swap(indices[i], indices[i + random.below(indices.size() - i)]);
  indices.resize(samples);
  std::sort(indices.begin(), indices.end());
  std::vector<DatasetEntry> drawn;
  drawn.reserve(samples);
  for (const std::size_t index : indices) drawn.push_back(std::move(entries[index]));
  entries = std::move(drawn);
}

/// Over the contents in order. A file that cannot be read is left out.
void hash_contents(Dataset& dataset) {
  Sha256 hash;
  std::vector<DatasetEntry> readable;
  readable.reserve(dataset.entries.size());
  for (DatasetEntry& entry : dataset.entries) {
    try {
      // Of each file's hash, so that where one file ends and the next begins counts too.
      const std::string digest = sha256_of_file(dataset.file(entry));
      hash.update(std::as_bytes(std::span(digest.data(), digest.size())));
      readable.push_back(std::move(entry));
    } catch (const InputError&) {
      dataset.skipped.push_back({entry.path, "cannot be read"});
    }
  }
  dataset.entries = std::move(readable);
  dataset.sha256 = hash.finish();
}

}  // namespace

Dataset read_dataset(const fs::path& root, const DatasetOptions& options) {
  const std::string remedy = "give a directory of PNG, JPEG, BMP, TIFF or PGM images";
  std::error_code error;
  const fs::file_status status = fs::status(root, error);
  if (!fs::exists(status)) throw InputError("no such directory", root.string(), remedy);
  if (!fs::is_directory(status)) throw InputError("is not a directory", root.string(), remedy);

  Found found;
  std::set<fs::path> open;
  walk(root, {}, open, found);
  std::sort(found.images.begin(), found.images.end());
  std::sort(found.root_images.begin(), found.root_images.end());

  Dataset dataset;
  dataset.root = root;
  dataset.skipped = std::move(found.skipped);
  dataset.synthetic = fs::exists(root / sample_marker);
  if (found.images.empty()) {
    for (const std::string& path : found.root_images) dataset.entries.push_back({path, std::nullopt});
  } else {
    label(dataset, found);
  }
  if (!dataset.entries.empty()) dataset.positive = positive_class(dataset, options.positive);
  dataset.found = dataset.entries.size() + dataset.skipped.size();
  if (options.samples) draw(dataset.entries, *options.samples, options.seed);
  hash_contents(dataset);
  std::sort(dataset.skipped.begin(), dataset.skipped.end(),
            [](const SkippedFile& a, const SkippedFile& b) { return a.path < b.path; });
  if (dataset.entries.empty()) {
    if (dataset.skipped.empty()) throw InputError("holds no image", root.string(), remedy);
    throw InputError("holds no image that can be read, the first: " + dataset.skipped.front().path + " (" +
                         dataset.skipped.front().reason + ")",
                     root.string(), remedy);
  }
  return dataset;
}

}  // namespace stagemark
