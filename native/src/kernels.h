// What each instruction set offers, and the arguments that the C interface has checked.
#pragma once

#include <stdint.h>

#include "recurra.h"

namespace recurra {

// One row of a scan, from column `begin` to `end`; pointers as in recurra.h.
struct Scan {
  const recurra_rows* rows;
  int64_t width;
  const float *decay, *inject, *u, *h, *initial, *grad_h, *grad_last;
  float *out, *last, *grad_decay, *grad_inject, *grad_u, *grad_initial;
};

using ScanKernel = void (*)(const Scan&, int64_t row, int64_t begin, int64_t end);

struct Kernels {
  const char* name;
  int lanes;
  ScanKernel affine_forward, affine_backward, mingru_forward, mingru_backward;
};

namespace baseline {
extern const Kernels kernels;
}
namespace avx2 {
extern const Kernels kernels;
}
namespace avx512 {
extern const Kernels kernels;
}

// The kernels taken by recurra_select; nullptr before.
const Kernels* selected();

}  // namespace recurra
