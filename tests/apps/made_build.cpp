// Stands for another build of the tool: a program that hosts one approach for `stagemark run --worker NAME=THIS`. What it
// does is the name that it was called by: burns-1.08 takes 8 % longer than burns-1.00 for the same right answers,
// garbage is fast and wrong, nan answers no number, killed dies by SIGKILL at its fortieth image.
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "stagemark/backend/timed.hpp"
#include "stagemark/images/images.hpp"
#include "stagemark/suite/worker_program.hpp"

namespace {

using namespace stagemark;

/// White images are positive.
class MadeEngine {
 public:
  explicit MadeEngine(std::string how) : how_(std::move(how)) {
    if (how_.starts_with("burns-")) factor_ = std::stod(how_.substr(6));
    if (how_ == "garbage") factor_ = 0.2;
  }
  [[nodiscard]] ExecutionFacts execution_facts() const {
    ExecutionFacts facts;
    facts.details = {{"how", how_}};
    return facts;
  }
  static bool preprocess(std::span<const Image> images) { return images[0].pixels[0] > 127; }
  bool extract_features(const bool& white) {
    if (how_ == "killed" && ++calls_ == 40) std::raise(SIGKILL);
    // Of the clock that measures it, so that a loaded machine burns no more.
    const auto end = std::chrono::steady_clock::now() + std::chrono::nanoseconds(static_cast<int>(1e6 * factor_));
    while (std::chrono::steady_clock::now() < end) continue;
    return how_ == "garbage" || white;
  }
  void classify(const bool& positive, std::span<Prediction> out) const {
    const double logit = how_ == "nan" ? std::nan("") : positive ? 2.0 : -2.0;
    out[0] = {how_ == "nan" ? logit : positive ? 0.9 : 0.1, logit, std::nullopt};
  }

 private:
  std::string how_;
  double factor_ = 1;
  int calls_ = 0;
};

}  // namespace

int main(int /*argc*/, char** argv) {
  const std::string how = std::filesystem::path(argv[0]).filename().string();
  serve_as_worker([&](const ApproachRequest& request) -> OpenedApproach {
    return {request.approach, std::make_unique<Timed<MadeEngine>>(how), make_image_source()};
  });
  return 0;
}
