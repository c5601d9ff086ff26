// The C interface of the scans: checks, and rows and columns shared out to threads.
#include <stdlib.h>

#include "kernels.h"
#include "status.h"

namespace recurra {
namespace {

// Columns of a piece are whole cache lines, so that no two threads write into one.
constexpr int64_t GRAIN = 16;
// Numbers below which a second thread costs more than it brings.
constexpr int64_t SMALL = 1 << 14;

void run(const Scan& scan, int threads, ScanKernel kernel) {
  const int64_t rows = scan.rows->rows, width = scan.width;
  if (rows == 0) return;
  int64_t team = scan.rows->lines * width < SMALL ? 1 : threads;
  int64_t pieces = rows < team ? (team + rows - 1) / rows : 1;
  const int64_t size = ((width + pieces - 1) / pieces + GRAIN - 1) / GRAIN * GRAIN;
  pieces = (width + size - 1) / size;
  if (team > rows * pieces) team = rows * pieces;
#pragma omp parallel for num_threads(team) schedule(dynamic) if (team > 1)
  for (int64_t i = 0; i < rows * pieces; ++i) {
    const int64_t begin = i % pieces * size;
    kernel(scan, i / pieces, begin, begin + size < width ? begin + size : width);
  }
}

Status run_backward(Scan scan, int threads, ScanKernel kernel) {
  const int64_t numbers = scan.rows->rows * scan.width;
  if (numbers == 0) return OK;
  scan.decay_carried = static_cast<float*>(malloc(static_cast<size_t>(numbers) * sizeof(float)));
  if (!scan.decay_carried) return NO_MEMORY;
  run(scan, threads, kernel);
  free(scan.decay_carried);
  return OK;
}

}  // namespace
}  // namespace recurra

using recurra::Scan;

extern "C" int recurra_affine_forward(const recurra_rows* rows, int64_t width, int threads,
                                      const float* decay, const float* inject,
                                      const float* initial, float* h, float* last) {
  if (const auto status = recurra::check(rows, width, threads, 1)) return status;
  if (recurra::any_null(decay, inject, initial, h, last)) return recurra::NULL_POINTER;
  Scan scan{};
  scan.rows = rows, scan.width = width;
  scan.decay = decay, scan.inject = inject, scan.initial = initial;
  scan.out = h, scan.last = last;
  recurra::run(scan, threads, recurra::selected()->affine_forward);
  return recurra::OK;
}

extern "C" int recurra_affine_backward(const recurra_rows* rows, int64_t width, int threads,
                                       const float* decay, const float* h, const float* initial,
                                       const float* grad_h, const float* grad_last,
                                       float* grad_decay, float* grad_inject,
                                       float* grad_initial) {
  if (const auto status = recurra::check(rows, width, threads, 1)) return status;
  if (recurra::any_null(decay, h, initial, grad_h, grad_last, grad_decay, grad_inject,
                        grad_initial))
    return recurra::NULL_POINTER;
  Scan scan{};
  scan.rows = rows, scan.width = width;
  scan.decay = decay, scan.h = h, scan.initial = initial;
  scan.grad_h = grad_h, scan.grad_last = grad_last;
  scan.grad_decay = grad_decay, scan.grad_inject = grad_inject, scan.grad_initial = grad_initial;
  return recurra::run_backward(scan, threads, recurra::selected()->affine_backward);
}

extern "C" int recurra_mingru_forward(const recurra_rows* rows, int64_t width, int threads,
                                      const float* u, const float* initial, float* h,
                                      float* last) {
  if (const auto status = recurra::check(rows, width, threads, 2)) return status;
  if (recurra::any_null(u, initial, h, last)) return recurra::NULL_POINTER;
  Scan scan{};
  scan.rows = rows, scan.width = width;
  scan.u = u, scan.initial = initial, scan.out = h, scan.last = last;
  recurra::run(scan, threads, recurra::selected()->mingru_forward);
  return recurra::OK;
}

extern "C" int recurra_mingru_backward(const recurra_rows* rows, int64_t width, int threads,
                                       const float* u, const float* h, const float* initial,
                                       const float* grad_h, const float* grad_last, float* grad_u,
                                       float* grad_initial) {
  if (const auto status = recurra::check(rows, width, threads, 2)) return status;
  if (recurra::any_null(u, h, initial, grad_h, grad_last, grad_u, grad_initial))
    return recurra::NULL_POINTER;
  Scan scan{};
  scan.rows = rows, scan.width = width;
  scan.u = u, scan.h = h, scan.initial = initial;
  scan.grad_h = grad_h, scan.grad_last = grad_last;
  scan.grad_u = grad_u, scan.grad_initial = grad_initial;
  return recurra::run_backward(scan, threads, recurra::selected()->mingru_backward);
}
