#pragma once

#include "stagemark/backend/decision.hpp"
#include "stagemark/suite/dataset.hpp"

// What the set-ups of all workers hold, as fields of a message.

namespace stagemark::worker_protocol {

/// Without its label: workers are told none.
template <class Fields>
void describe(Fields& fields, DatasetEntry& entry) {
  fields(entry.path);
}

template <class Fields>
void describe(Fields& fields, DecisionRule& rule) {
  fields(rule.threshold);
  fields(rule.classes);
  fields(rule.positive);
}

}  // namespace stagemark::worker_protocol
