#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "stagemark/backend/decision.hpp"

namespace stagemark {

/// A file of this name in the root says that `stagemark sample` made the set.
inline constexpr const char* sample_marker = ".stagemark-sample";

/// One image of a data set.
struct DatasetEntry {
  std::string path;                  ///< relative to the root, with '/' between the parts; in a manifest also absolute
  std::optional<std::size_t> label;  ///< index into Dataset::classes; absent in an unlabelled set
};

/// A file that was left out, and why.
struct SkippedFile {
  std::string path;
  std::string reason;
};

/// The images to classify, sorted by path, so that the order never depends on the file system.
struct Dataset {
  std::filesystem::path root;
  std::filesystem::path manifest;       ///< that lists the images; empty where the directory does
  std::vector<std::string> classes;     ///< sorted, or in the order asked for; empty where unlabelled
  std::vector<std::size_t> undrawn;     ///< indices of classes that have images of which none was drawn
  std::optional<std::size_t> positive;  ///< index of the class that metrics call positive; absent where unlabelled
  std::vector<DatasetEntry> entries;
  std::vector<DatasetEntry> calibration;  ///< set aside: among no others
  std::vector<SkippedFile> skipped;
  std::size_t found = 0;   ///< files before any was drawn or skipped
  std::string sha256;      ///< over the contents of the entries in order
  bool synthetic = false;  ///< made by `stagemark sample`

  [[nodiscard]] std::filesystem::path file(const DatasetEntry& entry) const { return root / entry.path; }
};

/// How the classes of the set are decided for.
DecisionRule decision_rule(const Dataset& dataset, double threshold);

/// Which images of a set to take.
struct DatasetOptions {
  std::optional<std::size_t> samples;  ///< how many, drawn by `seed`; absent: all
  /// As many of each class, as far as the classes go: what a small class cannot give, the others do, and of a number
  /// that cannot be shared out evenly the first classes get one more. Without `samples`: of each as many as the smallest
  /// has.
  bool balanced = false;
  std::uint64_t seed = 0;
  std::size_t calibration = 0;          ///< how many to draw by `seed` first, and to set aside
  std::optional<std::string> positive;  ///< class name, any case; absent: class 1 of two
  /// Names of all classes, any case, in the order of the network's outputs; empty: sorted
  std::vector<std::string> classes = {};
};

/// Reads a set of images: a directory, or a CSV manifest `path,label` (RFC 4180; paths relative to the manifest, or
/// absolute; without the column `label` unlabelled; the labels, sorted, are the classes).
/// A directory is in ImageFolder layout (class = first directory below the root, deeper nesting allowed) or a flat
/// one (unlabelled). Takes PNG, JPEG, BMP, TIFF and PGM by extension, in any case; hidden files, what operating systems
/// and servers leave behind (`__MACOSX`, `@eaDir`, `Thumbs.db`), and symbolic-link loops are passed over. Files that are
/// empty or unreadable are in `skipped`.
/// A directory is a class, and the others keep their indices, even if it is empty or none of its files can be read: with
/// fewer classes than the network was trained on, those behind would get each other's outputs. Only one that holds nothing
/// but documents (text, tables, archives, models) is none, and is in `skipped`.
/// \throws InputError if it is missing, is neither, holds no image, or the manifest has a line that is not understood
/// \throws UsageError if the positive class is unknown, `classes` names another set of classes, a balanced draw is asked
///         of an unlabelled set, or calibration leaves none
Dataset read_dataset(const std::filesystem::path& images, const DatasetOptions& options);

}  // namespace stagemark
