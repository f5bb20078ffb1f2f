#include "command_line.hpp"
#include "stagemark/session/engines.hpp"

int main(int argc, char** argv) {
  stagemark::run_worker_if_asked(argc, argv);
  return stagemark::run_command_line(argc, argv);
}
