// Elman, GRU and LSTM: what one step does with the products of h and the weights.
//
// A line of `gates` has `kept` vectors, one of `memory` has `memory`. step(...) takes W x and the
// products with h, gate by gate, leaves in `gates` what backward needs and returns h; back(...) returns the part of the gradient that goes to h directly, and writes
// those of the gates twice: to the caller, and beside it for the product with the weights.
#pragma once

#include "recurrent.h"

namespace {

// Numbers of line `line` of an array with `gates` vectors of `width` in each line.
RECURRA_INLINE int64_t at(const Recurrent& args, int64_t line, int gates, int64_t c) {
  return line * gates * args.width + c;
}

// Before the first step of a row, leaf `leaf` of its initial state; else its place in `all`.
RECURRA_INLINE const float* previous(const Recurrent& args, const float* all, int64_t leaf,
                                     int64_t row, int64_t before) {
  return before < 0 ? args.initial + (leaf * args.rows->rows + row) * args.width : all;
}

template <bool rectified>
struct Elman {
  static constexpr int gates = 1, kept = 1, memory = 0, leaves = 1;

  template <class Lane>
  static RECURRA_INLINE Vec step(const Recurrent& args, int64_t, int64_t c, Lane lane,
                                 const Vec* u, const Vec* sum, Vec, Carried) {
    Vec a = u[0] + lane.get(args.bias + c) + sum[0];
    if constexpr (rectified) return a < Vec{} ? Vec{} : a;
    return hyperbolic_tangent(a);
  }

  template <class Lane, class Number>
  static RECURRA_INLINE Vec back(const Recurrent& args, int64_t, int64_t line, int64_t, int64_t c,
                                 Lane lane, Vec g, Carried, Number* beside) {
    Vec h = lane.get(args.h + at(args, line, 1, c));
    Vec slope = rectified ? (h > Vec{} ? all(1.0f) : Vec{}) : 1.0f - h * h;
    lane.put(args.grads + at(args, line, 1, c), g * slope);
    put(lane, beside, g * slope);
    return Vec{};
  }
};

// Gates lie in the order r, z, n; r, z, n and U_n h + c_n are kept, and their gradients found there.
struct GRU {
  static constexpr int gates = 3, kept = 4, memory = 0, leaves = 1;

  template <class Lane>
  static RECURRA_INLINE Vec step(const Recurrent& args, int64_t line, int64_t c, Lane lane,
                                 const Vec* u, const Vec* sum, Vec h, Carried) {
    const int64_t width = args.width;
    const float* bias = args.bias + c;
    Vec r = sigmoid(u[0] + lane.get(bias) + sum[0]);
    Gate z = gate(u[1] + lane.get(bias + width) + sum[1]);
    Vec inner = sum[2] + lane.get(bias + 3 * width);
    Vec n = hyperbolic_tangent(u[2] + lane.get(bias + 2 * width) + r * inner);
    if (args.keep) {
      float* to = args.gates + at(args, line, kept, c);
      lane.put(to, r);
      lane.put(to + width, z.open);
      lane.put(to + 2 * width, n);
      lane.put(to + 3 * width, inner);
    }
    return z.shut * n + z.open * h;
  }

  template <class Lane, class Number>
  static RECURRA_INLINE Vec back(const Recurrent& args, int64_t row, int64_t line, int64_t before,
                                 int64_t c, Lane lane, Vec g, Carried, Number* beside) {
    const int64_t width = args.width;
    const float* from = args.gates + at(args, line, kept, c);
    Vec r = lane.get(from), z = lane.get(from + width), n = lane.get(from + 2 * width);
    Vec inner = lane.get(from + 3 * width);
    Vec h = lane.get(previous(args, args.h + at(args, before, 1, 0), 0, row, before) + c);
    Vec gz = g * (h - n) * z * (1.0f - z), gn = g * (1.0f - z) * (1.0f - n * n);
    Vec gr = gn * inner * r * (1.0f - r);
    float* to = args.grads + at(args, line, kept, c);
    lane.put(to, gr);
    lane.put(to + width, gz);
    lane.put(to + 2 * width, gn);
    lane.put(to + 3 * width, gn * r);
    put(lane, beside, gr);
    put(lane, beside + args.size, gz);
    put(lane, beside + 2 * args.size, gn * r);
    return g * z;
  }
};

// Gates lie, and are kept, in the order i, f, g, o.
struct LSTM {
  static constexpr int gates = 4, kept = 4, memory = 1, leaves = 2;

  template <class Lane>
  static RECURRA_INLINE Vec step(const Recurrent& args, int64_t line, int64_t c, Lane lane,
                                 const Vec* u, const Vec* sum, Vec, Carried carried) {
    const int64_t width = args.width;
    const float* bias = args.bias + c;
    Vec a[4];
    for (int k = 0; k < 4; ++k) a[k] = u[k] + lane.get(bias + k * width) + sum[k];
    Vec i = sigmoid(a[0]), f = sigmoid(a[1]), g = hyperbolic_tangent(a[2]), o = sigmoid(a[3]);
    Vec now = f * carried.get(0) + i * g;
    carried.put(0, now);
    if (args.keep) {
      float* to = args.gates + at(args, line, kept, c);
      lane.put(to, i);
      lane.put(to + width, f);
      lane.put(to + 2 * width, g);
      lane.put(to + 3 * width, o);
      lane.put(args.memory + at(args, line, 1, c), now);
    }
    return o * hyperbolic_tangent(now);
  }

  template <class Lane, class Number>
  static RECURRA_INLINE Vec back(const Recurrent& args, int64_t row, int64_t line, int64_t before,
                                 int64_t c, Lane lane, Vec grad, Carried carried, Number* beside) {
    const int64_t width = args.width;
    const float* from = args.gates + at(args, line, kept, c);
    Vec i = lane.get(from), f = lane.get(from + width);
    Vec g = lane.get(from + 2 * width), o = lane.get(from + 3 * width);
    Vec read = hyperbolic_tangent(lane.get(args.memory + at(args, line, 1, c)));
    Vec old = lane.get(previous(args, args.memory + at(args, before, 1, 0), 1, row, before) + c);
    Vec within = grad * o * (1.0f - read * read) + carried.get(0);
    Vec grads[4] = {within * g * i * (1.0f - i), within * old * f * (1.0f - f),
                    within * i * (1.0f - g * g), grad * read * o * (1.0f - o)};
    float* to = args.grads + at(args, line, kept, c);
    for (int k = 0; k < 4; ++k) {
      lane.put(to + k * width, grads[k]);
      put(lane, beside + k * args.size, grads[k]);
    }
    carried.put(0, within * f);
    return Vec{};
  }
};

}  // namespace
