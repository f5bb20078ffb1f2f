#include "suite/approach_state.hpp"

#include <algorithm>
#include <utility>

namespace stagemark {

void add_state(ApproachResult& into, ApproachResult&& update) {
  into.repeats.add(update.repeats);
  into.logits.add(update.logits);
  into.asynchronous = update.asynchronous;
  into.facts = std::move(update.facts);
  into.error = std::move(update.error);
  into.peak_rss_bytes = std::max(into.peak_rss_bytes, update.peak_rss_bytes);
  if (update.device_peak_bytes) {
    into.device_peak_bytes = std::max(into.device_peak_bytes.value_or(0), *update.device_peak_bytes);
  }
}

}  // namespace stagemark
