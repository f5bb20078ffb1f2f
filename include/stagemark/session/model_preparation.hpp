#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "stagemark/backend/approach_request.hpp"
#include "stagemark/backend/registry.hpp"
#include "stagemark/model/activation_ranges.hpp"

namespace stagemark {

/// The images of a directory or manifest, for quantisation. \throws InputError
std::vector<std::filesystem::path> images_in(const std::filesystem::path& place);

/// What of a checkpoint no image meets, in a sentence each: tensors that inference has no use for, and networks that are
/// not the one that is taken. Empty for other formats. \throws ModelError if the file holds no network that we can build
std::vector<std::string> left_out_of(const std::filesystem::path& model);

/// Turns the files that users give into those that engines open. What is made lies in the cache, named after what it
/// was made of, so that the next run finds it.
class ModelPreparation {
 public:
  ModelPreparation(PreprocessingOptions preprocessing, ImageSourceOptions image_source, std::size_t threads)
      : preprocessing_(preprocessing), image_source_(image_source), threads_(threads) {}

  /// Whether the engine needs quantisation images to run the file in that precision.
  /// \throws ModelError if the file cannot be read
  static bool needs_quantisation_images(const Backend& backend, Precision precision,
                                        const std::filesystem::path& model);

  void quantise_with(std::vector<std::filesystem::path> images, RangeMethod method) {
    quantisation_images_ = std::move(images);
    method_ = method;
  }

  /// What opens the approach with that model: the file that its engine reads, and what that was made from.
  /// \throws ModelError, BackendError, OutputError; UsageError if it needs quantisation images and has none
  [[nodiscard]] ApproachRequest prepare(const Backend& backend, const Approach& approach,
                                        const std::optional<std::filesystem::path>& model) const;

  /// What the tensors of a checkpoint's network take on the quantisation images: a file in the cache.
  /// \throws as `prepare`
  [[nodiscard]] std::filesystem::path observe_ranges(const std::filesystem::path& checkpoint) const;

 private:
  void export_checkpoint(const Backend& backend, ApproachRequest& request) const;

  PreprocessingOptions preprocessing_;
  ImageSourceOptions image_source_;
  std::size_t threads_;
  std::vector<std::filesystem::path> quantisation_images_;
  RangeMethod method_ = RangeMethod::min_max;
};

}  // namespace stagemark
