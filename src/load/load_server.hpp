#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "load/first_inferences.hpp"
#include "load/load_messages.hpp"
#include "stagemark/backend/inference_wrapper.hpp"
#include "stagemark/backend/read_out.hpp"
#include "stagemark/load/live_load.hpp"
#include "suite/turn_messages.hpp"

namespace stagemark {

/// Serves loads with the opened instances of one approach, on images that are decoded before each begins, and keeps what
/// they decide.
class LoadServer {
 public:
  /// \param instances as many as `setup.serving` says
  LoadServer(const worker_protocol::LoadSetup& setup, Approach approach, const ImageSource& images,
             std::vector<std::unique_ptr<InferenceWrapper>> instances);

  /// A few unrecorded calls of every instance, with the smallest and the largest batch.
  /// \param alive told before each call and each image
  void warm_up(const std::function<void()>& alive);

  /// \throws InputError if no image can be decoded
  LiveLoadResult serve(const LoadOrder& order, const std::function<void()>& alive, LiveLoadObserver& observer);

  /// What is known of the approach, with the inferences since the last call: of each image the first, the others compared
  /// with it.
  worker_protocol::Measured take();

 private:
  /// What one instance works with; nobody else's thread touches it meanwhile.
  struct Lane {
    std::unique_ptr<InferenceWrapper> wrapper;
    StageTimer timer{TimingMode::total_only};
    std::vector<Prediction> out;
  };

  /// Decodes images until there are so many, or the memory is full.
  void load_images(std::size_t first, std::size_t wanted, const std::function<void()>& alive);
  void classify(Lane& lane, std::size_t first, std::span<QueryOutcome> outcomes);

  const worker_protocol::LoadSetup& setup_;
  const ImageSource& source_;
  std::vector<Lane> lanes_;
  /// So many different ones, and then the first of them again, so that every batch is of images side by side.
  std::vector<Image> images_;
  std::vector<std::size_t> indices_;  ///< of the different ones
  std::size_t loaded_from_ = 0;
  DecodingNotes notes_;
  Approach approach_;
  ExecutionFacts facts_;

  std::mutex mutex_;  ///< guards what the instances found
  FirstInferences first_;
  std::vector<FailedImage> failures_;
  std::size_t told_ = 0;  ///< of the inferences, in earlier calls of `take`
  Repeats repeats_;
  std::size_t outputs_ = 0;
  LogitRows logits_;
};

}  // namespace stagemark
