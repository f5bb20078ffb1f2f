#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "judgement/made_suite.hpp"
#include "stagemark/judgement/make_report.hpp"
#include "stagemark/suite/benchmark_suite.hpp"

// Approaches that took turns over rounds, made by hand.

namespace stagemark::testing {

/// 30 rounds of 5 images in 5 generations. The time of each image differs, in the same way for all approaches, and both
/// share a drift of the machine; `factor` is the approach's own.
struct Made {
  double factor = 1;
  std::vector<std::size_t> wrong;       ///< images it answers wrongly
  std::optional<std::size_t> fails_on;  ///< an image
  std::size_t rounds = 30;
};

inline Made slower(double factor) {
  Made how;
  how.factor = factor;
  return how;
}

inline constexpr std::size_t round_size = 5;

inline ApproachResult made(const std::string& name, const Made& how) {
  ApproachResult result = made_approach();
  result.approach.name = name;
  for (std::size_t round = 0; round < how.rounds; ++round) {
    result.turns.push_back({.round = round, .process = round * 5 / 30, .position = 0, .wall = {}, .calls = round_size});
    for (std::size_t i = 0; i < round_size; ++i) {
      const std::size_t image = round * round_size + i;
      const bool wrong = std::find(how.wrong.begin(), how.wrong.end(), image) != how.wrong.end();
      std::optional<Prediction> answer = probability((image % 2 == 1) != wrong ? 0.9 : 0.1);
      if (image == how.fails_on) answer.reset();
      const double drift = 1 + 0.3 * std::sin(0.4 * static_cast<double>(round));
      const double noise = 1 + 0.001 * static_cast<double>((image * 7919 + name.size() * 31) % 13);
      const double time = 10 * drift * noise * (1 + 0.1 * static_cast<double>(i)) * how.factor;
      CallRecord& call = add_call(result, {{image, answer}}, {{Stage::inference, 0.8 * time}, {Stage::total, time}});
      call.round = round;
      call.process = round * 5 / 30;
    }
  }
  return result;
}

inline Report report_of(const std::vector<std::pair<std::string, Made>>& approaches) {
  SuiteResult suite = made_suite(made_dataset(alternating(30 * round_size)));
  suite.in_workers = true;
  for (const auto& [name, how] : approaches) suite.collector.add(made(name, how));
  return make_report(suite, {});
}

}  // namespace stagemark::testing
