// The C interface of IndRNN: checks, and rows and columns shared out to threads.
#include "kernels.h"
#include "memory.h"
#include "status.h"

namespace recurra {
namespace {

// Columns of a piece are whole cache lines, so that no two threads write into one.
constexpr int64_t GRAIN = 16;
// Numbers below which a second thread costs more than it brings.
constexpr int64_t SMALL = 1 << 14;

void run(const IndRNN& args, int threads, IndRNNKernel kernel) {
  const int64_t rows = args.rows->rows, width = args.width;
  if (rows == 0) return;
  const int64_t team = args.rows->lines * width < SMALL ? 1 : threads;
  const int64_t wanted = rows < team ? (team + rows - 1) / rows : 1;
  const int64_t size = ((width + wanted - 1) / wanted + GRAIN - 1) / GRAIN * GRAIN;
  const int64_t pieces = (width + size - 1) / size;
#pragma omp parallel for num_threads(team) schedule(dynamic) if (team > 1)
  for (int64_t i = 0; i < rows * pieces; ++i) {
    const int64_t begin = i % pieces * size;
    kernel(args, i / pieces, begin, begin + size < width ? begin + size : width);
  }
}

}  // namespace
}  // namespace recurra

using recurra::any_null;
using recurra::IndRNN;

extern "C" int recurra_indrnn_forward(const recurra_rows* rows, int64_t width, int threads,
                                      const float* recurrence, const float* bias,
                                      const float* initial, float* h, float* last) {
  if (const auto status = recurra::check(rows, width, threads, 1)) return status;
  if (any_null(recurrence, bias, initial, h, last)) return recurra::NULL_POINTER;
  IndRNN args{};
  args.rows = rows, args.width = width;
  args.recurrence = recurrence, args.bias = bias, args.initial = initial;
  args.h = h, args.last = last;
  recurra::run(args, threads, recurra::selected()->indrnn_forward);
  return recurra::OK;
}

extern "C" int recurra_indrnn_backward(const recurra_rows* rows, int64_t width, int threads,
                                       const float* recurrence, const float* initial,
                                       const float* h, const float* grad_h,
                                       const float* grad_last, float* grad_u, float* grad_each,
                                       float* grad_initial) {
  if (const auto status = recurra::check(rows, width, threads, 1)) return status;
  if (any_null(recurrence, initial, h, grad_h, grad_last, grad_u, grad_each, grad_initial))
    return recurra::NULL_POINTER;
  recurra::Memory memory(recurra::Memory::bytes<float>(rows->rows * width));
  if (!memory) return recurra::NO_MEMORY;
  IndRNN args{};
  args.rows = rows, args.width = width;
  args.recurrence = recurrence, args.initial = initial, args.h = const_cast<float*>(h);
  args.grad_h = grad_h, args.grad_last = grad_last;
  args.grad_u = grad_u, args.grad_each = grad_each, args.grad_initial = grad_initial;
  args.recent = memory.take<float>(rows->rows * width);
  recurra::run(args, threads, recurra::selected()->indrnn_backward);
  return recurra::OK;
}
