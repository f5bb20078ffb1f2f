#include <iostream>
#include <stagemark/stagemark.hpp>

int main(int, char** argv) try {
  const stagemark::Report report = stagemark::run_baseline_benchmark(argv[1], argv[2], 8, argv[3]);
  std::cout << report.results[0].approach << ": " << report.results[0].samples << " images\n";
} catch (const stagemark::Error& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
