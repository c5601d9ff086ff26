// A state's number: real, or complex as a real pair.
#pragma once

#include "vector.h"

namespace {

template <int parts>
struct Number {
  Vec part[parts];
};

using Real = Number<1>;
using Complex = Number<2>;

// a b + c, rounded once. Rounded twice, what is added again and again to a slowly decaying sum
// loses the same each time: 2e-5 of a gradient after a thousand steps, where this loses 1e-7.
RECURRA_INLINE Vec multiply_add(Vec a, Vec b, Vec c) {
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
  return a * b + c;
#else
  // products of 32-bit numbers are exact in 64 bits
  typedef double Wide __attribute__((vector_size(8 * RECURRA_LANES)));
  return __builtin_convertvector(
      __builtin_convertvector(a, Wide) * __builtin_convertvector(b, Wide) +
          __builtin_convertvector(c, Wide),
      Vec);
#endif
}

RECURRA_INLINE Real multiply_add(Real a, Real b, Real c) {
  return {{multiply_add(a.part[0], b.part[0], c.part[0])}};
}

RECURRA_INLINE Complex multiply_add(Complex a, Complex b, Complex c) {
  return {{multiply_add(a.part[0], b.part[0], multiply_add(-a.part[1], b.part[1], c.part[0])),
           multiply_add(a.part[0], b.part[1], multiply_add(a.part[1], b.part[0], c.part[1]))}};
}

RECURRA_INLINE Real conjugate(Real a) { return a; }
RECURRA_INLINE Complex conjugate(Complex a) { return {{a.part[0], -a.part[1]}}; }

RECURRA_INLINE Real multiply(Real a, Real b) { return {{a.part[0] * b.part[0]}}; }

RECURRA_INLINE Complex multiply(Complex a, Complex b) {
  return {{a.part[0] * b.part[0] - a.part[1] * b.part[1],
           a.part[0] * b.part[1] + a.part[1] * b.part[0]}};
}

template <int parts>
RECURRA_INLINE Number<parts> add(Number<parts> a, Number<parts> b) {
  for (int p = 0; p < parts; ++p) a.part[p] += b.part[p];
  return a;
}

template <int parts>
RECURRA_INLINE Number<parts> one() {
  Number<parts> x{};
  x.part[0] = all(1.0f);
  return x;
}

// The parts of a number lie `width` apart.
template <int parts, class Lane>
RECURRA_INLINE Number<parts> get_number(Lane lane, const float* from, int64_t width) {
  Number<parts> x;
  for (int p = 0; p < parts; ++p) x.part[p] = lane.get(from + p * width);
  return x;
}

template <int parts, class Lane>
RECURRA_INLINE void put_number(Lane lane, float* to, int64_t width, Number<parts> x) {
  for (int p = 0; p < parts; ++p) lane.put(to + p * width, x.part[p]);
}

}  // namespace
