#pragma once

namespace stagemark {

/// The x in [low, high] where the increasing `function` reaches `target`, to the last bit that bisection can give.
template <class Function>
double solve_increasing(const Function& function, double target, double low = 0, double high = 1) {
  for (;;) {
    const double middle = low + (high - low) / 2;
    if (middle <= low || middle >= high) return middle;
    (function(middle) < target ? low : high) = middle;
  }
}

}  // namespace stagemark
