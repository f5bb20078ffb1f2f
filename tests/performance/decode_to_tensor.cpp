// Decodes and preprocesses the image files of its command line, once for every line on standard input, and answers with
// the nanoseconds that it took. A line that is not empty names a file to write the tensors to. decode_to_tensor.py drives
// it.
#include <chrono>
#include <exception>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include "stagemark/images/images.hpp"

int main(int argc, char** argv) try {
  const std::vector<std::string> files(argv + 1, argv + argc);
  const auto source = stagemark::make_image_source();
  const auto preprocessor = stagemark::make_preprocessor();
  std::vector<float> tensor(preprocessor->shape().elements());
  for (std::string output; std::getline(std::cin, output);) {
    std::ofstream tensors;
    if (!output.empty()) tensors.open(output, std::ios::binary);
    const auto start = std::chrono::steady_clock::now();
    for (const std::string& file : files) {
      preprocessor->run(source->load(file), tensor);
      if (!output.empty()) {
        tensors.write(reinterpret_cast<const char*>(tensor.data()),
                      static_cast<std::streamsize>(tensor.size() * sizeof(float)));
      }
    }
    const std::chrono::nanoseconds time = std::chrono::steady_clock::now() - start;
    if (!tensors.flush()) throw std::runtime_error(output + " cannot be written");
    std::cout << time.count() << std::endl;
  }
} catch (const std::exception& error) {
  std::cerr << "decode_to_tensor: " << error.what() << '\n';
  return 1;
}
