// The C interface of the attention pool: checks, and rows shared out to threads.
#include "kernels.h"
#include "memory.h"
#include "status.h"

namespace recurra {
namespace {

// Numbers below which a second thread costs more than it brings.
constexpr int64_t SMALL = 1 << 14;

void run(const Pool& args, int threads, PoolKernel kernel) {
  const bool several = threads > 1 && args.rows->lines * args.width >= SMALL;
#pragma omp parallel for num_threads(threads) schedule(dynamic) if (several)
  for (int64_t row = 0; row < args.rows->rows; ++row) kernel(args, row);
}

}  // namespace
}  // namespace recurra

using recurra::any_null;
using recurra::Pool;

extern "C" int recurra_pool_forward(const recurra_rows* rows, int64_t width, int threads,
                                    const float* y, float* u, const float* score, float* weights,
                                    float* pooled) {
  if (const auto status = recurra::check(rows, width, threads, 1)) return status;
  if (any_null(y, u, score, weights, pooled)) return recurra::NULL_POINTER;
  recurra::Memory memory(recurra::Memory::bytes<float>(rows->rows * width));
  if (!memory) return recurra::NO_MEMORY;
  Pool args{};
  args.rows = rows, args.width = width;
  args.recent = memory.take<float>(rows->rows * width);
  args.y = y, args.u = u, args.score = score, args.weights = weights, args.pooled = pooled;
  recurra::run(args, threads, recurra::selected()->pool->forward);
  return recurra::OK;
}

extern "C" int recurra_pool_backward(const recurra_rows* rows, int64_t width, int threads,
                                     const float* y, const float* u, const float* score,
                                     const float* weights, const float* grad_pooled,
                                     float* grad_u, float* grad_y, float* grad_each) {
  if (const auto status = recurra::check(rows, width, threads, 1)) return status;
  if (any_null(y, u, score, weights, grad_pooled, grad_u, grad_y, grad_each))
    return recurra::NULL_POINTER;
  recurra::Memory memory(recurra::Memory::bytes<float>(rows->rows * width) +
                         recurra::Memory::bytes<float>(rows->lines));
  if (!memory) return recurra::NO_MEMORY;
  Pool args{};
  args.rows = rows, args.width = width;
  args.y = y, args.u = const_cast<float*>(u), args.score = score;
  args.weights = const_cast<float*>(weights), args.grad_pooled = grad_pooled;
  args.grad_u = grad_u, args.grad_y = grad_y, args.grad_each = grad_each;
  args.recent = memory.take<float>(rows->rows * width);
  args.slopes = memory.take<float>(rows->lines);
  recurra::run(args, threads, recurra::selected()->pool->backward);
  return recurra::OK;
}
