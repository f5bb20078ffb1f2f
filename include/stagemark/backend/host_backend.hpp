#pragma once

#include "stagemark/backend/inference_wrapper.hpp"

namespace stagemark {

/// Base of engines whose calls return when the work is done. An author fills three typed stages; the base times them.
/// \tparam Input    what preprocessing makes, e.g. a tensor
/// \tparam Features what the backbone makes
template <class Input, class Features>
class HostBackend : public InferenceWrapper {
 public:
  void predict(std::span<const Image> images, std::span<Prediction> out, StageTimer& timer) final {
    decltype(auto) input = timer.time(Stage::preprocessing, [&]() -> Input { return preprocess(images); });
    timer.time(Stage::inference, [&] {
      decltype(auto) features =
          timer.time(Stage::feature_extraction, [&]() -> Features { return extract_features(input); });
      timer.time(Stage::classification, [&] { classify(features, out); });
    });
  }

  [[nodiscard]] bool asynchronous() const noexcept final { return false; }

 protected:
  virtual Input preprocess(std::span<const Image> images) = 0;
  virtual Features extract_features(const Input& input) = 0;
  virtual void classify(const Features& features, std::span<Prediction> out) = 0;
};

/// Base of engines that cannot be split: preprocessing and the whole network.
template <class Input>
class WholeNetworkBackend : public InferenceWrapper {
 public:
  void predict(std::span<const Image> images, std::span<Prediction> out, StageTimer& timer) final {
    decltype(auto) input = timer.time(Stage::preprocessing, [&]() -> Input { return preprocess(images); });
    timer.time(Stage::inference, [&] { infer(input, out); });
  }

  [[nodiscard]] bool asynchronous() const noexcept final { return false; }

 protected:
  virtual Input preprocess(std::span<const Image> images) = 0;
  virtual void infer(const Input& input, std::span<Prediction> out) = 0;
};

}  // namespace stagemark
