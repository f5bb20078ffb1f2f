#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "backends/made_inputs.hpp"
#include "fakes/temporary_directory.hpp"
#include "fakes/tiny_resnet.hpp"
#include "stagemark/backends/libtorch.hpp"
#include "stagemark/core/error.hpp"

namespace stagemark {
namespace {

class FromMinusOneToOne final : public Preprocessor {
 public:
  explicit FromMinusOneToOne(std::size_t height = input_side) : height_(height) {}
  [[nodiscard]] InputShape shape() const noexcept override { return {3, height_, height_}; }
  void run(const Image& image, std::span<float> out) const override {
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<float>(image.pixels[i]) / 127.5F - 1.0F;
  }

 private:
  std::size_t height_;
};

class ObservedActivations : public testing::Test {
 protected:
  ObservedActivations() { write_lightning_checkpoint(checkpoint_, network_.tensors(), {}); }

  [[nodiscard]] ActivationRanges observe(std::span<const Image> images) const {
    return libtorch::observe_activations(checkpoint_, images, FromMinusOneToOne(), 1);
  }

  TemporaryDirectory directory_;
  TinyResnet network_;
  std::filesystem::path checkpoint_ = directory_ / "tiny.ckpt";
};

TEST_F(ObservedActivations, AreThoseOfEveryTensorOfTheFoldedNetwork) {
  const std::vector<Image> images = {noise(1), noise(2), noise(3)};
  const ActivationRanges ranges = observe(images);
  // Input, pool, the head's one layer, the stem, eight blocks of two convolutions and a sum, three of them downsampled.
  EXPECT_EQ(ranges.size(), 3U + 1U + 8U * 3U + 3U);
  EXPECT_FLOAT_EQ(ranges.at("input").low, -1.0F);
  EXPECT_FLOAT_EQ(ranges.at("input").high, 1.0F);
  for (const auto& [name, range] : ranges) {
    EXPECT_LE(range.low, 0.0F) << name;
    EXPECT_GE(range.high, 0.0F) << name;
    EXPECT_LT(range.low, range.high) << name;
  }
  for (const char* name : {"conv1.weight", "layer1.0.conv1.weight", "layer4.1.conv2.weight.sum", "pool"}) {
    EXPECT_EQ(ranges.at(name).low, 0.0F) << name << " comes after a ReLU";
  }
  for (const char* name : {"layer1.0.conv2.weight", "layer2.0.downsample.0.weight"}) {
    EXPECT_LT(ranges.at(name).low, 0.0F) << name << " comes before a sum";
  }
  for (const Image& image : images) {
    std::vector<float> input(3 * input_side * input_side);
    FromMinusOneToOne().run(image, input);
    const auto logit = static_cast<float>(network_.logits(input, input_side).front());
    EXPECT_GE(logit, ranges.at("fc.weight").low - 1e-4F);
    EXPECT_LE(logit, ranges.at("fc.weight").high + 1e-4F);
  }
}

TEST_F(ObservedActivations, OfMoreImagesAreAtLeastAsWide) {
  const std::vector<Image> images = {noise(1), noise(2), noise(3)};
  const ActivationRanges of_one = observe(std::span(images).first(1));
  for (const auto& [name, range] : observe(images)) {
    EXPECT_LE(range.low, of_one.at(name).low) << name;
    EXPECT_GE(range.high, of_one.at(name).high) << name;
  }
}

TEST_F(ObservedActivations, WithoutOutliersAreNarrowerWhereATensorHasTenThousandValues) {
  const Image one = noise(1, 96);
  const auto observed = [&](RangeMethod method) {
    return libtorch::observe_activations(checkpoint_, {&one, 1}, FromMinusOneToOne(96), 1, method);
  };
  const ActivationRanges all = observed(RangeMethod::min_max);
  const ActivationRanges most = observed(RangeMethod::percentile);
  for (const auto& [name, range] : most) {
    EXPECT_GE(range.low, all.at(name).low) << name;
    EXPECT_LE(range.high, all.at(name).high) << name;
  }
  // The stem yields 8 x 48 x 48 values, the first block's convolutions a quarter as many.
  EXPECT_LT(most.at("conv1.weight").high, all.at("conv1.weight").high);
  EXPECT_EQ(most.at("layer1.0.conv1.weight").high, all.at("layer1.0.conv1.weight").high);
}

TEST_F(ObservedActivations, NeedACheckpoint) {
  const Image one = noise(1);
  EXPECT_THROW(
      (void)libtorch::observe_activations(directory_.write("text", "no model"), {&one, 1}, FromMinusOneToOne(), 1),
      ModelError);
}

}  // namespace
}  // namespace stagemark
