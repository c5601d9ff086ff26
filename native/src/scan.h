// h_t = decay_t h_{t-1} + inject_t along the lines of one row, whatever makes decay and inject.
//
// Lines are streamed one after the other, a whole line of one array before the next array's: what
// is read and written lies in sequence, and the line before is still in the first cache.
#pragma once

#include "kernels.h"
#include "vector.h"

namespace {

using recurra::Scan;

// Source::step(scan, line, column, lanes) returns {decay, inject}; see affine.cpp.
template <class Source>
void scan_forward(const Scan& scan, int64_t row, int64_t begin, int64_t end) {
  const recurra_rows& rows = *scan.rows;
  const float* before = scan.initial + row * scan.width;
  for (int64_t t = 0; t < rows.length[row]; ++t) {
    int64_t line = rows.offset[row] + t * rows.stride;
    float* out = scan.out + line * scan.width;
    columns(begin, end, [&](int64_t c, auto lane) {
      auto [decay, inject] = Source::step(scan, line, c, lane);
      lane.put(out + c, decay * lane.get(before + c) + inject);
    });
    before = out;
  }
  float* last = scan.last + row * scan.width;
  columns(begin, end, [&](int64_t c, auto lane) { lane.put(last + c, lane.get(before + c)); });
}

// Source::back(scan, line, column, lanes, g, h before) writes its gradients and returns decay.
// g and decay are carried from step to step apart, in grad_initial and in decay_carried: multiplied
// at once, g would be rounded before a gradient is added to it, which, where that is the same at
// every step, loses the same each time: 2e-5 of the gradient after a thousand steps, not 1e-6.
template <class Source>
void scan_backward(const Scan& scan, int64_t row, int64_t begin, int64_t end) {
  const recurra_rows& rows = *scan.rows;
  float* g_carried = scan.grad_initial + row * scan.width;
  float* decay_carried = scan.decay_carried + row * scan.width;
  const float* grad_last = scan.grad_last + row * scan.width;
  columns(begin, end, [&](int64_t c, auto lane) {
    lane.put(g_carried + c, lane.get(grad_last + c));
    lane.put(decay_carried + c, all(1.0f));
  });
  for (int64_t t = rows.length[row] - 1; t >= 0; --t) {
    int64_t line = rows.offset[row] + t * rows.stride;
    const float* grad = scan.grad_h + line * scan.width;
    const float* before = t ? scan.h + (line - rows.stride) * scan.width
                            : scan.initial + row * scan.width;
    columns(begin, end, [&](int64_t c, auto lane) {
      Vec g = lane.get(decay_carried + c) * lane.get(g_carried + c) + lane.get(grad + c);
      lane.put(decay_carried + c, Source::back(scan, line, c, lane, g, lane.get(before + c)));
      lane.put(g_carried + c, g);
    });
  }
  columns(begin, end, [&](int64_t c, auto lane) {
    lane.put(g_carried + c, lane.get(decay_carried + c) * lane.get(g_carried + c));
  });
}

struct Step {
  Vec decay, inject;
};

}  // namespace
