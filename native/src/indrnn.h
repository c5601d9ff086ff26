// h_t = relu(W x_t + b + u h_{t-1}) along the lines of one row: not linear, so no scan, but no matrix.
#pragma once

#include "kernels.h"
#include "vector.h"

namespace {

using recurra::IndRNN;

void indrnn_forward(const IndRNN& args, int64_t row, int64_t begin, int64_t end) {
  const recurra_rows& rows = *args.rows;
  const float* before = args.initial + row * args.width;
  for (int64_t t = 0; t < rows.length[row]; ++t) {
    float* h = args.h + (rows.offset[row] + t * rows.stride) * args.width;
    columns(begin, end, [&](int64_t c, auto lane) {
      Vec a = lane.get(h + c) + lane.get(args.bias + c);
      a += lane.get(args.recurrence + c) * lane.get(before + c);
      lane.put(h + c, a < Vec{} ? Vec{} : a);
    });
    before = h;
  }
  float* last = args.last + row * args.width;
  columns(begin, end, [&](int64_t c, auto lane) { lane.put(last + c, lane.get(before + c)); });
}

// grad_initial carries the gradient of h from step to step.
void indrnn_backward(const IndRNN& args, int64_t row, int64_t begin, int64_t end) {
  constexpr int64_t terms = 64;  // added up before their sum is: a long sum alone loses digits
  const recurra_rows& rows = *args.rows;
  const int64_t first = row * args.width;
  float *carried = args.grad_initial + first, *recent = args.recent + first;
  float* each = args.grad_each + first;
  columns(begin, end, [&](int64_t c, auto lane) {
    lane.put(carried + c, lane.get(args.grad_last + first + c));
    lane.put(recent + c, Vec{});
    lane.put(each + c, Vec{});
  });
  const auto gather = [&] {
    columns(begin, end, [&](int64_t c, auto lane) {
      lane.put(each + c, lane.get(each + c) + lane.get(recent + c));
      lane.put(recent + c, Vec{});
    });
  };
  for (int64_t t = rows.length[row] - 1; t >= 0; --t) {
    const int64_t line = (rows.offset[row] + t * rows.stride) * args.width;
    const float* before = t ? args.h + line - rows.stride * args.width : args.initial + first;
    columns(begin, end, [&](int64_t c, auto lane) {
      Vec g = lane.get(args.grad_h + line + c) + lane.get(carried + c);
      g = lane.get(args.h + line + c) > Vec{} ? g : Vec{};
      lane.put(args.grad_u + line + c, g);
      lane.put(recent + c, lane.get(recent + c) + g * lane.get(before + c));
      lane.put(carried + c, g * lane.get(args.recurrence + c));
    });
    if (t % terms == 0) gather();
  }
}

}  // namespace
