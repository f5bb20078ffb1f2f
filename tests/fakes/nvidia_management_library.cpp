// Stands for NVIDIA's management library: two GPUs, of which the second cannot be reached and the first does not tell
// its compute capability.
#include <cstring>

extern "C" {
int nvmlInit_v2() { return 0; }
int nvmlShutdown() { return 0; }
int nvmlSystemGetDriverVersion(char* text, unsigned size) {
  std::strncpy(text, "560.35.03", size);
  return 0;
}
int nvmlDeviceGetCount_v2(unsigned* count) {
  *count = 2;
  return 0;
}
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void** device) {
  static int gpu = 0;
  *device = &gpu;
  return index == 0 ? 0 : 15;
}
int nvmlDeviceGetName(void* /*device*/, char* text, unsigned size) {
  std::strncpy(text, "NVIDIA H200", size);
  return 0;
}
int nvmlDeviceGetMemoryInfo(void* /*device*/, unsigned long long* memory) {
  memory[0] = 150'000'000'000ULL;
  memory[1] = memory[2] = 0;
  return 0;
}
int nvmlDeviceGetCudaComputeCapability(void* /*device*/, int* /*major*/, int* /*minor*/) { return 3; }
}
