// MinGRU's gates within the scan: nothing but u and h is read or written.
#pragma once

#include "scan.h"

namespace {

struct MinGRU {
  struct Gates {
    Gate z;
    Vec candidate, slope;
  };

  template <class Lane>
  static RECURRA_INLINE Gates gates(const Scan& scan, int64_t line, int64_t c, Lane lane) {
    const float* u = scan.u + 2 * line * scan.width + c;
    Vec a = lane.get(u + scan.width);
    Vec closing = sigmoid(a);
    // g(a) = a + 1/2 where a >= 0, else sigma(a)
    return {gate(lane.get(u)), a >= Vec{} ? a + 0.5f : closing,
            a >= Vec{} ? all(1.0f) : closing * (1.0f - closing)};
  }

  template <class Lane>
  static RECURRA_INLINE Step step(const Scan& scan, int64_t line, int64_t c, Lane lane) {
    Gates now = gates(scan, line, c, lane);
    return {now.z.shut, now.z.open * now.candidate};
  }

  template <class Lane>
  static RECURRA_INLINE Vec back(const Scan& scan, int64_t line, int64_t c, Lane lane, Vec g,
                                 Vec before) {
    Gates now = gates(scan, line, c, lane);
    float* grad_u = scan.grad_u + 2 * line * scan.width + c;
    Vec opened = g * now.z.open;
    lane.put(grad_u, opened * now.z.shut * (now.candidate - before));
    lane.put(grad_u + scan.width, opened * now.slope);
    return now.z.shut;
  }
};

}  // namespace
