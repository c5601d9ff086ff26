// The C interface of MLSTM: checks, memory, rows and heads shared out to threads.
#include <stdlib.h>
#include <string.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <new>

#include "kernels.h"
#include "scratch.h"
#include "status.h"

namespace recurra {
namespace {

constexpr int64_t LONGEST = 1 << 12;  // steps of a chunk
constexpr int64_t WIDEST = 1 << 14;   // numbers of a head: its state has the square of that

Status check_heads(const recurra_rows* rows, int64_t width, int threads, int heads, int chunk) {
  if (heads < 1 || chunk < 1 || chunk > LONGEST || width < 1 || width % heads != 0 ||
      width / heads > WIDEST)
    return BAD_SIZE;
  // a line of u, or the states of a row, whichever is longer
  return check(rows, width, threads, static_cast<int>(std::max<int64_t>(6, width / heads + 2)));
}

Status run(MLSTM args, int threads, MLSTMKernel kernel) {
  const int64_t rows = args.rows->rows;
  if (rows == 0) return OK;
  const int64_t* length = args.rows->length;
  // heads of a row stay together, but where there are fewer rows than threads
  const int64_t wanted = std::min((threads + rows - 1) / rows, args.heads);
  const int64_t heads = (args.heads + wanted - 1) / wanted;
  const int64_t groups = (args.heads + heads - 1) / heads, tasks = rows * groups;
  const int64_t team = std::min<int64_t>(threads, tasks);
  // an odd number of cache lines apart, so that two threads' arrays do not share sets
  const int64_t floats = Scratch(args.width / args.heads, args.chunk, heads, nullptr).floats + 16;
  std::unique_ptr<int64_t[]> order(new (std::nothrow) int64_t[2 * rows]);
  std::unique_ptr<float, void (*)(void*)> memory(
      static_cast<float*>(calloc(static_cast<size_t>(team * floats + 16), sizeof(float))), free);
  if (!order || !memory) return NO_MEMORY;
  float* start = memory.get();
  while (reinterpret_cast<uintptr_t>(start) % 64) ++start;
  int64_t* first = order.get() + rows;
  int64_t chunks = 0;
  for (int64_t b = 0; b < rows; ++b) {
    order[b] = b;
    first[b] = chunks;
    chunks += (length[b] + args.chunk - 1) / args.chunk;
  }
  args.first = first;
  std::sort(order.get(), order.get() + rows, [&](int64_t a, int64_t b) {
    return length[a] != length[b] ? length[a] > length[b] : a < b;
  });
  std::atomic<int64_t> places{0}, next{0};
#pragma omp parallel num_threads(team) if (team > 1)
  {
    float* own = start + places++ * floats;
    // longest first, each to whoever is free
    for (int64_t task = next++; task < tasks; task = next++) {
      const int64_t from = task % groups * heads;
      kernel(args, order[task / groups], from, std::min(from + heads, args.heads), own);
    }
  }
  return OK;
}

}  // namespace
}  // namespace recurra

using recurra::any_null;

extern "C" int recurra_mlstm_forward(const recurra_rows* rows, int64_t width, int threads,
                                     int heads, int chunk, const float* u, const float* c_initial,
                                     const float* n_initial, const float* m_initial, float* y,
                                     float* c_last, float* n_last, float* m_last, float* states) {
  if (const auto status = recurra::check_heads(rows, width, threads, heads, chunk)) return status;
  if (any_null(u, c_initial, n_initial, m_initial, y, c_last, n_last, m_last))
    return recurra::NULL_POINTER;
  recurra::MLSTM args{};
  args.rows = rows, args.width = width, args.heads = heads, args.chunk = chunk;
  args.u = u, args.c_initial = c_initial, args.n_initial = n_initial, args.m_initial = m_initial;
  args.y = y, args.c_last = c_last, args.n_last = n_last, args.m_last = m_last;
  args.states = states;
  return recurra::run(args, threads, recurra::selected()->mlstm->forward);
}

extern "C" int recurra_mlstm_backward(const recurra_rows* rows, int64_t width, int threads,
                                      int heads, int chunk, const float* u, const float* c_initial,
                                      const float* n_initial, const float* m_initial,
                                      const float* y, const float* states, const float* grad_y,
                                      const float* grad_c_last, const float* grad_n_last,
                                      const float* grad_m_last, float* grad_u,
                                      float* grad_c_initial, float* grad_n_initial,
                                      float* grad_m_initial) {
  if (const auto status = recurra::check_heads(rows, width, threads, heads, chunk)) return status;
  if (any_null(u, c_initial, n_initial, m_initial, y, states, grad_y, grad_c_last, grad_n_last,
               grad_m_last, grad_u, grad_c_initial, grad_n_initial, grad_m_initial))
    return recurra::NULL_POINTER;
  recurra::MLSTM args{};
  args.rows = rows, args.width = width, args.heads = heads, args.chunk = chunk;
  args.u = u, args.c_initial = c_initial, args.n_initial = n_initial, args.m_initial = m_initial;
  args.y = const_cast<float*>(y), args.states = const_cast<float*>(states);
  args.grad_y = grad_y;
  args.grad_c_last = grad_c_last, args.grad_n_last = grad_n_last, args.grad_m_last = grad_m_last;
  args.grad_u = grad_u, args.grad_c_initial = grad_c_initial;
  args.grad_n_initial = grad_n_initial, args.grad_m_initial = grad_m_initial;
  return recurra::run(args, threads, recurra::selected()->mlstm->backward);
}
