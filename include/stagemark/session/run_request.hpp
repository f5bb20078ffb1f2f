#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "stagemark/backend/approach.hpp"
#include "stagemark/backend/image.hpp"
#include "stagemark/backend/preprocessor.hpp"
#include "stagemark/model/activation_ranges.hpp"
#include "stagemark/report/report.hpp"
#include "stagemark/suite/benchmark_suite.hpp"

namespace stagemark {

/// A file for an approach or an engine.
struct BoundFile {
  std::string name;  ///< of the approach or its engine; empty: of every approach that no other file is for
  std::filesystem::path file;
};

/// Where a run's report.json and report.html go.
struct ReportOutput {
  std::filesystem::path directory;
  bool by_time = false;    ///< into a new directory in it, named by the time, to which the link `latest` then points
  bool overwrite = false;  ///< a report that is there already
};

/// A limit on a number of images: a count, or a share of them from 0 to 1.
using CountOrShare = std::variant<std::size_t, double>;

/// What to measure and how: all that `stagemark run` can be told.
struct RunRequest {
  std::filesystem::path images = {};      ///< a directory whose sub-directories are the classes, or a manifest
  std::vector<Approach> approaches = {};  ///< the first is the baseline; empty: libtorch-fp32
  std::vector<BoundFile> models = {};
  std::optional<Device> device = {};         ///< of approaches that name none; absent: CUDA where it can be used
  std::optional<std::size_t> samples = {};   ///< how many images, drawn by the seed; absent: all
  bool balanced = false;                     ///< as many of each class
  std::optional<std::string> positive = {};  ///< class that metrics call positive; absent: the second of two
  std::vector<std::string> classes = {};     ///< all of them, in the order of the network's outputs; empty: sorted
  /// Images that say how INT8 approaches of a checkpoint round: a directory or manifest of their own, or how many of
  /// `images`, which are then left out of every approach's scores.
  std::optional<std::variant<std::filesystem::path, std::size_t>> quantisation_images = {};
  RangeMethod quantisation_method = RangeMethod::min_max;
  PreprocessingOptions preprocessing = {};
  ImageSourceOptions image_source = {};
  Isolation isolation = Isolation::process;   ///< `process` needs `run_worker_if_asked` first in `main`
  std::optional<std::size_t> processes = {};  ///< generations of workers; absent: 5, of a single approach 1
  std::vector<BoundFile> workers = {};        ///< other builds of the program to host an approach
  std::optional<std::size_t> threads = {};    ///< of the network; absent: the processors that may be used
  RunOptions options = {};                    ///< without `processes`, which stands above
  Continuation go_on = {};                    ///< when to measure more than planned; empty: never
  bool needs_labels = false;                  ///< refuse images without two classes before measuring
  std::optional<ReportOutput> output = {};    ///< absent: nothing is written
  std::vector<std::string> argv = {};         ///< the command line, for the report
};

}  // namespace stagemark
