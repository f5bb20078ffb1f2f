#include <cstdio>
#include <stagemark/backend/registry.hpp>
#include <stagemark/backends/onnxruntime.hpp>

int main() {
  stagemark::BackendRegistry registry;
  stagemark::onnxruntime::add_to(registry);
  const auto approach = registry.resolve(stagemark::parse_approach("onnxruntime-int8"), stagemark::Device{});
  std::printf("%s, ONNX Runtime %s\n", approach.label().c_str(), registry.find("onnxruntime").version.c_str());
  return approach.label() == "onnxruntime-int8@cpu" ? 0 : 1;
}
