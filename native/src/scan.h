// h_t = decay_t h_{t-1} + inject_t along a chunk of one row, whatever makes decay and inject.
//
// Lines are streamed one after the other. What is written is made in the first cache, then copied,
// a whole line of one array before the next array's: two streams past the caches that take turns
// at every vector are several times slower than one.
#pragma once

#include "fields.h"

namespace {

// `state` is h before the chunk, then h after it.
template <class Cell>
void scan_forward(const Scan& scan, const Chunk& chunk, float* state, float*) {
  constexpr int parts = Cell::parts;
  const int64_t width = scan.width;
  for (int64_t t = chunk.begin; t < chunk.end; ++t) {
    const int64_t line = line_at(scan, chunk.row, t);
    const Fields<Cell> fields(scan, line);
    columns(0, width, [&](int64_t c, auto lane) {
      auto [decay, inject] = fields.step(c, lane);
      auto before = get_number<parts>(lane, state + c, width);
      put_number(lane, state + c, width, multiply_add(decay, before, inject));
    });
    copy(scan.out + line * parts * width, state, parts * width, scan.stream);
  }
  if (scan.stream) settle();
}

// Steps whose arrays lie well within the second cache.
RECURRA_INLINE int64_t steps_near(int64_t state) { return 1 + 8192 / state; }

// Brings what scan_backward reads of the steps `begin` to `end` into the caches, in the direction
// of time: against it, the hardware fetches next to nothing ahead, and a scan takes twice as long.
template <class Cell>
void touch_forward(const Scan& scan, int64_t row, int64_t begin, int64_t end) {
  constexpr int parts = Cell::parts;
  const int64_t width = scan.width;
  for (int64_t t = begin; t < end; ++t) {
    const int64_t line = line_at(scan, row, t);
    for (int k = 0; k < Cell::fields; ++k)
      if (scan.fields[k].stride) touch(scan.fields[k].at + line * scan.fields[k].stride, width);
    touch(scan.grad_h + line * parts * width, parts * width);
    touch(scan.h + line * parts * width, parts * width);
  }
}

// `state` is what later steps add to the gradient of h after the chunk, then that of h before it.
// `scratch` holds lines: decay, and of each field its gradient and the sum of it.
// g and decay are carried from step to step apart, in state and scratch: see multiply_add.
template <class Cell>
void scan_backward(const Scan& scan, const Chunk& chunk, float* state, float* scratch) {
  constexpr int parts = Cell::parts;
  const int64_t width = scan.width;
  float *decays = scratch, *grads = decays + parts * width;
  float* sums = grads + Cell::fields * width;
  columns(0, width, [&](int64_t c, auto lane) {
    put_number(lane, decays + c, width, one<parts>());
    for (int k = 0; k < Cell::fields; ++k) lane.put(sums + k * width + c, Vec{});
  });
  const int64_t near = steps_near(parts * width);
  for (int64_t t = chunk.end - 1, touched = chunk.end; t >= chunk.begin; --t) {
    if (t < touched) {
      touched = t - near > chunk.begin ? t - near : chunk.begin;
      touch_forward<Cell>(scan, chunk.row, touched, t + 1);
    }
    const int64_t line = line_at(scan, chunk.row, t);
    const Fields<Cell> fields(scan, line);
    const float* grad = scan.grad_h + line * parts * width;
    const float* h = t ? scan.h + (line - scan.rows->stride) * parts * width
                       : scan.initial + chunk.row * parts * width;
    columns(0, width, [&](int64_t c, auto lane) {
      auto decay = get_number<parts>(lane, decays + c, width);
      auto g = get_number<parts>(lane, state + c, width);
      g = multiply_add(decay, g, get_number<parts>(lane, grad + c, width));
      put_number(lane, state + c, width, g);
      Vec gradients[Cell::fields];
      decay = fields.back(c, lane, g, get_number<parts>(lane, h + c, width), gradients);
      put_number(lane, decays + c, width, conjugate(decay));
      for (int k = 0; k < Cell::fields; ++k) lane.put(grads + k * width + c, gradients[k]);
    });
    for (int k = 0; k < Cell::fields; ++k) {
      const recurra_gradient& to = scan.gradients[k];
      if (to.at) copy(to.at + line * to.stride, grads + k * width, width, scan.stream);
      if (to.sum) add(sums + k * width, grads + k * width, width);
    }
  }
  columns(0, width, [&](int64_t c, auto lane) {
    auto decay = get_number<parts>(lane, decays + c, width);
    put_number(lane, state + c, width,
               multiply(decay, get_number<parts>(lane, state + c, width)));
  });
  if (scan.stream) settle();
  if (scan.sums)
    memcpy(scan.sums + chunk.index * Cell::fields * width, sums,
           static_cast<size_t>(Cell::fields * width) * sizeof *sums);
}

}  // namespace
