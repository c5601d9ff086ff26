// Decay and inject given as they are: real (Affine) or complex (Rotation).
#pragma once

#include "fields.h"

namespace {

// Fields: decay, inject.
struct Affine {
  static constexpr int fields = 2, parts = 1;
  static constexpr bool biased = false;

  static RECURRA_INLINE Step<1> step(const Vec* field) { return {{{field[0]}}, {{field[1]}}}; }

  static RECURRA_INLINE Real back(const Vec* field, Real g, Real before, Vec* gradient) {
    gradient[0] = g.part[0] * before.part[0];
    gradient[1] = g.part[0];
    return {{field[0]}};
  }
};

// Fields: decay's real and imaginary part, then inject's.
struct Rotation {
  static constexpr int fields = 4, parts = 2;
  static constexpr bool biased = false;

  static RECURRA_INLINE Step<2> step(const Vec* field) {
    return {{{field[0], field[1]}}, {{field[2], field[3]}}};
  }

  static RECURRA_INLINE Complex back(const Vec* field, Complex g, Complex before, Vec* gradient) {
    Complex of_decay = multiply(conjugate(before), g);
    gradient[0] = of_decay.part[0];
    gradient[1] = of_decay.part[1];
    gradient[2] = g.part[0];
    gradient[3] = g.part[1];
    return {{field[0], field[1]}};
  }
};

}  // namespace
