// The C interface of the scans: checks, and whether outputs go past the caches.
#ifndef _WIN32
#include <unistd.h>
#endif

#include "kernels.h"
#include "scan_pass.h"
#include "status.h"

namespace recurra {
namespace {

constexpr int64_t NUMBER = sizeof(float);

// Bytes of the last cache, as far as one thread has it to itself: some systems tell the sum of all.
int64_t last_cache() {
  constexpr int64_t most = int64_t{1} << 25;
#ifdef _SC_LEVEL3_CACHE_SIZE
  static const int64_t told = sysconf(_SC_LEVEL3_CACHE_SIZE);
  if (told > 0 && told < most) return told;
#endif
  return most;
}

bool fits(const recurra_rows& rows, int64_t stride, int64_t least) {
  constexpr int64_t LARGEST = int64_t{1} << 40;
  return stride >= least && stride < LARGEST / (rows.lines > 1 ? rows.lines : 1);
}

Status check_fields(const recurra_rows& rows, const ScanKernels& kernels,
                    const recurra_field* fields) {
  if (!fields) return NULL_POINTER;
  for (int k = 0; k < kernels.fields; ++k) {
    if (!fields[k].at) continue;
    if (!fits(rows, fields[k].stride, 0)) return BAD_SIZE;
    if (fields[k].constant && !kernels.biased) return BAD_FIELD;
  }
  return OK;
}

Status check_gradients(const recurra_rows& rows, int64_t width, const ScanKernels& kernels,
                       const recurra_gradient* gradients) {
  if (!gradients) return NULL_POINTER;
  for (int k = 0; k < kernels.fields; ++k)
    if (gradients[k].at && !fits(rows, gradients[k].stride, width)) return BAD_SIZE;
  return OK;
}

// Whether what is read and written, `lines` lines per step, is more than a cache holds. What lies
// where something was read is in the caches already.
bool goes_past_caches(const Scan& scan, const ScanKernels& kernels, int64_t lines) {
  for (int k = 0; k < kernels.fields; ++k) {
    const float* at = scan.fields[k].at;
    lines += at != nullptr;
    for (int j = 0; j < kernels.fields; ++j) {
      const float* to = scan.gradients[j].at;
      if (to && (to == at || (scan.grad_h <= to && to < scan.grad_h + kernels.parts * scan.width)))
        return false;
    }
    lines += scan.gradients[k].at != nullptr;
    if (at && scan.out <= at && at < scan.out + kernels.parts * scan.width) return false;
  }
  return scan.rows->lines * scan.width * lines * NUMBER > last_cache();
}

}  // namespace
}  // namespace recurra

using recurra::Scan;

extern "C" int recurra_scan_forward(const recurra_rows* rows, int64_t width, int threads, int cell,
                                    const recurra_field* fields, const float* initial, float* h,
                                    float* last) {
  if (const auto status = recurra::check(rows, width, threads, recurra::MOST_FIELDS)) return status;
  if (cell < 0 || cell >= RECURRA_SCANS) return recurra::UNKNOWN_CELL;
  const recurra::ScanKernels& kernels = recurra::selected()->scans[cell];
  if (recurra::any_null(initial, h, last)) return recurra::NULL_POINTER;
  if (const auto status = recurra::check_fields(*rows, kernels, fields)) return status;
  Scan scan{};
  scan.rows = rows, scan.width = width;
  scan.initial = initial, scan.out = h, scan.last = last;
  for (int k = 0; k < kernels.fields; ++k) scan.fields[k] = fields[k];
  scan.stream = recurra::goes_past_caches(scan, kernels, kernels.parts);
  return recurra::run(scan, {false, kernels, initial, last}, threads);
}

extern "C" int recurra_scan_backward(const recurra_rows* rows, int64_t width, int threads,
                                     int cell, const recurra_field* fields, const float* initial,
                                     const float* h, const float* grad_h, const float* grad_last,
                                     const recurra_gradient* gradients, float* grad_initial) {
  if (const auto status = recurra::check(rows, width, threads, recurra::MOST_FIELDS)) return status;
  if (cell < 0 || cell >= RECURRA_SCANS) return recurra::UNKNOWN_CELL;
  const recurra::ScanKernels& kernels = recurra::selected()->scans[cell];
  if (recurra::any_null(initial, h, grad_h, grad_last, grad_initial)) return recurra::NULL_POINTER;
  if (const auto status = recurra::check_fields(*rows, kernels, fields)) return status;
  if (const auto status = recurra::check_gradients(*rows, width, kernels, gradients)) return status;
  Scan scan{};
  scan.rows = rows, scan.width = width;
  scan.initial = initial, scan.h = h, scan.grad_h = grad_h, scan.grad_last = grad_last;
  scan.grad_initial = grad_initial;
  for (int k = 0; k < kernels.fields; ++k)
    scan.fields[k] = fields[k], scan.gradients[k] = gradients[k];
  scan.stream = recurra::goes_past_caches(scan, kernels, 2 * kernels.parts);
  return recurra::run(scan, {true, kernels, grad_last, grad_initial}, threads);
}

extern "C" int recurra_triad(int64_t count, int threads, float scale, const float* b,
                             const float* c, float* a) {
  if (!recurra::selected()) return recurra::NOT_SELECTED;
  if (recurra::any_null(a, b, c)) return recurra::NULL_POINTER;
  if (count < 0 || threads < 1 || threads > recurra::MOST_THREADS) return recurra::BAD_SIZE;
  // whole pages each, so that no two threads write into one
  const int64_t part = (count / threads / 1024 + 1) * 1024;
#pragma omp parallel for num_threads(threads) schedule(static, 1) if (threads > 1)
  for (int64_t begin = 0; begin < count; begin += part)
    recurra::selected()->triad(begin + part < count ? part : count - begin, scale, b + begin,
                               c + begin, a + begin);
  return recurra::OK;
}
