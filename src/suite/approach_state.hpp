#pragma once

#include "stagemark/suite/results_collector.hpp"

namespace stagemark {

/// Adds what a worker's update knows of its approach beside the inferences, calls and turns themselves.
void add_state(ApproachResult& into, ApproachResult&& update);

}  // namespace stagemark
