// One step of each cell that streams, from the sums of its products: x[k] is gate k of W x + b,
// h_sum[k] gate k of U h. `beside` is GRU's c_n or IndRNN's u; c is the LSTM's memory.
#pragma once

#include "vector.h"

namespace {

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
    Vec i = sigmoid(x[0] + h_sum[0]), f = sigmoid(x[1] + h_sum[1]);
    Vec now = f * load(c) + i * hyperbolic_tangent(x[2] + h_sum[2]);
    store(c, now);
    return sigmoid(x[3] + h_sum[3]) * hyperbolic_tangent(now);
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
