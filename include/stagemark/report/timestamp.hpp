#pragma once

#include <string>

namespace stagemark {

/// The present time as ISO 8601 in UTC, e.g. "2026-01-13T10:00:00Z".
std::string utc_timestamp();

}  // namespace stagemark
