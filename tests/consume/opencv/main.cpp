#include <cstdio>
#include <stagemark/backend/registry.hpp>
#include <stagemark/backends/opencv_dnn.hpp>

int main() {
  stagemark::BackendRegistry registry;
  stagemark::opencv_dnn::add_to(registry);
  const auto approach = registry.resolve(stagemark::parse_approach("opencv-int8"), stagemark::Device{});
  std::printf("%s, OpenCV %s\n", approach.label().c_str(), registry.find("opencv").version.c_str());
  return approach.label() == "opencv-int8@cpu" ? 0 : 1;
}
