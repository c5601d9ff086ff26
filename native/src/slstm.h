// SLSTM: what one step does with the products of h and the weights; see classic.h.
//
// Gates lie in the order i, f, z, o. Kept are log i, m + log f, z, o and the slope of log f, and in
// memory c and n. The leaves after h are c, n, m.
#pragma once

#include "classic.h"

namespace {

// log f for a gate's sum, and its slope.
struct Forgetting {
  Vec log, slope;
};

// log sigma(x) = min(x, 0) - log(1 + e), e = e^-|x|; log(1 + e) = 2 artanh(e / (2 + e)), by its
// series, whose terms fall by a ninth or faster.
RECURRA_INLINE Forgetting log_sigmoid(Vec x) {
  Vec e = exponential(-absolute(x));
  Vec s = e / (2.0f + e), square = s * s;
  Vec p = all(2.0f / 15.0f);
  p = p * square + 2.0f / 13.0f;
  p = p * square + 2.0f / 11.0f;
  p = p * square + 2.0f / 9.0f;
  p = p * square + 2.0f / 7.0f;
  p = p * square + 2.0f / 5.0f;
  p = p * square + 2.0f / 3.0f;
  p = p * square + 2.0f;
  Vec large = 1.0f / (1.0f + e);
  return {(x < Vec{} ? x : Vec{}) - p * s, x < Vec{} ? large : e * large};
}

// The larger; NaN where one is NaN.
RECURRA_INLINE Vec maximum(Vec a, Vec b) {
  Vec larger = a < b ? b : a;
  return b == b ? larger : b;
}

template <bool exponential_forget>
struct SLSTM {
  static constexpr int gates = 4, kept = 5, memory = 2, leaves = 4;

  template <class Lane>
  static RECURRA_INLINE Vec step(const Recurrent& args, int64_t line, int64_t c, Lane lane,
                                 const Vec* u, const Vec* sum, Vec, Carried carried) {
    const int64_t width = args.width;
    const float* bias = args.bias + c;
    Vec a[4];
    for (int k = 0; k < 4; ++k) a[k] = u[k] + lane.get(bias + k * width) + sum[k];
    Forgetting f{a[1], all(1.0f)};
    if constexpr (!exponential_forget) f = log_sigmoid(a[1]);
    Vec stays = carried.get(2) + f.log, m = maximum(stays, a[0]);
    Vec forget = exponential(stays - m), input = exponential(a[0] - m);
    Vec z = hyperbolic_tangent(a[2]), o = sigmoid(a[3]);
    Vec now = forget * carried.get(0) + input * z, n = forget * carried.get(1) + input;
    carried.put(0, now), carried.put(1, n), carried.put(2, m);
    if (args.keep) {
      float* to = args.gates + at(args, line, kept, c);
      lane.put(to, a[0]);
      lane.put(to + width, stays);
      lane.put(to + 2 * width, z);
      lane.put(to + 3 * width, o);
      lane.put(to + 4 * width, f.slope);
      to = args.memory + at(args, line, memory, c);
      lane.put(to, now);
      lane.put(to + width, n);
    }
    return o * now / n;
  }

  template <class Lane, class Number>
  static RECURRA_INLINE Vec back(const Recurrent& args, int64_t row, int64_t line, int64_t before,
                                 int64_t c, Lane lane, Vec g, Carried carried, Number* beside) {
    const int64_t width = args.width;
    const float* from = args.gates + at(args, line, kept, c);
    const float* of_memory = args.memory + at(args, line, memory, c);
    const float* older = args.memory + at(args, before, memory, 0);
    Vec log_i = lane.get(from), stays = lane.get(from + width), m = maximum(stays, log_i);
    Vec z = lane.get(from + 2 * width), o = lane.get(from + 3 * width);
    Vec forget = exponential(stays - m), input = exponential(log_i - m);
    Vec n = lane.get(of_memory + width), mean = lane.get(of_memory) / n;
    Vec c_before = lane.get(previous(args, older, 1, row, before) + c);
    Vec n_before = lane.get(previous(args, older + width, 2, row, before) + c);
    Vec of_c = carried.get(0) + g * o / n, of_n = carried.get(1) - g * o * mean / n;
    Vec of_stays = (of_c * c_before + of_n * n_before) * forget;
    Vec of_i = (of_c * z + of_n) * input;
    Vec of_m = carried.get(2) - of_stays - of_i;
    Vec part = stays > log_i ? all(1.0f) : stays == log_i ? all(0.5f) : Vec{};
    of_stays += of_m * part;
    of_i += of_m * (1.0f - part);
    Vec grads[4] = {of_i, of_stays * lane.get(from + 4 * width), of_c * input * (1.0f - z * z),
                    g * mean * o * (1.0f - o)};
    float* to = args.grads + at(args, line, kept, c);
    for (int k = 0; k < 4; ++k) {
      lane.put(to + k * width, grads[k]);
      put(lane, beside + k * args.size, grads[k]);
    }
    carried.put(0, of_c * forget), carried.put(1, of_n * forget), carried.put(2, of_stays);
    return Vec{};
  }
};

}  // namespace
