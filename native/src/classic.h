// Elman, GRU and LSTM: what one step does with the products of h and the weights.
//
// step(...) returns h; back(...) returns the part of the gradient that goes to h directly, and
// writes those of the gates twice: to the caller, and beside it for the product with the weights.
#pragma once

#include "recurrent.h"

namespace {

// Numbers of line `line` of an array with `gates` vectors of `width` in each line.
RECURRA_INLINE int64_t at(const Recurrent& args, int64_t line, int gates, int64_t c) {
  return line * gates * args.width + c;
}

// Before the first step of a row, what is at its initial state.
RECURRA_INLINE const float* previous(const Recurrent& args, const float* all,
                                     const float* initial, int64_t row, int64_t before) {
  return before < 0 ? initial + row * args.width : all + before * args.width;
}

template <bool rectified>
struct Elman {
  static constexpr int gates = 1, blocks = 2;

  template <class Lane>
  static RECURRA_INLINE Vec step(const Recurrent& args, int64_t line, int64_t c, Lane lane,
                                 const Vec* sum, Vec, float*) {
    Vec a = lane.get(args.u + at(args, line, 1, c)) + sum[0];
    if constexpr (rectified) return a < Vec{} ? Vec{} : a;
    return hyperbolic_tangent(a);
  }

  template <class Lane>
  static RECURRA_INLINE Vec back(const Recurrent& args, int64_t, int64_t line, int64_t, int64_t c,
                                 Lane lane, Vec g, float*, float* beside) {
    Vec h = lane.get(args.h + at(args, line, 1, c));
    Vec slope = rectified ? (h > Vec{} ? all(1.0f) : Vec{}) : 1.0f - h * h;
    lane.put(args.grad_u + at(args, line, 1, c), g * slope);
    lane.put(beside, g * slope);
    return Vec{};
  }
};

// Gates lie in the order r, z, n; `gates` keeps r, z, n and U_n h + c_n.
struct GRU {
  static constexpr int gates = 3, blocks = 1;

  template <class Lane>
  static RECURRA_INLINE Vec step(const Recurrent& args, int64_t line, int64_t c, Lane lane,
                                 const Vec* sum, Vec h, float*) {
    const int64_t width = args.width;
    const float* u = args.u + at(args, line, 3, c);
    Vec r = sigmoid(lane.get(u) + sum[0]);
    Gate z = gate(lane.get(u + width) + sum[1]);
    Vec inner = sum[2] + lane.get(args.bias + c);
    Vec n = hyperbolic_tangent(lane.get(u + 2 * width) + r * inner);
    if (args.gates) {
      float* kept = args.gates + at(args, line, 4, c);
      lane.put(kept, r);
      lane.put(kept + width, z.open);
      lane.put(kept + 2 * width, n);
      lane.put(kept + 3 * width, inner);
    }
    return z.shut * n + z.open * h;
  }

  template <class Lane>
  static RECURRA_INLINE Vec back(const Recurrent& args, int64_t row, int64_t line, int64_t before,
                                 int64_t c, Lane lane, Vec g, float*, float* beside) {
    const int64_t width = args.width;
    const float* kept = args.gates + at(args, line, 4, c);
    Vec r = lane.get(kept), z = lane.get(kept + width), n = lane.get(kept + 2 * width);
    Vec inner = lane.get(kept + 3 * width);
    Vec h = lane.get(previous(args, args.h, args.h_initial, row, before) + c);
    Vec gz = g * (h - n) * z * (1.0f - z), gn = g * (1.0f - z) * (1.0f - n * n);
    Vec gr = gn * inner * r * (1.0f - r);
    float* grad_u = args.grad_u + at(args, line, 3, c);
    lane.put(grad_u, gr);
    lane.put(grad_u + width, gz);
    lane.put(grad_u + 2 * width, gn);
    lane.put(args.grad_inner + at(args, line, 1, c), gn * r);
    lane.put(beside, gr);
    lane.put(beside + width, gz);
    lane.put(beside + 2 * width, gn * r);
    return g * z;
  }
};

// Gates lie, and are kept in `gates`, in the order i, f, g, o.
struct LSTM {
  static constexpr int gates = 4, blocks = 1;

  template <class Lane>
  static RECURRA_INLINE Vec step(const Recurrent& args, int64_t line, int64_t c, Lane lane,
                                 const Vec* sum, Vec, float* memory) {
    const int64_t width = args.width;
    const float* u = args.u + at(args, line, 4, c);
    Vec i = sigmoid(lane.get(u) + sum[0]), f = sigmoid(lane.get(u + width) + sum[1]);
    Vec g = hyperbolic_tangent(lane.get(u + 2 * width) + sum[2]);
    Vec o = sigmoid(lane.get(u + 3 * width) + sum[3]);
    Vec now = f * load(memory) + i * g;
    store(memory, now);
    if (args.gates) {
      float* kept = args.gates + at(args, line, 4, c);
      lane.put(kept, i);
      lane.put(kept + width, f);
      lane.put(kept + 2 * width, g);
      lane.put(kept + 3 * width, o);
      lane.put(args.c + at(args, line, 1, c), now);
    }
    return o * hyperbolic_tangent(now);
  }

  template <class Lane>
  static RECURRA_INLINE Vec back(const Recurrent& args, int64_t row, int64_t line, int64_t before,
                                 int64_t c, Lane lane, Vec grad, float* carried, float* beside) {
    const int64_t width = args.width;
    const float* kept = args.gates + at(args, line, 4, c);
    Vec i = lane.get(kept), f = lane.get(kept + width);
    Vec g = lane.get(kept + 2 * width), o = lane.get(kept + 3 * width);
    Vec read = hyperbolic_tangent(lane.get(args.c + at(args, line, 1, c)));
    Vec old = lane.get(previous(args, args.c, args.c_initial, row, before) + c);
    Vec memory = grad * o * (1.0f - read * read) + load(carried);
    Vec grads[4] = {memory * g * i * (1.0f - i), memory * old * f * (1.0f - f),
                    memory * i * (1.0f - g * g), grad * read * o * (1.0f - o)};
    float* grad_u = args.grad_u + at(args, line, 4, c);
    for (int k = 0; k < 4; ++k) {
      lane.put(grad_u + k * width, grads[k]);
      lane.put(beside + k * width, grads[k]);
    }
    store(carried, memory * f);
    return Vec{};
  }
};

}  // namespace
