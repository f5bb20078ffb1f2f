#pragma once

#include <cstdint>

#include "stagemark/backend/image.hpp"

namespace stagemark {

/// A grey drawing of a frontal chest radiograph, 400 to 900 pixels wide, the same bytes for the same
/// arguments on every machine. Pose, build, exposure and noise vary with `seed`; with `pneumonia` the lungs
/// show soft opacities, from barely visible to dense. It is good for trying the tool out, not for learning
/// anything about chests.
Image draw_radiograph(bool pneumonia, std::uint64_t seed);

}  // namespace stagemark
