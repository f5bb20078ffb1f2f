#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>

#include "stagemark/backend/approach.hpp"
#include "stagemark/backend/image.hpp"
#include "stagemark/backend/inference_wrapper.hpp"
#include "stagemark/backend/preprocessor.hpp"

namespace stagemark {

/// What is needed to open an approach, as plain data: another process can be told it.
struct ApproachRequest {
  Approach approach;
  std::optional<std::filesystem::path> model;
  /// What `model` was made from, where the tool exported it; an engine reports this in place of the file it opened.
  std::optional<ModelFacts> exported_from;
  /// Where the observed ranges of the network's tensors are (INT8 of a checkpoint), for engines that quantise.
  std::optional<std::filesystem::path> activation_ranges;
  std::size_t threads = 1;    ///< for the network; preprocessing uses one
  std::size_t max_batch = 1;  ///< largest batch that will be asked for
  PreprocessingOptions preprocessing;
  ImageSourceOptions image_source;
  /// What was taken for granted when `model` was exported, for the report; the engine is not told.
  std::string assumed = {};
};

}  // namespace stagemark
