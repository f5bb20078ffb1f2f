#pragma once

#include <exception>

#include "stagemark/backend/inference_wrapper.hpp"

namespace stagemark {

/// What the bases of asynchronous engines share: they wait for the device at the end of each stage that the pass
/// measures, so that no author can forget to. A launch timed without its wait is the classic false result of this field.
class DeviceStages : public InferenceWrapper {
 public:
  [[nodiscard]] bool asynchronous() const noexcept final { return true; }

 protected:
  /// Returns when the device has finished all that was launched.
  virtual void synchronize() = 0;

  /// Where a stage throws, what was launched before may still read what the stages before it made: waits for the device
  /// before that is destroyed, and before the leftover work could count for the next image.
  class WaitOnUnwinding {
   public:
    explicit WaitOnUnwinding(DeviceStages& backend) : backend_(backend) {}
    WaitOnUnwinding(const WaitOnUnwinding&) = delete;
    WaitOnUnwinding& operator=(const WaitOnUnwinding&) = delete;
    ~WaitOnUnwinding() {
      if (std::uncaught_exceptions() <= exceptions_) return;
      try {
        backend_.synchronize();
      } catch (...) {
        // The first exception says what went wrong.
      }
    }

   private:
    DeviceStages& backend_;
    int exceptions_ = std::uncaught_exceptions();
  };

  /// Runs the work, and waits for the device inside the stage if this pass measures it.
  template <class Work>
  auto staged(StageTimer& timer, Stage stage, Work&& work) -> std::invoke_result_t<Work> {
    if (!timer.measures(stage)) return work();
    return timer.time(stage, [&]() -> std::invoke_result_t<Work> {
      if constexpr (std::is_void_v<std::invoke_result_t<Work>>) {
        work();
        synchronize();
      } else {
        decltype(auto) result = work();
        synchronize();
        return result;
      }
    });
  }

  /// Times `inference` in the pass made for it: one wait before, one after.
  template <class Work>
  auto whole_network(StageTimer& timer, Work&& work) -> std::invoke_result_t<Work> {
    if (timer.mode() != TimingMode::whole_network) return work();
    synchronize();
    return staged(timer, Stage::inference, work);
  }

  /// `total` ends when the device has finished, whatever the download did.
  void finish(const StageTimer& timer) {
    if (timer.mode() != TimingMode::stages) synchronize();
  }
};

/// Base of engines that launch work on a device and return before it is done.
/// \tparam HostInput what preprocessing makes on the host
/// \tparam Input     the same on the device
/// \tparam Features  what the backbone makes on the device
/// \tparam Output    what the head makes on the device
template <class HostInput, class Input, class Features, class Output>
class DeviceBackend : public DeviceStages {
 public:
  void predict(std::span<const Image> images, std::span<Prediction> out, StageTimer& timer) final {
    decltype(auto) host_input = timer.time(Stage::preprocessing, [&]() -> HostInput { return preprocess(images); });
    const WaitOnUnwinding host_input_in_use(*this);
    decltype(auto) input = staged(timer, Stage::upload, [&]() -> Input { return upload(host_input); });
    const WaitOnUnwinding input_in_use(*this);
    decltype(auto) output = whole_network(timer, [&]() -> Output {
      decltype(auto) features =
          staged(timer, Stage::feature_extraction, [&]() -> Features { return extract_features(input); });
      const WaitOnUnwinding features_in_use(*this);
      return staged(timer, Stage::classification, [&]() -> Output { return classify(features); });
    });
    staged(timer, Stage::download, [&] { download(output, out); });
    finish(timer);
  }

 protected:
  virtual HostInput preprocess(std::span<const Image> images) = 0;
  virtual Input upload(const HostInput& input) = 0;
  virtual Features extract_features(const Input& input) = 0;
  virtual Output classify(const Features& features) = 0;
  virtual void download(const Output& output, std::span<Prediction> out) = 0;
};

/// As DeviceBackend, for networks that cannot be split.
template <class HostInput, class Input, class Output>
class WholeNetworkDeviceBackend : public DeviceStages {
 public:
  void predict(std::span<const Image> images, std::span<Prediction> out, StageTimer& timer) final {
    decltype(auto) host_input = timer.time(Stage::preprocessing, [&]() -> HostInput { return preprocess(images); });
    const WaitOnUnwinding host_input_in_use(*this);
    decltype(auto) input = staged(timer, Stage::upload, [&]() -> Input { return upload(host_input); });
    const WaitOnUnwinding input_in_use(*this);
    decltype(auto) output = whole_network(timer, [&]() -> Output { return infer(input); });
    // `inference` has a pass of its own; here the download must not wait for the network.
    if (timer.mode() == TimingMode::stages) synchronize();
    staged(timer, Stage::download, [&] { download(output, out); });
    finish(timer);
  }

 protected:
  virtual HostInput preprocess(std::span<const Image> images) = 0;
  virtual Input upload(const HostInput& input) = 0;
  virtual Output infer(const Input& input) = 0;
  virtual void download(const Output& output, std::span<Prediction> out) = 0;
};

}  // namespace stagemark
