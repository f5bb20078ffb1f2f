#include <cstdio>
#include <stagemark/core/error.hpp>
#include <stagemark/model/checkpoint.hpp>
#include <stagemark/model/onnx_export.hpp>

/// consume CHECKPOINT FILE.onnx
int main(int, char** argv) try {
  stagemark::export_onnx(argv[2], stagemark::Checkpoint::open(argv[1]), {});
  const stagemark::OnnxDescription graph = stagemark::describe_onnx(argv[2]);
  std::printf("%s to %s, %llu parameters\n", graph.input.c_str(), graph.output.c_str(),
              static_cast<unsigned long long>(graph.parameters));
} catch (const stagemark::Error& error) {
  std::fputs(error.what(), stderr);
  return 1;
}
