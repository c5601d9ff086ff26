// The mean over the lines of one row, weighed by softmax(score . tanh u).
#pragma once

#include "kernels.h"
#include "tile.h"

namespace {

using recurra::Pool;

// Calls body(line) for each step of a row.
template <class Body>
RECURRA_INLINE void each_line(const Pool& args, int64_t row, Body body) {
  const recurra_rows& rows = *args.rows;
  for (int64_t t = 0; t < rows.length[row]; ++t) body(rows.offset[row] + t * rows.stride, t);
}

// to [width] = the sum over a row's lines of the vectors term(line, column, lane). A long sum alone
// loses digits: the terms of 64 lines are added up before their sum is.
template <class Term>
RECURRA_INLINE void add_up(const Pool& args, int64_t row, float* to, Term term) {
  const int64_t width = args.width;
  float* recent = args.recent + row * width;
  const auto gather = [&] {
    columns(0, width, [&](int64_t c, auto lane) {
      lane.put(to + c, lane.get(to + c) + lane.get(recent + c));
      lane.put(recent + c, Vec{});
    });
  };
  memset(to, 0, static_cast<size_t>(width) * sizeof *to);
  memset(recent, 0, static_cast<size_t>(width) * sizeof *recent);
  each_line(args, row, [&](int64_t line, int64_t t) {
    columns(0, width, [&](int64_t c, auto lane) {
      lane.put(recent + c, lane.get(recent + c) + term(line, c, lane));
    });
    if (t % 64 == 63) gather();
  });
  gather();
}

void pool_forward(const Pool& args, int64_t row) {
  const int64_t width = args.width;
  float* const weights = args.weights;
  float most = -3.40282347e38f;
  each_line(args, row, [&](int64_t line, int64_t) {
    float* u = args.u + line * width;
    Vec sum = {};
    columns(0, width, [&](int64_t c, auto lane) {
      Vec open = hyperbolic_tangent(lane.get(u + c));
      lane.put(u + c, open);
      sum += open * lane.get(args.score + c);
    });
    weights[line] = total(sum);
    most = weights[line] > most ? weights[line] : most;
  });
  double sum = 0;
  each_line(args, row, [&](int64_t line, int64_t) {
    const float below = weights[line] - most;
    sum += weights[line] = below < -86.0f ? 0.0f : exponential(all(below))[0];
  });
  const float factor = static_cast<float>(1 / sum);
  each_line(args, row, [&](int64_t line, int64_t) { weights[line] *= factor; });
  add_up(args, row, args.pooled + row * width, [&](int64_t line, int64_t c, auto lane) {
    return weights[line] * lane.get(args.y + line * width + c);
  });
}

void pool_backward(const Pool& args, int64_t row) {
  const int64_t width = args.width;
  const float* const grad = args.grad_pooled + row * width;
  float* const slopes = args.slopes;
  double sum = 0;
  each_line(args, row, [&](int64_t line, int64_t) {
    slopes[line] = dot(grad, args.y + line * width, width);
    sum += static_cast<double>(args.weights[line]) * slopes[line];
  });
  const float mean = static_cast<float>(sum);
  each_line(args, row,
            [&](int64_t line, int64_t) { slopes[line] = args.weights[line] * (slopes[line] - mean); });
  add_up(args, row, args.grad_each + row * width, [&](int64_t line, int64_t c, auto lane) {
    const int64_t place = line * width + c;
    const Vec open = lane.get(args.u + place), slope = all(slopes[line]);
    lane.put(args.grad_u + place, slope * lane.get(args.score + c) * (1.0f - open * open));
    lane.put(args.grad_y + place, args.weights[line] * lane.get(grad + c));
    return slope * open;
  });
}

}  // namespace
