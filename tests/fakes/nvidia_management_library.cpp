// Stands for NVIDIA's management library: two GPUs, of which the second cannot be reached and the first does not tell
// its compute capability, nor the clocks that an administrator set. It is throttled for its power and its heat, and three
// processes use it, one of which is whoever asks.
#include <unistd.h>

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
  memory[1] = 149'000'000'000ULL;
  memory[2] = 1'000'000'000ULL;
  return 0;
}
int nvmlDeviceGetCudaComputeCapability(void* /*device*/, int* /*major*/, int* /*minor*/) { return 3; }
int nvmlDeviceGetClockInfo(void* /*device*/, int kind, unsigned* megahertz) {
  *megahertz = kind == 1 ? 345 : 2619;
  return kind == 1 || kind == 2 ? 0 : 2;
}
int nvmlDeviceGetMaxClockInfo(void* /*device*/, int kind, unsigned* megahertz) {
  *megahertz = kind == 1 ? 1980 : 3201;
  return kind == 1 || kind == 2 ? 0 : 2;
}
int nvmlDeviceGetApplicationsClock(void* /*device*/, int /*kind*/, unsigned* /*megahertz*/) { return 3; }
int nvmlDeviceGetCurrentClocksThrottleReasons(void* /*device*/, unsigned long long* reasons) {
  *reasons = 0x4 | 0x40;
  return 0;
}
int nvmlDeviceGetPersistenceMode(void* /*device*/, int* mode) {
  *mode = 0;
  return 0;
}
int nvmlDeviceGetEccMode(void* /*device*/, int* current, int* pending) {
  *current = 1;
  *pending = 0;
  return 0;
}
int nvmlDeviceGetMigMode(void* /*device*/, unsigned* current, unsigned* pending) {
  *current = 0;
  *pending = 1;
  return 0;
}
struct FakeProcess {
  unsigned pid;
  unsigned long long used_memory;
  unsigned gpu_instance, compute_instance;
};
int nvmlDeviceGetComputeRunningProcesses_v3(void* /*device*/, unsigned* count, FakeProcess* processes) {
  if (*count < 3) return 7;
  *count = 3;
  const unsigned here = static_cast<unsigned>(getpid());
  processes[0] = {here + 1, 1, 0, 0};
  processes[1] = {here, 2, 0, 0};
  processes[2] = {here + 2, 3, 0, 0};
  return 0;
}
}
