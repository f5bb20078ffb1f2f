#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "../../src/model/onnx_writer.hpp"

namespace stagemark {

inline std::string bytes_of(const std::vector<float>& numbers) {
  std::string bytes(numbers.size() * sizeof(float), '\0');
  std::memcpy(bytes.data(), numbers.data(), bytes.size());
  return bytes;
}

/// An ONNX graph that multiplies the mean of the image by 3 * (1 / 2, 1, 3 / 2, ...): one number for each class.
struct MeanClassifier {
  std::string input = "pixels";
  std::string output = "scores";
  std::optional<std::uint64_t> batch;
  std::uint64_t classes = 1;
  std::uint64_t channels = 3;
  OnnxElementType element = OnnxElementType::float32;  ///< of the input
  /// What comes after the logits, one operation after the other.
  std::vector<std::string> last_operations = {"Identity"};
  /// The file that holds the weights, beside the graph; absent where they are in the graph.
  std::optional<std::string> weights_file;

  [[nodiscard]] std::string weights() const {
    std::vector<float> numbers;
    for (std::uint64_t i = 0; i < channels * classes; ++i) {
      numbers.push_back(0.5F * static_cast<float>(i / channels + 1));
    }
    return bytes_of(numbers);
  }

  [[nodiscard]] std::string file() const {
    using enum OnnxElementType;
    OnnxWriter writer;
    writer.input(input, element, {batch, channels, std::nullopt, std::nullopt})
        .output(output, float32, {batch, classes});
    if (weights_file) {
      writer.external("weights", float32, {classes, channels, 1, 1}, {{"location", *weights_file}});
    } else {
      writer.constant("weights", float32, {classes, channels, 1, 1}, weights());
    }
    writer.node("Conv", {input, "weights"}, "map", {1, 1}).node("GlobalAveragePool", {"map"}, "mean");
    writer.node("Flatten", {"mean"}, "logits");
    std::string last = "logits";
    for (std::size_t i = 0; i < last_operations.size(); ++i) {
      const std::string made = i + 1 == last_operations.size() ? output : "made_" + std::to_string(i);
      writer.node(last_operations[i], {last}, made);
      last = made;
    }
    return writer.file();
  }
};

}  // namespace stagemark
