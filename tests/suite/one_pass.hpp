#pragma once

#include "stagemark/suite/run_plan.hpp"

namespace stagemark {

inline RunOptions one_pass() {
  RunOptions options;
  options.passes = 1;
  return options;
}

}  // namespace stagemark
