#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "stagemark/model/output_meaning.hpp"

namespace stagemark {

/// An input or output as a graph declares it.
struct OnnxDeclaration {
  std::string name;
  std::string type;                                ///< of its elements, as "float32"
  std::optional<std::vector<std::int64_t>> shape;  ///< -1 where a dimension is free; absent where none is declared
  std::vector<std::string> free_names;             ///< of each dimension; empty where it is fixed or has none
};

/// "float32 N x 3 x 224 x 224": N where the first dimension is free, ? where another one is.
std::string to_string(const OnnxDeclaration& value);

/// What an ONNX file says of itself.
struct OnnxDescription {
  std::filesystem::path file;
  /// Elements of its weights: not of scalars, scales, zero points and running statistics.
  std::uint64_t parameters = 0;
  std::int64_t opset = 0;
  std::string producer;
  std::string input, output;                  ///< their names
  std::optional<std::int64_t> height, width;  ///< absent where the graph leaves them free
  std::optional<std::int64_t> outputs;        ///< numbers per image
  OnnxDeclaration takes, gives;
  OutputMeaning meaning = OutputMeaning::unknown;
  std::string made_by;  ///< the last operation
  /// Whether it reshapes what comes from its input to one image, whatever its declared batch.
  bool reshapes_to_one_image = false;
  /// Whether most of the weights are 8-bit integers, or half precision.
  bool quantised = false;
  bool half_precision = false;
  /// Files that hold its weights, beside it or below; each once, sorted.
  std::vector<std::filesystem::path> external_files;

  [[nodiscard]] bool yields_probabilities() const noexcept { return meaning == OutputMeaning::probabilities; }
};

/// Reads names and shapes and skips the numbers, so that a large file takes no memory.
/// \throws ModelError if the file is no ONNX graph with one input and one output, or a file that holds its weights is
///         missing, too short, or lies outside of the graph's directory
OnnxDescription describe_onnx(const std::filesystem::path& file);

/// What an engine is about to give a graph.
struct OnnxImages {
  std::size_t channels = 3;
  std::size_t height = 224;
  std::size_t width = 224;
  std::size_t batch = 1;        ///< the most images at once
  bool half_precision = false;  ///< whether the engine can round its input to float16, and reads such outputs
};

/// \throws ModelError that says what the graph takes and gives if it does not take such images, or gives something else
///         than logits or probabilities for each
/// \param last the graph that gives the result: the same, or the second piece of a network in two
void check_images(const OnnxDescription& first, const OnnxDescription& last, const OnnxImages& images);

/// How many numbers a graph gave for each image. \param shape of its output
/// \throws ModelError if that is not a row for each image
std::size_t outputs_per_image(std::span<const std::int64_t> shape, std::size_t images);

/// SHA-256 of a model: of its file where it is in one, else over the hashes of all files, with those that hold weights.
std::string sha256_of_onnx(std::span<const OnnxDescription> graphs);

}  // namespace stagemark
