#pragma once

#include <cstddef>
#include <memory>

namespace stagemark::onnxruntime {

/// The few calls of the CUDA driver that moving tensors takes, loaded at run time: the library comes with the driver, and
/// building needs no CUDA. Works in the device's primary context, which is the one that ONNX Runtime uses.
class CudaDriver {
 public:
  CudaDriver();

  /// 0 where there is no driver.
  [[nodiscard]] std::size_t device_count() const;

  /// Both return when the bytes are there. \throws BackendError
  void to_device(std::size_t device, void* target, const void* source, std::size_t bytes) const;
  void to_host(std::size_t device, void* target, const void* source, std::size_t bytes) const;

  /// Returns when the device has finished all that was launched. \throws BackendError
  void synchronize(std::size_t device) const;

 private:
  struct Close {
    void operator()(void* library) const;
  };

  void enter(std::size_t device) const;

  template <class Call, class... Arguments>
  void call(const char* name, Arguments... arguments) const;

  std::unique_ptr<void, Close> library_;
};

}  // namespace stagemark::onnxruntime
