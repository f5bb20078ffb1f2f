// What the engine `opencv` does in its own way; what every engine owes is in the contract.
#include "stagemark/backends/opencv_dnn.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "fakes/expect_says.hpp"
#include "fakes/temporary_directory.hpp"
#include "fakes/tiny_resnet.hpp"
#include "stagemark/backend/registry.hpp"
#include "stagemark/core/error.hpp"
#include "stagemark/model/checkpoint.hpp"
#include "stagemark/model/onnx_export.hpp"

namespace stagemark::opencv_dnn {
namespace {

constexpr std::size_t side = 48;

/// An image of one grey, as it is.
class Plain final : public Preprocessor {
 public:
  explicit Plain(std::size_t size = side) : size_(size) {}
  [[nodiscard]] InputShape shape() const noexcept override { return {3, size_, size_}; }
  void run(const Image& image, std::span<float> out) const override {
    std::fill(out.begin(), out.end(), static_cast<float>(image.pixels.at(0)) / 255);
  }

 private:
  std::size_t size_;
};

Image grey(std::uint8_t value) { return {1, 1, 1, {value}}; }

class OpencvDnn : public testing::Test {
 protected:
  OpencvDnn() { add_to(registry_); }

  [[nodiscard]] std::filesystem::path exported(const std::string& name, OnnxPrecision precision,
                                               OnnxQuantisation quantisation = OnnxQuantisation::operators) const {
    const std::filesystem::path checkpoint = directory_ / (name + ".ckpt");
    write_lightning_checkpoint(checkpoint, network_.tensors(), {});
    OnnxExportOptions options;
    options.precision = precision;
    options.height = side;
    options.width = side;
    options.quantisation = quantisation;
    for (const int value : {0, 100, 255}) {
      const std::vector<float> input(3 * side * side, static_cast<float>(value) / 255);
      (void)network_.logits(input, side, options.ranges);
    }
    export_onnx(directory_ / name, Checkpoint::open(checkpoint), options);
    return directory_ / name;
  }

  [[nodiscard]] std::unique_ptr<InferenceWrapper> open(const std::string& approach, const std::filesystem::path& model,
                                                       std::size_t size = side) const {
    BackendRequest request;
    request.approach = registry_.resolve(parse_approach(approach), std::nullopt);
    request.model = model;
    request.preprocessor = std::make_shared<Plain>(size);
    request.threads = 1;
    request.max_batch = 4;
    return registry_.open(request);
  }

  template <class Thrown>
  [[nodiscard]] std::string refusal(const std::string& approach, const std::filesystem::path& model,
                                    std::size_t size = side) const {
    try {
      (void)open(approach, model, size);
    } catch (const Thrown& error) {
      return error.what();
    }
    return "nothing of that type thrown";
  }

  static std::vector<Prediction> predict(InferenceWrapper& wrapper, const std::vector<Image>& batch) {
    std::vector<Prediction> predictions(batch.size());
    StageTimer timer;
    wrapper.predict(batch, predictions, timer);
    return predictions;
  }

  static std::string detail(const InferenceWrapper& wrapper, const std::string& name) {
    for (const auto& [key, value] : wrapper.execution_facts().details) {
      if (key == name) return value;
    }
    return "no such detail";
  }

  TemporaryDirectory directory_;
  TinyResnet network_;
  BackendRegistry registry_;
};

TEST_F(OpencvDnn, HasNoHalfPrecisionAndNoDeviceButTheCpu) {
  for (const char* approach : {"opencv-fp16", "opencv-bf16"}) {
    EXPECT_THROW((void)registry_.resolve(parse_approach(approach), std::nullopt), UsageError) << approach;
  }
  EXPECT_THROW((void)registry_.resolve(parse_approach("opencv-fp32@cuda"), std::nullopt), BackendError);
  const Approach on_cuda{{}, "opencv", Precision::fp32, Device{Device::Kind::cuda, 0}, {}};
  EXPECT_TRUE(registry_.find("opencv").unavailable(on_cuda));
  EXPECT_EQ(registry_.available_approaches(), (std::vector<std::string>{"opencv-fp32@cpu", "opencv-int8@cpu"}));
}

TEST_F(OpencvDnn, ComputesInTheIntegersThatTheGraphIsOf) {
  const auto wrapper = open("opencv-int8", exported("int8.onnx", OnnxPrecision::int8));
  EXPECT_EQ(wrapper->execution_facts().precision, Precision::int8);
  EXPECT_EQ(detail(*wrapper, "int8_layers"), "20 of 21");  // all but the one that yields the logits
  EXPECT_EQ(detail(*open("opencv-fp32", exported("fp32.onnx", OnnxPrecision::fp32)), "int8_layers"), "0 of 21");
}

TEST_F(OpencvDnn, RefusesAGraphOfAnotherPrecisionThanTheApproach) {
  const auto fp32 = exported("fp32.onnx", OnnxPrecision::fp32);
  EXPECT_SAYS(refusal<BackendError>("opencv-int8", fp32), "its convolutions are fp32, not int8");
  EXPECT_SAYS(refusal<BackendError>("opencv-int8", fp32), "fp32.onnx");
  const auto int8 = exported("int8.onnx", OnnxPrecision::int8);
  EXPECT_SAYS(refusal<BackendError>("opencv-fp32", int8), "its convolutions are int8, not fp32");
  EXPECT_SAYS(refusal<BackendError>("opencv-fp32", int8), "use opencv-int8");
}

TEST_F(OpencvDnn, RunsNoFloatingPointGraphThatOnlySaysWhatToQuantise) {
  EXPECT_EQ(registry_.find("opencv").int8_graph, Int8Graph::integer_operators);
  const auto fused = exported("qdq.onnx", OnnxPrecision::int8, OnnxQuantisation::qdq);
  EXPECT_SAYS(refusal<Error>("opencv-int8", fused), "qdq.onnx");
}

TEST_F(OpencvDnn, NamesAFileThatItCannotUse) {
  EXPECT_SAYS(refusal<ModelError>("opencv-fp32", directory_ / "missing.onnx"), "missing.onnx");
  EXPECT_SAYS(refusal<ModelError>("opencv-fp32", directory_.path()), directory_.str());
  EXPECT_SAYS(refusal<ModelError>("opencv-fp32", directory_.write("text.onnx", "no graph\n")), "text.onnx");
  EXPECT_SAYS(refusal<ModelError>("opencv-fp32", directory_.write("empty.onnx", "")), "empty.onnx");
  const std::string whole = TemporaryDirectory::read(exported("whole.onnx", OnnxPrecision::fp32));
  EXPECT_SAYS(refusal<ModelError>("opencv-fp32", directory_.write("cut.onnx", whole.substr(0, whole.size() / 2))),
              "cut.onnx");
}

TEST_F(OpencvDnn, TakesBatchesOfAnySizeInAnyOrder) {
  const auto wrapper = open("opencv-fp32", exported("fp32.onnx", OnnxPrecision::fp32));
  const std::vector<Image> images = {grey(0), grey(80), grey(160), grey(255)};
  std::vector<double> alone;
  for (const Image& image : images) alone.push_back(*predict(*wrapper, {image}).front().logit);
  for (const std::size_t size : {4U, 1U, 3U, 4U, 2U}) {
    const std::vector<Image> batch(images.end() - static_cast<std::ptrdiff_t>(size), images.end());
    const std::vector<Prediction> together = predict(*wrapper, batch);
    EXPECT_EQ(wrapper->scores().size(), size);
    for (std::size_t i = 0; i < size; ++i) {
      EXPECT_NEAR(*together[i].logit, alone[images.size() - size + i], 1e-5) << i << " of " << size;
    }
  }
}

}  // namespace
}  // namespace stagemark::opencv_dnn
