#pragma once

#include <functional>
#include <memory>

#include "stagemark/backend/approach_request.hpp"
#include "stagemark/backend/registry.hpp"

namespace stagemark {

/// What a program opens approaches with: its engines, and how files become images and images become input tensors. With
/// the component `images`: `Toolkit{registry, make_image_source, make_preprocessor}`.
struct Toolkit {
  BackendRegistry registry;
  std::function<std::shared_ptr<const ImageSource>(const ImageSourceOptions&)> image_source;
  /// Empty: the engines prepare images themselves.
  std::function<std::shared_ptr<const Preprocessor>(const PreprocessingOptions&)> preprocessor;
};

/// An approach that is ready to classify.
struct OpenedApproach {
  Approach approach;  ///< fully resolved
  std::unique_ptr<InferenceWrapper> wrapper;
  std::shared_ptr<const ImageSource> images;
};

/// Opens an approach in this process. One that names no device runs on CUDA where its engine can use it here.
/// \throws UsageError, BackendError, ModelError as BackendRegistry's `resolve` and `open`
OpenedApproach open_approach(const Toolkit& toolkit, const ApproachRequest& request);

}  // namespace stagemark
