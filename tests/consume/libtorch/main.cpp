#include <cstdio>
#include <stagemark/backend/registry.hpp>
#include <stagemark/backends/libtorch.hpp>

int main() {
  stagemark::BackendRegistry registry;
  stagemark::libtorch::add_to(registry);
  const auto approach = registry.resolve(stagemark::parse_approach("libtorch-fp32"), stagemark::Device{});
  std::printf("%s, LibTorch %s\n", approach.label().c_str(), registry.find("libtorch").version.c_str());
  return approach.label() == "libtorch-fp32@cpu" ? 0 : 1;
}
