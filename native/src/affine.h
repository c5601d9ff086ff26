// The scan with decay and inject given.
#pragma once

#include "scan.h"

namespace {

struct Affine {
  template <class Lane>
  static RECURRA_INLINE Step step(const Scan& scan, int64_t line, int64_t c, Lane lane) {
    int64_t at = line * scan.width + c;
    return {lane.get(scan.decay + at), lane.get(scan.inject + at)};
  }

  template <class Lane>
  static RECURRA_INLINE Vec back(const Scan& scan, int64_t line, int64_t c, Lane lane, Vec g,
                                 Vec before) {
    int64_t at = line * scan.width + c;
    lane.put(scan.grad_inject + at, g);
    lane.put(scan.grad_decay + at, g * before);
    return lane.get(scan.decay + at);
  }
};

}  // namespace
