#include "command_line.hpp"

int main(int argc, char** argv) { return stagemark::run_command_line(argc, argv); }
