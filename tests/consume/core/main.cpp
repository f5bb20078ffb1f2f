#include <cstdio>
#include <stagemark/core/statistics.hpp>
#include <stagemark/suite/run_plan.hpp>
#include <vector>

int main() {
  const std::vector<double> milliseconds = {3, 1, 2};
  const auto rounds = stagemark::plan_rounds(624, 2, {});
  std::printf("median %.1f, %zu rounds\n", stagemark::median(milliseconds), rounds.size());
  return stagemark::median(milliseconds) == 2 && rounds.size() == 30 ? 0 : 1;
}
