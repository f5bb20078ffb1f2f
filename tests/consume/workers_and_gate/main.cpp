#include <iostream>
#include <stagemark/format/console.hpp>
#include <stagemark/judgement/gate.hpp>
#include <stagemark/session/run_benchmark.hpp>

using namespace stagemark;

int main(int argc, char** argv) {
  run_worker_if_asked(argc, argv);  // this program is also what its workers are
  RunRequest request;
  request.images = argv[1];
  request.models = {{"", argv[2]}};
  request.approaches = {parse_approach(argv[3]), parse_approach(argv[4])};
  const GateResult result = gate(run_benchmark(request));
  print_gate(std::cout, result);
  return result.outcome == GateOutcome::fail ? 1 : 0;
}
