#include "cuda_driver.hpp"

#include <dlfcn.h>

#include <string>

#include "stagemark/core/error.hpp"

namespace stagemark::onnxruntime {
namespace {

// As cuda.h has them.
using DevicePointer = unsigned long long;
using DeviceHandle = int;
using Context = void*;

DevicePointer device_pointer(const void* pointer) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): what the driver calls an address
  return reinterpret_cast<DevicePointer>(pointer);
}

}  // namespace

void CudaDriver::Close::operator()(void* library) const { dlclose(library); }

template <class Call, class... Arguments>
void CudaDriver::call(const char* name, Arguments... arguments) const {
  if (!library_) throw BackendError("there is no CUDA driver");
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): how POSIX hands out functions
  auto* const function = reinterpret_cast<Call*>(dlsym(library_.get(), name));
  if (function == nullptr) throw BackendError("the CUDA driver has no " + std::string(name));
  if (const int code = function(arguments...); code != 0)
    throw BackendError("the CUDA driver's " + std::string(name) + " failed with error " + std::to_string(code));
}

CudaDriver::CudaDriver() : library_(dlopen("libcuda.so.1", RTLD_LAZY | RTLD_LOCAL)) {}

std::size_t CudaDriver::device_count() const try {
  int count = 0;
  call<int(unsigned)>("cuInit", 0U);
  call<int(int*)>("cuDeviceGetCount", &count);
  return count > 0 ? static_cast<std::size_t>(count) : 0;
} catch (const BackendError&) {
  return 0;
}

void CudaDriver::enter(std::size_t device) const {
  DeviceHandle handle = 0;
  Context context = nullptr;
  call<int(DeviceHandle*, int)>("cuDeviceGet", &handle, static_cast<int>(device));
  // ONNX Runtime holds the context as long as there is a session; a reference of our own would never be given back.
  call<int(Context*, DeviceHandle)>("cuDevicePrimaryCtxRetain", &context, handle);
  call<int(Context)>("cuCtxSetCurrent", context);
  call<int(DeviceHandle)>("cuDevicePrimaryCtxRelease_v2", handle);
}

void CudaDriver::to_device(std::size_t device, void* target, const void* source, std::size_t bytes) const {
  enter(device);
  call<int(DevicePointer, const void*, std::size_t)>("cuMemcpyHtoD_v2", device_pointer(target), source, bytes);
  // From memory that is not pinned the call may return before the last bytes are there, and ONNX Runtime's stream does
  // not wait for the one that carries them.
  call<int()>("cuCtxSynchronize");
}

void CudaDriver::to_host(std::size_t device, void* target, const void* source, std::size_t bytes) const {
  enter(device);
  call<int(void*, DevicePointer, std::size_t)>("cuMemcpyDtoH_v2", target, device_pointer(source), bytes);
}

void CudaDriver::synchronize(std::size_t device) const {
  enter(device);
  call<int()>("cuCtxSynchronize");
}

}  // namespace stagemark::onnxruntime
