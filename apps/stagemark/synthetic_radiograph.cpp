#include "synthetic_radiograph.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "stagemark/core/random.hpp"

namespace stagemark {
namespace {

// All arithmetic is on integers, 16 bits of them behind the point: floating point would depend on the
// compiler (fused multiply-add) and, through libm, on the machine.
using Fixed = std::int64_t;
constexpr int point = 16;
constexpr Fixed one = Fixed{1} << point;

consteval Fixed fixed(double value) { return static_cast<Fixed>(value * one); }
constexpr Fixed times(Fixed a, Fixed b) { return (a * b) >> point; }
constexpr Fixed over(Fixed a, Fixed b) { return (a << point) / b; }
constexpr Fixed square(Fixed a) { return times(a, a); }

/// From 0 where x <= 0 to 1 where x >= width, without a kink.
constexpr Fixed smooth(Fixed x, Fixed width) {
  if (x <= 0) return 0;
  if (x >= width) return one;
  const Fixed t = over(x, width);
  return times(square(t), 3 * one - 2 * t);
}

// How visible an opacity is: the density it adds where it is thickest, drawn anew for each image. The draw is
// squared, so that faint ones are the more frequent. For comparison: a rib adds about 0.13, a lung holds
// about 0.25. Raise `faintest_opacity` to make the task easier, lower it to make it harder.
constexpr Fixed faintest_opacity = fixed(0.30);
constexpr Fixed densest_opacity = fixed(0.90);

/// No two draws may be arguments of one call, whose order of evaluation is the compiler's; within braces it is fixed.
class Random {
 public:
  explicit Random(std::uint64_t seed) : source_(seed) {}

  std::uint64_t bits() { return source_.next(); }

  /// Uniform in [low, high).
  Fixed between(Fixed low, Fixed high) { return low + (static_cast<Fixed>(bits() >> 48U) * (high - low) >> point); }
  /// More often near the middle of [low, high) than near its ends.
  Fixed around(Fixed low, Fixed high) { return (between(low, high) + between(low, high)) / 2; }
  bool happens(Fixed probability) { return between(0, one) < probability; }
  int count(int low, int high) { return low + static_cast<int>(bits() % static_cast<std::uint64_t>(high - low + 1)); }
  Fixed side() { return happens(one / 2) ? one : -one; }

 private:
  SplitMix64 source_;
};

/// Smooth noise in [-1, 1] with features of the size of one.
class Clouds {
 public:
  explicit Clouds(Random& random) {
    for (Fixed& value : lattice_) value = random.between(-one, one);
  }

  Fixed at(Fixed x, Fixed y) const {
    const Fixed column = x >> point;
    const Fixed row = y >> point;
    const Fixed across = smooth(x - (column << point), one);
    const Fixed down = smooth(y - (row << point), one);
    const Fixed above = blend(value(column, row), value(column + 1, row), across);
    const Fixed below = blend(value(column, row + 1), value(column + 1, row + 1), across);
    return blend(above, below, down);
  }

  /// Two sizes of features on top of each other.
  Fixed fine_at(Fixed x, Fixed y) const { return (2 * at(x, y) + at(2 * x + fixed(7.3), 2 * y + fixed(3.1))) / 3; }

 private:
  static constexpr std::size_t side = 16;

  static Fixed blend(Fixed a, Fixed b, Fixed t) { return a + times(b - a, t); }
  Fixed value(Fixed column, Fixed row) const {
    return lattice_[(static_cast<std::size_t>(row) % side) * side + static_cast<std::size_t>(column) % side];
  }

  std::array<Fixed, side * side> lattice_{};
};

struct Box {
  Fixed left, top, right, bottom;
};

/// What lets no rays through, as they add up behind one another. Drawn in the body's own coordinates: the
/// origin is in the middle of the chest, x grows to the right of the image, y downwards, and the chest is
/// about 1.6 wide.
class Film {
 public:
  Film(std::size_t width, std::size_t height, Random& random)
      : width_(width), height_(height), density_(width * height), lungs_(width * height) {
    const auto shorter = static_cast<Fixed>(std::min(width, height));
    scale_ = times(shorter << point, random.between(fixed(0.50), fixed(0.57)));
    center_x_ = (static_cast<Fixed>(width) << point) / 2 + times(scale_, random.around(fixed(-0.07), fixed(0.07)));
    center_y_ = (static_cast<Fixed>(height) << point) / 2 + times(scale_, random.around(fixed(-0.06), fixed(0.10)));
    tilt_ = random.around(fixed(-0.07), fixed(0.07));
    stretch_ = random.around(fixed(0.94), fixed(1.08));
    shrink_ = over(one, stretch_);
    step_ = over(one, scale_);
  }

  /// Calls draw(x, y, density, lung) for each pixel in the box; `density` can be changed, `lung` is what
  /// add_lungs drew.
  template <class Draw>
  void in(const Box& box, Draw&& draw) {
    const Fixed slack = fixed(0.12);  // for the tilt
    const std::size_t first_row = clamp_pixel(center_y_ + times(scale_, times(box.top, stretch_) - slack), height_);
    const std::size_t last_row = clamp_pixel(center_y_ + times(scale_, times(box.bottom, stretch_) + slack), height_);
    const std::size_t first_column = clamp_pixel(center_x_ + times(scale_, box.left - slack), width_);
    const std::size_t last_column = clamp_pixel(center_x_ + times(scale_, box.right + slack), width_);
    for (std::size_t row = first_row; row < last_row; ++row) {
      const Fixed down = times((static_cast<Fixed>(row) << point) - center_y_, step_);
      for (std::size_t column = first_column; column < last_column; ++column) {
        const Fixed across = times((static_cast<Fixed>(column) << point) - center_x_, step_);
        const Fixed x = across - times(tilt_, down);
        const Fixed y = times(down + times(tilt_, across), shrink_);
        if (x < box.left || x >= box.right || y < box.top || y >= box.bottom) continue;
        draw(x, y, density_[row * width_ + column], lungs_[row * width_ + column]);
      }
    }
  }

  std::size_t width() const { return width_; }
  std::size_t height() const { return height_; }
  const std::vector<Fixed>& density() const { return density_; }

 private:
  static std::size_t clamp_pixel(Fixed position, std::size_t size) {
    return static_cast<std::size_t>(std::clamp(position >> point, Fixed{0}, static_cast<Fixed>(size)));
  }

  std::size_t width_, height_;
  std::vector<Fixed> density_;
  std::vector<Fixed> lungs_;
  Fixed scale_ = 0;  ///< pixels per unit
  Fixed step_ = 0;   ///< units per pixel
  Fixed center_x_ = 0, center_y_ = 0;
  Fixed tilt_ = 0;
  Fixed stretch_ = 0;  ///< of the body, downwards
  Fixed shrink_ = 0;   ///< its inverse
};

constexpr Box everywhere = {fixed(-3), fixed(-3), fixed(3), fixed(3)};

struct Ellipse {
  Fixed x, y, radius_x, radius_y;

  /// 0 in the middle, 1 on the edge, growing with the square of the distance.
  Fixed distance(Fixed px, Fixed py) const { return square(over(px - x, radius_x)) + square(over(py - y, radius_y)); }
  Box box(Fixed grown) const {
    return {x - times(radius_x, grown), y - times(radius_y, grown), x + times(radius_x, grown),
            y + times(radius_y, grown)};
  }
};

/// An even disc whose edge is `softness` wide.
void add_disc(Film& film, const Ellipse& disc, Fixed density, Fixed softness) {
  film.in(disc.box(one + softness), [&](Fixed x, Fixed y, Fixed& d, Fixed) {
    d += times(density, smooth(one + softness / 2 - disc.distance(x, y), softness));
  });
}

/// A curve y = height + slope x + bend x^2 + twist x^3 over [from, to], x measured from the middle of the
/// body.
struct Curve {
  Fixed from = 0, to = 0, height = 0, slope = 0, bend = 0, twist = 0;

  Fixed y(Fixed x) const { return height + times(x, slope + times(x, bend + times(x, twist))); }
  Fixed steepness(Fixed x) const { return slope + times(x, 2 * bend + times(x, 3 * twist)); }
};

struct Stroke {
  Fixed density;
  Fixed half_width;
  Fixed rim;        ///< how much denser the edge is than the middle, as bones are
  Fixed taper;      ///< part of the width that is lost from one end to the other
  Fixed only_lung;  ///< 1: drawn in the lungs only
};

/// `side` mirrors the curve, which is given for x > 0.
void add_stroke(Film& film, Fixed side, const Curve& curve, const Stroke& stroke) {
  constexpr Fixed reach = fixed(1.6);
  const Box box = {side > 0 ? curve.from : -curve.to, -reach, side > 0 ? curve.to : -curve.from, reach};
  Fixed top = reach;
  Fixed bottom = -reach;
  for (int i = 0; i <= 8; ++i) {
    const Fixed y = curve.y(curve.from + (curve.to - curve.from) * i / 8);
    top = std::min(top, y);
    bottom = std::max(bottom, y);
  }
  const Fixed margin = 3 * stroke.half_width + fixed(0.02);
  const Fixed widest = std::max(stroke.half_width, times(stroke.half_width, one - stroke.taper));
  film.in({box.left, top - margin, box.right, bottom + margin}, [&](Fixed px, Fixed y, Fixed& d, Fixed lung) {
    const Fixed x = times(side, px);
    const Fixed away = y - curve.y(x);
    const Fixed slant = one + square(curve.steepness(x));  // of the perpendicular, squared
    if (away * away >= times(widest * widest, slant)) return;
    const Fixed along = over(x - curve.from, curve.to - curve.from);
    const Fixed half_width = times(stroke.half_width, one - times(stroke.taper, along));
    // From the middle of the stroke, squared, in half widths.
    const Fixed distance = over(square(over(away, half_width)), slant);
    if (distance >= one) return;
    const Fixed profile = times(one - square(square(distance)), one - stroke.rim + times(stroke.rim, 2 * distance));
    const Fixed ends = times(smooth(along, fixed(0.08)), smooth(one - along, fixed(0.08)));
    const Fixed where = one - stroke.only_lung + times(stroke.only_lung, lung);
    d += times(times(stroke.density, profile), times(ends, where));
  });
}

/// One person, in the body's coordinates.
struct Anatomy {
  explicit Anatomy(Random& random)
      : thickness(random.around(fixed(0.75), fixed(1.20))),
        air(random.around(fixed(0.62), fixed(0.80))),
        lung_width(random.around(fixed(0.31), fixed(0.38))),
        lung_height(random.around(fixed(0.66), fixed(0.78))),
        diaphragm{random.around(fixed(0.36), fixed(0.54)), random.around(fixed(0.42), fixed(0.60))},
        heart{random.around(fixed(0.07), fixed(0.15)), std::min(diaphragm[0], diaphragm[1]) - fixed(0.19),
              random.around(fixed(0.27), fixed(0.37)), random.around(fixed(0.24), fixed(0.29))},
        heart_lean(random.around(fixed(0.20), fixed(0.50))),
        mediastinum(random.around(fixed(0.085), fixed(0.13))),
        shoulders(random.around(fixed(-0.86), fixed(-0.74))) {}

  /// 1 in the heart or the aorta's arch, where there is no lung.
  Fixed solid(Fixed x, Fixed y) const {
    const Fixed beat = smooth(fixed(1.10) - heart.distance(x, y - times(heart_lean, x - heart.x)), fixed(0.28));
    const Ellipse arch = {mediastinum + fixed(0.03), fixed(-0.28), fixed(0.085), fixed(0.10)};
    return std::max(beat, smooth(fixed(1.15) - arch.distance(x, y), fixed(0.5)));
  }

  /// How far inside a lung a place is: 0 outside, 1 inside.
  Fixed lung(Fixed px, Fixed y) const {
    const Fixed x = px < 0 ? -px : px;
    const Fixed middle = fixed(0.41) + times(y, fixed(0.08));
    const Fixed width = lung_width + times(y, fixed(0.06));
    const Fixed outline =
        square(over(x - middle, width)) + square(over(y - fixed(0.02), y < fixed(0.02) ? lung_height : fixed(0.85)));
    const Fixed dome = diaphragm[px < 0 ? 0 : 1] + times(square(x - fixed(0.34)), fixed(0.75));
    const Fixed bordered = times(smooth(fixed(1.06) - outline, fixed(0.16)), smooth(dome - y, fixed(0.035)));
    const Fixed beside = smooth(x - mediastinum + times(fixed(0.03), y), fixed(0.06));
    return times(times(bordered, beside), one - times(fixed(0.80), solid(px, y)));
  }

  Fixed thickness;
  Fixed air;  ///< part of the density that a lung lacks
  Fixed lung_width, lung_height;
  std::array<Fixed, 2> diaphragm;  ///< height of the domes, left and right in the image; the liver lifts one
  Ellipse heart;
  Fixed heart_lean;
  Fixed mediastinum;  ///< half its width
  Fixed shoulders;
};

void add_body(Film& film, const Anatomy& anatomy, Random& random) {
  const Clouds muscles(random);
  const Fixed waist = random.around(fixed(0.84), fixed(0.96));
  const Fixed neck = random.around(fixed(0.17), fixed(0.24));
  film.in(everywhere, [&](Fixed x, Fixed y, Fixed& d, Fixed) {
    const Fixed away = x < 0 ? -x : x;
    const Fixed nape = std::max(fixed(0.62) - away, Fixed{0});
    const Fixed line = anatomy.shoulders + times(square(away), fixed(0.12)) - times(square(nape), fixed(0.70));
    const Fixed armpit = times(fixed(0.45), smooth(fixed(-0.20) - y, fixed(0.35)));
    const Fixed trunk = times(smooth(y - line, fixed(0.16)), smooth(waist + armpit + fixed(0.10) - away, fixed(0.16)));
    const Fixed throat = smooth(neck + fixed(0.03) - away, fixed(0.09));
    const Fixed above = times(throat, smooth(fixed(-0.5) - y, fixed(0.2)));
    if (trunk == 0 && above == 0) return;
    const Fixed roundness = one - times(fixed(0.62), square(std::min(over(away, fixed(1.05)), one)));
    const Fixed texture = one + times(fixed(0.07), muscles.fine_at(3 * x + 16 * one, 3 * y + 16 * one));
    const Fixed belly = times(fixed(0.30), smooth(y - fixed(0.25), fixed(0.6)));
    d += times(times(anatomy.thickness, std::max(trunk, times(above, fixed(0.85)))), times(roundness + belly, texture));
  });
}

void add_arms(Film& film, const Anatomy& anatomy, Random& random) {
  for (const Fixed side : {-one, one}) {
    const Fixed x = times(side, random.around(fixed(1.10), fixed(1.20)));
    const Fixed y = anatomy.shoulders + random.around(fixed(0.95), fixed(1.05));
    add_disc(film, {x, y, fixed(0.17), fixed(0.85)}, fixed(0.45), fixed(0.3));
    add_disc(film, {x, y, fixed(0.055), fixed(0.70)}, fixed(0.25), fixed(0.3));
    // Shoulder joint and blade.
    add_disc(film, {times(side, fixed(0.97)), anatomy.shoulders + fixed(0.27), fixed(0.12), fixed(0.11)}, fixed(0.16),
             fixed(0.4));
    const Fixed blade = times(side, random.around(fixed(0.74), fixed(0.84)));
    const Fixed density = random.around(fixed(0.02), fixed(0.09));
    add_disc(film, {blade, fixed(-0.38), fixed(0.13), fixed(0.30)}, density, fixed(0.3));
  }
}

void add_lungs(Film& film, const Anatomy& anatomy) {
  film.in({-one, -one, one, one}, [&](Fixed x, Fixed y, Fixed& d, Fixed& lung) {
    lung = anatomy.lung(x, y);
    // Bases are behind more tissue than tips.
    const Fixed air = anatomy.air - times(fixed(0.10), std::max(y, Fixed{0}));
    d = times(d, one - times(air, lung));
  });
}

void add_mediastinum(Film& film, const Anatomy& anatomy, Random& random) {
  film.in({-one, fixed(-0.75), one, one}, [&](Fixed x, Fixed y, Fixed& d, Fixed) {
    const Fixed away = x < 0 ? -x : x;
    const Fixed middle =
        times(smooth(anatomy.mediastinum + fixed(0.05) - away, fixed(0.10)), smooth(y + fixed(0.75), fixed(0.3)));
    d += times(fixed(0.10), middle) + times(fixed(0.14), anatomy.solid(x, y));
  });
  // Where the vessels leave.
  for (const Fixed side : {-one, one}) {
    const Fixed y = random.around(fixed(-0.10), fixed(0.04));
    const Fixed density = random.around(fixed(0.06), fixed(0.15));
    add_disc(film, {times(side, fixed(0.17)), y, fixed(0.11), fixed(0.16)}, density, fixed(1.4));
  }
}

void add_spine(Film& film, Random& random) {
  const Fixed spacing = random.around(fixed(0.105), fixed(0.13));
  const Fixed strength = random.around(fixed(0.06), fixed(0.14));
  const Fixed windpipe = random.around(fixed(0.10), fixed(0.20));
  film.in({fixed(-0.2), fixed(-1.4), fixed(0.2), fixed(1.4)}, [&](Fixed x, Fixed y, Fixed& d, Fixed) {
    const Fixed away = x < 0 ? -x : x;
    const Fixed phase = over(y + 4 * one, spacing) & (one - 1);  // of a vertebra
    const Fixed disc = times(4 * phase, one - phase);            // 0 between two, 1 in the middle of one
    const Fixed body = smooth(fixed(0.085) - away, fixed(0.03));
    d += times(times(strength, body), fixed(0.45) + times(fixed(0.55), smooth(disc, fixed(0.6))));
    const Fixed pipe = times(smooth(fixed(0.055) - away, fixed(0.03)), smooth(fixed(-0.28) - y, fixed(0.15)));
    d = times(d, one - times(windpipe, pipe));
  });
}

void add_bones(Film& film, Random& random) {
  constexpr int ribs = 10;
  const Fixed density = random.around(fixed(0.08), fixed(0.17));
  const Fixed spacing = random.around(fixed(0.125), fixed(0.145));
  const Fixed first = random.around(fixed(-0.74), fixed(-0.66));
  const Fixed slope = random.around(fixed(-0.30), fixed(-0.10));
  const Fixed half_width = random.around(fixed(0.026), fixed(0.036));
  for (const Fixed side : {-one, one}) {
    for (int rib = 0; rib < ribs; ++rib) {
      const Fixed height = first + rib * spacing;
      // The cage is narrow at the top.
      const Fixed reach = fixed(0.80) - times(fixed(0.055), square((4 - std::min(rib, 4)) * one) / 3);
      const Fixed fade = rib < 7 ? one : one - (rib - 6) * fixed(0.22);
      add_stroke(film, side, {fixed(0.06), reach, height, slope, fixed(0.62), fixed(0.22)},
                 {times(density, fade), half_width, fixed(0.40), fixed(0.15), 0});
      // In front they run the other way, and end in cartilage that is not seen.
      if (rib < 7) {
        add_stroke(film, side, {fixed(0.30), reach, height + fixed(0.60), fixed(-0.12), fixed(-0.28)},
                   {times(density, fixed(0.45)), half_width, fixed(0.25), fixed(-0.15), 0});
      }
    }
    add_stroke(
        film, side,
        {fixed(0.07), fixed(0.84), random.around(fixed(-0.50), fixed(-0.42)), fixed(-0.34), fixed(0.50), fixed(-0.40)},
        {fixed(0.20), fixed(0.032), fixed(0.35), fixed(-0.25), 0});
  }
}

/// Vessels, as every lung has them; in some people they are as plain as a faint pneumonia.
void add_vessels(Film& film, Random& random) {
  const Fixed prominence = random.between(fixed(0.03), fixed(0.12));
  for (const Fixed side : {-one, one}) {
    const int vessels = random.count(11, 18);
    for (int i = 0; i < vessels; ++i) {
      const Fixed from = random.between(fixed(0.12), fixed(0.26));
      const Fixed to = std::min(from + random.between(fixed(0.12), fixed(0.42)), fixed(0.78));
      const Fixed slope = random.around(fixed(-1.5), fixed(1.9));
      const Fixed bend = times(slope, random.between(fixed(-1.3), fixed(0.3)));
      const Fixed root = random.between(fixed(-0.08), fixed(0.12));
      add_stroke(film, side, {from, to, root - times(from, slope) - times(square(from), bend), slope, bend},
                 {times(prominence, random.between(fixed(0.5), fixed(1.3))), random.between(fixed(0.011), fixed(0.024)),
                  0, fixed(0.7), one});
    }
  }
}

/// What lies over healthy lungs, too: breasts or muscles, the stomach's air below, skin folds.
void add_overlays(Film& film, const Anatomy& anatomy, Random& random) {
  if (random.happens(fixed(0.45))) {
    const Fixed density = random.between(fixed(0.03), fixed(0.13));
    for (const Fixed side : {-one, one}) {
      add_disc(film, {times(side, fixed(0.48)), random.around(fixed(0.22), fixed(0.42)), fixed(0.34), fixed(0.27)},
               density, fixed(0.5));
    }
  }
  const Fixed bubble = random.between(fixed(0.0), fixed(0.30));
  const Ellipse stomach = {random.around(fixed(0.30), fixed(0.46)), anatomy.diaphragm[1] + fixed(0.15), fixed(0.16),
                           fixed(0.09)};
  film.in(stomach.box(fixed(1.3)), [&](Fixed x, Fixed y, Fixed& d, Fixed) {
    d = times(d, one - times(bubble, smooth(fixed(1.1) - stomach.distance(x, y), fixed(0.5))));
  });
  if (random.happens(fixed(0.3))) {
    const Fixed side = random.side();
    const Fixed height = random.between(fixed(-1.4), fixed(-0.9));
    add_stroke(film, side, {fixed(0.45), fixed(0.75), height, fixed(2.2), 0},
               {fixed(0.05), fixed(0.02), fixed(0.3), 0, 0});
  }
}

/// One consolidation: a cloud of overlapping soft discs within the lungs.
void add_cloud(Film& film, Random& random, Fixed density, Fixed size) {
  const Clouds clouds(random);
  const Fixed side = random.side();
  const Fixed x = times(side, random.between(fixed(0.24), fixed(0.60)));
  const Fixed y = random.between(fixed(-0.30), fixed(0.42));
  const int discs = random.count(4, 8);
  std::vector<Ellipse> parts;
  parts.reserve(static_cast<std::size_t>(discs));
  for (int i = 0; i < discs; ++i) {
    parts.push_back({x + random.around(-size, size), y + random.around(-size, size),
                     times(size, random.between(fixed(0.6), fixed(1.1))),
                     times(size, random.between(fixed(0.5), one))});
  }
  const Box box = {x - 3 * size, y - 3 * size, x + 3 * size, y + 3 * size};
  film.in(box, [&](Fixed px, Fixed py, Fixed& d, Fixed lung) {
    Fixed clear = one;  // part of the rays that no disc holds back
    for (const Ellipse& part : parts) {
      const Fixed inside = one - part.distance(px, py);
      if (inside > 0) clear = times(clear, one - times(fixed(0.75), square(inside)));
    }
    if (clear == one) return;
    const Fixed texture = one + times(fixed(1.20), clouds.fine_at(26 * px + 96 * one, 26 * py + 96 * one));
    d += times(times(density, one - clear), times(texture, fixed(0.15) + times(fixed(0.85), lung)));
  });
}

void add_pneumonia(Film& film, Random& random) {
  const Fixed density = faintest_opacity + times(densest_opacity - faintest_opacity, square(random.between(0, one)));
  const int clouds = random.count(3, 6);
  for (int i = 0; i < clouds; ++i) {
    // Several are smaller than a single one.
    const Fixed size = random.between(fixed(0.22), fixed(0.34));
    add_cloud(film, random, times(density, random.between(fixed(0.7), one)), size);
  }
}

/// A film's answer, after which the image looks as it does to a radiologist: dense is white.
struct Exposure {
  explicit Exposure(Random& random)
      : half(random.around(fixed(0.85), fixed(1.30))),
        contrast(random.around(fixed(0.85), fixed(1.12))),
        fog(random.between(fixed(2), fixed(22))),
        grain(random.between(fixed(0.010), fixed(0.035))) {}

  /// Grey in [0, 255].
  Fixed operator()(Fixed density) const {
    const Fixed white = over(times(fixed(380), density), density + half);
    return fog + times(contrast, times(white, one - over(white, fixed(2400))));
  }

  Fixed half;  ///< density that gives half of the brightest grey
  Fixed contrast;
  Fixed fog;
  Fixed grain;
};

/// Twice the film's size, with grain.
Image develop(const Film& film, std::size_t width, std::size_t height, const Exposure& exposure, Random& random) {
  std::vector<Fixed> greys(film.density().size());
  std::transform(film.density().begin(), film.density().end(), greys.begin(), exposure);
  Image image{width, height, 1, std::vector<std::uint8_t>(width * height)};
  std::uint64_t noise = 0;
  for (std::size_t y = 0; y < height; ++y) {
    const Fixed* const upper = &greys[y / 2 * film.width()];
    const Fixed* const lower = &greys[(y + 1) / 2 * film.width()];
    for (std::size_t x = 0; x < width; ++x) {
      const Fixed grey = (upper[x / 2] + upper[(x + 1) / 2] + lower[x / 2] + lower[(x + 1) / 2]) / 4;
      // The sum of two bytes, which is nearly bell-shaped; brighter is grainier.
      if (x % 4 == 0) noise = random.bits();
      const auto bell = static_cast<Fixed>((noise & 0xFFU) + (noise >> 8U & 0xFFU)) - 255;
      noise >>= 16U;
      const Fixed grainy = grey + (times(exposure.grain, grey / 2 + fixed(60)) * bell >> 7);
      image.pixels[y * width + x] = static_cast<std::uint8_t>(std::clamp(grainy >> point, Fixed{0}, Fixed{255}));
    }
  }
  return image;
}

/// The letter that says which side is which, in one of the upper corners.
void stamp_letter(Image& image, Random& random) {
  constexpr std::array<std::array<std::uint8_t, 7>, 2> letters = {{
      {0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b11111},  // L, on the right
      {0b11110, 0b10001, 0b10001, 0b11110, 0b10100, 0b10010, 0b10001},  // R, on the left
  }};
  const bool is_left = random.happens(one / 2);
  const std::size_t dot = image.width / 130 + 1;
  const std::size_t top = image.height / static_cast<std::size_t>(random.count(14, 30));
  const std::size_t margin = image.width / static_cast<std::size_t>(random.count(14, 30));
  const std::size_t left = is_left ? margin : image.width - margin - 5 * dot;
  const std::array<std::uint8_t, 7>& letter = letters[is_left ? 1 : 0];
  for (std::size_t y = 0; y < 7 * dot; ++y) {
    for (std::size_t x = 0; x < 5 * dot; ++x) {
      if ((static_cast<unsigned>(letter[y / dot]) >> (4 - x / dot) & 1U) != 0)
        image.pixels[(top + y) * image.width + left + x] = 235;
    }
  }
}

}  // namespace

Image draw_radiograph(bool pneumonia, std::uint64_t seed) {
  Random random(seed);
  const std::size_t width = 400 + random.bits() % 501;
  const auto height =
      static_cast<std::size_t>(times(static_cast<Fixed>(width), random.around(fixed(0.68), fixed(1.08))));
  // Drawn at half the size: what a chest casts is soft, and it costs a quarter.
  Film film(width / 2 + 1, height / 2 + 1, random);
  const Anatomy anatomy(random);
  add_body(film, anatomy, random);
  add_arms(film, anatomy, random);
  add_lungs(film, anatomy);
  add_mediastinum(film, anatomy, random);
  add_spine(film, random);
  add_bones(film, random);
  add_vessels(film, random);
  add_overlays(film, anatomy, random);
  const Exposure exposure(random);
  const bool is_labelled = random.happens(fixed(0.6));
  // With numbers of its own, so that the same seed gives the same film but for the opacities.
  Random disease(random.bits());
  if (pneumonia) add_pneumonia(film, disease);
  Image image = develop(film, width, height, exposure, random);
  if (is_labelled) stamp_letter(image, random);
  return image;
}

}  // namespace stagemark
