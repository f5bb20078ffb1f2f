#include "stagemark/suite/dataset.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <map>
#include <numeric>
#include <set>
#include <span>
#include <sstream>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <utility>

#include "stagemark/core/error.hpp"
#include "stagemark/core/random.hpp"
#include "stagemark/core/sha256.hpp"
#include "suite/manifest.hpp"

namespace stagemark {
namespace {

namespace fs = std::filesystem;

std::string lower_case(std::string text) {
  // ASCII only, whatever the locale: class names and extensions are compared, not displayed.
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

template <std::size_t Count>
bool is_among(const std::array<std::string_view, Count>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_image_name(const fs::path& file) {
  constexpr std::array<std::string_view, 7> extensions = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".pgm"};
  return is_among(extensions, lower_case(file.extension().string()));
}

/// What nobody put there: hidden, or left behind by an archive of macOS, by Windows or by a file server.
bool is_litter(const fs::path& file) {
  constexpr std::array<std::string_view, 12> names = {"__macosx",
                                                      "__pycache__",
                                                      "@eadir",
                                                      "@recycle",
                                                      "#recycle",
                                                      "$recycle.bin",
                                                      "system volume information",
                                                      "lost+found",
                                                      "thumbs.db",
                                                      "ehthumbs.db",
                                                      "desktop.ini",
                                                      "icon\r"};
  const std::string name = lower_case(file.filename().string());
  return name.starts_with('.') || is_among(names, name);
}

/// Cannot be a picture of any kind: a directory of such files alone is no class.
bool is_document(const fs::path& file) {
  constexpr std::array<std::string_view, 36> extensions = {
      ".txt", ".md",  ".rst",  ".csv", ".tsv",  ".json", ".jsonl", ".yaml", ".yml", ".xml",  ".html",        ".htm",
      ".pdf", ".doc", ".docx", ".xls", ".xlsx", ".py",   ".ipynb", ".sh",   ".log", ".ini",  ".cfg",         ".toml",
      ".zip", ".tar", ".tgz",  ".7z",  ".rar",  ".ckpt", ".pt",    ".pth",  ".pt2", ".onnx", ".safetensors", ".h5"};
  return is_among(extensions, lower_case(file.extension().string()));
}

/// What a directory holds, and all below it.
struct Content {
  std::size_t documents = 0;
  std::size_t others = 0;  ///< that are images, or might be
};

struct Found {
  std::vector<std::string> images;             ///< below a class directory, relative to the root
  std::vector<std::string> root_images;        ///< in the root itself
  std::map<std::string, Content> directories;  ///< directly below the root
  std::vector<SkippedFile> skipped;
};

std::string class_of(const std::string& path) { return path.substr(0, path.find('/')); }

/// Walks the tree; `open` holds the directories above, so that a link back to one of them ends the way.
void walk(const fs::path& root, const fs::path& relative, std::set<fs::path>& open, Found& found) {
  std::error_code error;
  const fs::path directory = root / relative;
  const fs::path real = fs::canonical(directory, error);
  if (error || !open.insert(real).second) {
    found.skipped.push_back({relative.generic_string(),
                             error ? "cannot be followed: " + error.message() : "is a link to a directory above it"});
    if (!error) found.directories.erase(relative.generic_string());
    return;
  }
  fs::directory_iterator entries(directory, error);
  if (error) found.skipped.push_back({relative.generic_string(), "cannot be read: " + error.message()});
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    const fs::path& path = entries->path();
    if (is_litter(path)) continue;
    const fs::path name = relative / path.filename();
    std::error_code unknown;
    const fs::file_status status = fs::status(path, unknown);
    if (fs::is_directory(status)) {
      if (relative.empty()) found.directories.emplace(path.filename().string(), Content{});
      walk(root, name, open, found);
      continue;
    }
    if (!relative.empty()) {
      Content& content = found.directories[class_of(name.generic_string())];
      ++(is_document(path) ? content.documents : content.others);
    }
    if (is_image_name(path)) {
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

/// Labels by the first directory.
void label(Dataset& dataset, const Found& found) {
  std::map<std::string, std::size_t> classes;
  for (const auto& [name, content] : found.directories) {
    if (content.documents > 0 && content.others == 0) {
      dataset.skipped.push_back({name, "holds documents and no image, so it is not a class"});
    } else {
      classes.emplace(name, dataset.classes.size());
      dataset.classes.push_back(name);
    }
  }
  for (const std::string& path : found.images) dataset.entries.push_back({path, classes.at(class_of(path))});
  for (const std::string& path : found.root_images) {
    dataset.skipped.push_back({path, "lies beside the class directories, so it has no label"});
  }
}

/// The class of that name; where none is spelt so, the one that differs in case alone.
std::size_t class_index(const Dataset& dataset, const std::string& name, const std::string& parameter) {
  const auto exact = std::ranges::find(dataset.classes, name);
  if (exact != dataset.classes.end()) return static_cast<std::size_t>(exact - dataset.classes.begin());
  std::optional<std::size_t> alike;
  bool ambiguous = false;
  std::string known;
  for (std::size_t i = 0; i < dataset.classes.size(); ++i) {
    known += (i > 0 ? ", " : "") + dataset.classes[i];
    if (lower_case(dataset.classes[i]) != lower_case(name)) continue;
    ambiguous = alike.has_value();
    alike = i;
  }
  if (alike && !ambiguous) return *alike;
  throw UsageError("there is no class '" + name + "'", parameter,
                   known.empty() ? "the images have no labels" : "the classes are " + known);
}

std::optional<std::size_t> positive_class(const Dataset& dataset, const std::optional<std::string>& asked) {
  if (asked) return class_index(dataset, *asked, "`positive`");
  return dataset.classes.size() == 2 ? std::optional<std::size_t>(1) : std::nullopt;
}

/// Gives the classes the indices that the network knows them by.
void put_in_order(Dataset& dataset, const std::vector<std::string>& names) {
  if (names.empty()) return;
  std::vector<std::string> ordered;
  std::vector<std::optional<std::size_t>> places(dataset.classes.size());
  for (const std::string& name : names) {
    std::optional<std::size_t>& place = places[class_index(dataset, name, "`classes`")];
    if (place) throw UsageError("class '" + name + "' is named twice", "`classes`", "name each once");
    place = ordered.size();
    ordered.push_back(dataset.classes[static_cast<std::size_t>(&place - places.data())]);
  }
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (!places[i]) {
      throw UsageError("class '" + dataset.classes[i] + "' is not named", "`classes`",
                       "name all of them, in the order of the network's outputs");
    }
  }
  dataset.classes = std::move(ordered);
  for (DatasetEntry& entry : dataset.entries) entry.label = places[entry.label.value()];
}

std::vector<std::size_t> images_by_class(const Dataset& dataset) {
  std::vector<std::size_t> counts(dataset.classes.size());
  for (const DatasetEntry& entry : dataset.entries) {
    if (entry.label) ++counts[*entry.label];
  }
  return counts;
}

/// As many of the indices, drawn without replacement.
std::vector<std::size_t> drawn(std::vector<std::size_t> indices, std::size_t samples, SplitMix64& random) {
  if (samples >= indices.size()) return indices;
  for (std::size_t i = 0; i < samples; ++i) std::swap(indices[i], indices[i + random.below(indices.size() - i)]);
  indices.resize(samples);
  return indices;
}

/// How many of each class: equal shares, and where a class has fewer, the others make up for it.
std::vector<std::size_t> balanced_shares(const std::vector<std::size_t>& sizes, std::size_t samples) {
  std::vector<std::size_t> shares(sizes.size());
  for (;;) {
    std::size_t open = 0;
    std::size_t taken = 0;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      open += shares[i] < sizes[i] ? 1U : 0U;
      taken += shares[i];
    }
    if (open == 0 || taken >= samples) return shares;
    // Even shares of what is left; of a rest smaller than the number of classes, one each to the first.
    const std::size_t each = std::max<std::size_t>((samples - taken) / open, 1);
    for (std::size_t i = 0; i < sizes.size() && taken < samples; ++i) {
      const std::size_t more = std::min({each, sizes[i] - shares[i], samples - taken});
      shares[i] += more;
      taken += more;
    }
  }
}

/// Takes images out of the set, drawn by the seed.
void set_aside(Dataset& dataset, const DatasetOptions& options) {
  if (options.calibration == 0) return;
  if (options.calibration >= dataset.entries.size()) {
    throw UsageError(std::to_string(options.calibration) + " of " + std::to_string(dataset.entries.size()) +
                         " images leave none to score",
                     "`calibration`", "give fewer, or a directory of other images");
  }
  std::vector<std::size_t> all(dataset.entries.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  // Another stream than that of `draw`, which would otherwise prefer the same images.
  SplitMix64 random(~options.seed);
  const std::vector<std::size_t> taken = drawn(std::move(all), options.calibration, random);
  const std::set<std::size_t> aside(taken.begin(), taken.end());
  std::vector<DatasetEntry> rest;
  for (std::size_t i = 0; i < dataset.entries.size(); ++i) {
    (aside.contains(i) ? dataset.calibration : rest).push_back(std::move(dataset.entries[i]));
  }
  dataset.entries = std::move(rest);
}

/// Draws by the seed and keeps the order.
void draw(Dataset& dataset, const DatasetOptions& options) {
  if (!options.samples && !options.balanced) return;
  std::vector<std::vector<std::size_t>> groups(options.balanced ? dataset.classes.size() : 1);
  if (groups.empty()) throw UsageError("the images have no labels", "`balanced`", "leave it out");
  for (std::size_t i = 0; i < dataset.entries.size(); ++i) {
    groups[options.balanced ? dataset.entries[i].label.value_or(0) : 0].push_back(i);
  }
  std::vector<std::size_t> sizes;
  sizes.reserve(groups.size());
  for (const auto& group : groups) sizes.push_back(group.size());
  // A class without an image cannot give any, and the others are balanced all the same.
  std::vector<std::size_t> given = sizes;
  std::erase(given, std::size_t{0});
  const std::size_t samples = options.samples.value_or(*std::ranges::min_element(given) * given.size());
  const std::vector<std::size_t> shares = balanced_shares(sizes, samples);

  SplitMix64 random(options.seed);
  std::vector<std::size_t> indices;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const std::vector<std::size_t> of_group = drawn(std::move(groups[i]), shares[i], random);
    indices.insert(indices.end(), of_group.begin(), of_group.end());
  }
  std::ranges::sort(indices);
  std::vector<DatasetEntry> entries;
  entries.reserve(indices.size());
  for (const std::size_t index : indices) entries.push_back(std::move(dataset.entries[index]));
  dataset.entries = std::move(entries);
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

constexpr const char* remedy = "give a directory of PNG, JPEG, BMP, TIFF or PGM images, or a CSV manifest path,label";

Dataset read_directory(const fs::path& root) {
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
  return dataset;
}

std::string text_of(const fs::path& manifest) {
  constexpr std::uintmax_t largest = std::uintmax_t{1} << 30U;
  if (fs::file_size(manifest) > largest) throw InputError("is larger than 1 GiB", manifest.string(), "split it");
  std::ifstream in(manifest, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in.is_open()) throw InputError("cannot be read", manifest.string(), "see its permissions");
  return std::move(text).str();
}

/// Why a listed file cannot be an image; empty if it can.
std::string defect_of(const fs::path& file) {
  std::error_code error;
  const fs::file_status status = fs::status(file, error);
  if (!fs::exists(status)) return "is not there";
  if (!fs::is_regular_file(status)) return "is not a regular file";
  return fs::file_size(file, error) == 0 ? "is empty" : "";
}

/// One name for each file, however a path to it is spelled.
std::string canonical_name(const fs::path& file) {
  std::error_code error;
  const fs::path canonical = fs::weakly_canonical(file, error);
  return (error ? file.lexically_normal() : canonical).string();
}

/// \throws InputError that names both lines if two of them name one file
void expect_each_once(const std::vector<ManifestRow>& rows, const fs::path& manifest) {
  std::unordered_map<std::string, const ManifestRow*> seen;
  for (const ManifestRow& row : rows) {
    const auto [before, is_new] = seen.emplace(canonical_name(manifest.parent_path() / row.path), &row);
    if (is_new) continue;
    const ManifestRow& first = *before->second;
    throw InputError("names '" + row.path + "' again, as line " + std::to_string(first.line) + " did" +
                         (first.path == row.path ? "" : " with '" + first.path + "'"),
                     manifest.string() + " line " + std::to_string(row.line), "list each image once");
  }
}

Dataset read_manifest(const fs::path& manifest) {
  std::vector<ManifestRow> rows = parse_manifest(text_of(manifest), manifest.string());
  expect_each_once(rows, manifest);
  // Sorted, so that the same images are the same set however they are listed.
  std::ranges::sort(rows, {}, &ManifestRow::path);
  Dataset dataset;
  dataset.root = manifest.parent_path();
  dataset.manifest = manifest;
  std::map<std::string, std::size_t> classes;
  for (const ManifestRow& row : rows) {
    if (row.label) classes.emplace(*row.label, 0);
  }
  for (auto& [name, index] : classes) {
    index = dataset.classes.size();
    dataset.classes.push_back(name);
  }
  for (ManifestRow& row : rows) {
    DatasetEntry entry{std::move(row.path), std::nullopt};
    if (row.label) entry.label = classes.at(*row.label);
    if (std::string defect = defect_of(dataset.file(entry)); !defect.empty()) {
      dataset.skipped.push_back({std::move(entry.path), std::move(defect)});
    } else {
      dataset.entries.push_back(std::move(entry));
    }
  }
  return dataset;
}

}  // namespace

DecisionRule decision_rule(const Dataset& dataset, double threshold) {
  return {threshold, dataset.classes.size(), dataset.positive};
}

Dataset read_dataset(const fs::path& images, const DatasetOptions& options) {
  std::error_code error;
  const fs::file_status status = fs::status(images, error);
  if (!fs::exists(status)) throw InputError("no such directory or manifest", images.string(), remedy);
  const bool is_manifest = fs::is_regular_file(status) && lower_case(images.extension().string()) == ".csv";
  if (!is_manifest && !fs::is_directory(status)) {
    throw InputError("is neither a directory nor a CSV manifest", images.string(), remedy);
  }
  Dataset dataset = is_manifest ? read_manifest(images) : read_directory(images);
  dataset.found = dataset.entries.size() + dataset.skipped.size();
  if (!dataset.entries.empty()) {
    put_in_order(dataset, options.classes);
    dataset.positive = positive_class(dataset, options.positive);
    const std::vector<std::size_t> before = images_by_class(dataset);
    set_aside(dataset, options);
    draw(dataset, options);
    const std::vector<std::size_t> drawn = images_by_class(dataset);
    for (std::size_t i = 0; i < drawn.size(); ++i) {
      if (before[i] > 0 && drawn[i] == 0) dataset.undrawn.push_back(i);
    }
  }
  hash_contents(dataset);
  std::sort(dataset.skipped.begin(), dataset.skipped.end(),
            [](const SkippedFile& a, const SkippedFile& b) { return a.path < b.path; });
  if (dataset.entries.empty()) {
    if (dataset.skipped.empty()) throw InputError("holds no image", images.string(), remedy);
    throw InputError("holds no image that can be read, the first: " + dataset.skipped.front().path + " (" +
                         dataset.skipped.front().reason + ")",
                     images.string(), remedy);
  }
  return dataset;
}

}  // namespace stagemark
