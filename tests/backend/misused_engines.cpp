// Classes that are no engines, one for each number of MISUSE: each is refused in words. Without MISUSE an engine.
#include <span>
#include <string>

#include "stagemark/backend/timed.hpp"

using namespace stagemark;

#ifndef MISUSE
#define MISUSE 0
#endif

struct Engine {
#if MISUSE != 8
  static ExecutionFacts execution_facts() { return {}; }
#endif
#if MISUSE != 1
  static int preprocess(std::span<const Image>) { return 0; }
#endif
#if MISUSE == 2
  static int upload(const std::string&) { return 0; }
#elif MISUSE == 3 || MISUSE == 7
  static int upload(const int&) { return 0; }
#endif
#if MISUSE == 5
  static int extract_features(const int&) { return 0; }
  static void classify(const std::string&, std::span<Prediction>) {}
#elif MISUSE == 6
  static void infer(const std::string&, std::span<Prediction>) {}
#elif MISUSE == 7
  static constexpr bool asynchronous = false;
  static int infer(const int&) { return 0; }
  static void download(const std::string&, std::span<Prediction>) {}
#elif MISUSE != 4
  static void infer(const int&, std::span<Prediction>) {}
#endif
#if MISUSE == 9
  static int scores() { return 0; }
#endif
};

int main() {
  const Timed<Engine> timed;
  return timed.asynchronous() ? 1 : 0;
}
