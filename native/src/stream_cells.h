// One step of each cell that streams, from the sums of its products: x[k] is gate k of W x + b,
// h_sum[k] gate k of U h. `beside` is GRU's c_n or IndRNN's u; c is the LSTM's memory.
#pragma once

#include "vector.h"

namespace {

// tanh as x P(x^2) / Q(x^2), fitted over [-9, 9] for the least relative error: 3e-7 with rounding.
// Half the operations of `hyperbolic_tangent`, and fewer that wait for each other: with few rows
// nothing else is done meanwhile.
RECURRA_INLINE Vec quick_tanh(Vec x) {
  const Vec bound = all(9.0f);
  x = x > bound ? bound : x;
  x = x < -bound ? -bound : x;
  Vec square = x * x;
  Vec p = all(1.3354642e-8f), q = all(7.7765512e-7f);
  p = p * square + 2.0609071e-5f;
  q = q * square + 3.2856339e-4f;
  p = p * square + 3.4955876e-3f;
  q = q * square + 2.5876981e-2f;
  p = p * square + 1.3381025e-1f;
  q = q * square + 4.6714341e-1f;
  p = p * square + 1.0f;
  q = q * square + 1.0f;
  return x * p / q;
}

RECURRA_INLINE Vec quick_sigmoid(Vec x) { return 0.5f + 0.5f * quick_tanh(0.5f * x); }

template <bool rectified>
struct StreamElman {
  static constexpr int gates = 1, blocks = 4;
  static constexpr bool recurrent = true, memory = false;

  static RECURRA_INLINE Vec step(const Vec* x, const Vec* h_sum, Vec, Vec, float*) {
    Vec a = x[0] + h_sum[0];
    if constexpr (rectified) return a < Vec{} ? Vec{} : a;
    return hyperbolic_tangent(a);
  }
};

struct StreamGRU {
  static constexpr int gates = 3, blocks = 1;
  static constexpr bool recurrent = true, memory = false;

  static RECURRA_INLINE Vec step(const Vec* x, const Vec* h_sum, Vec h, Vec beside, float*) {
    Gate z = gate(x[1] + h_sum[1]);
    Vec n = hyperbolic_tangent(x[2] + sigmoid(x[0] + h_sum[0]) * (h_sum[2] + beside));
    return z.shut * n + z.open * h;
  }
};

struct StreamLSTM {
  static constexpr int gates = 4, blocks = 1;
  static constexpr bool recurrent = true, memory = true;

  static RECURRA_INLINE Vec step(const Vec* x, const Vec* h_sum, Vec, Vec, float* c) {
    Vec i = quick_sigmoid(x[0] + h_sum[0]), f = quick_sigmoid(x[1] + h_sum[1]);
    Vec now = f * load(c) + i * quick_tanh(x[2] + h_sum[2]);
    store(c, now);
    return quick_sigmoid(x[3] + h_sum[3]) * quick_tanh(now);
  }
};

struct StreamIndRNN {
  static constexpr int gates = 1, blocks = 4;
  static constexpr bool recurrent = false, memory = false;

  static RECURRA_INLINE Vec step(const Vec* x, const Vec*, Vec h, Vec beside, float*) {
    Vec a = x[0] + beside * h;
    return a < Vec{} ? Vec{} : a;
  }
};

// g(a) = a + 1/2 where a is at least 0, else sigma(a)
RECURRA_INLINE Vec positive(Vec a) { return a < Vec{} ? sigmoid(a) : a + 0.5f; }

struct StreamMinGRU {
  static constexpr int gates = 2, blocks = 2;
  static constexpr bool recurrent = false, memory = false;

  static RECURRA_INLINE Vec step(const Vec* x, const Vec*, Vec h, Vec, float*) {
    Gate z = gate(x[0]);
    return z.shut * h + z.open * positive(x[1]);
  }
};

struct StreamMinLSTM {
  static constexpr int gates = 3, blocks = 1;
  static constexpr bool recurrent = false, memory = false;

  // p and q are 1/f and 1/i, both times e^least so that neither grows beyond floats
  static RECURRA_INLINE Vec step(const Vec* x, const Vec*, Vec h, Vec, float*) {
    Vec least = x[0] < x[1] ? x[0] : x[1];
    least = least < Vec{} ? least : Vec{};
    Vec common = exponential(least);
    Vec p = common + exponential(least - x[0]), q = common + exponential(least - x[1]);
    return (q * h + p * positive(x[2])) / (p + q);
  }
};

}  // namespace
