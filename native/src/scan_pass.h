// A scan over all rows, forward or backward, shared out to threads.
#pragma once

#include "kernels.h"
#include "status.h"

namespace recurra {

// `start` and `end` are states of all rows: h before and after them, or its gradients.
struct Pass {
  bool backward;
  const ScanKernels& kernels;
  const float* start;
  float* end;
};

Status run(Scan& scan, const Pass& pass, int threads);

}  // namespace recurra
