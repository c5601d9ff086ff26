// The C interface of cells with a matrix between states: checks, memory, rows shared to threads.
#include <stdlib.h>
#include <string.h>

#include <algorithm>

#include "kernels.h"
#include "status.h"

namespace recurra {
namespace {

constexpr int64_t LINE = 16;  // floats of a cache line

int64_t whole_lines(int64_t floats) { return (floats + LINE - 1) / LINE * LINE; }

// All memory of one call, taken once before the first step.
class Memory {
 public:
  explicit Memory(int64_t bytes) : start_(malloc(static_cast<size_t>(bytes) + 64)) {
    next_ = reinterpret_cast<char*>((reinterpret_cast<uintptr_t>(start_) + 63) & ~uintptr_t{63});
  }
  ~Memory() { free(start_); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  explicit operator bool() const { return start_ != nullptr; }

  template <class T>
  T* take(int64_t count) {
    T* taken = reinterpret_cast<T*>(next_);
    next_ += bytes<T>(count);
    return taken;
  }
  template <class T>
  static int64_t bytes(int64_t count) {
    return (count * static_cast<int64_t>(sizeof(T)) + 63) / 64 * 64;
  }

 private:
  void* start_;
  char* next_;
};

struct Pass {
  void (*pack)(const Recurrent&, int64_t, float*);
  void (*run)(const Recurrent&, const Share&);
  int64_t panels, panel_floats, gates_stride;
};

// Weights of more numbers than this would not fit into any memory, nor their count into 64 bits.
constexpr int64_t WIDEST = int64_t{1} << 18;

Status run(const Recurrent& args, int threads, const Pass& pass) {
  const recurra_rows& rows = *args.rows;
  if (rows.rows == 0) return OK;
  const int64_t team = std::min<int64_t>(threads, rows.rows);
  const int64_t most = (rows.rows + team - 1) / team;  // rows of one thread
  // one line more than whole ones: rows that are a power of two apart would evict each other
  const int64_t stride = whole_lines(args.width) + LINE;
  const int64_t second = std::max(stride, pass.gates_stride);
  const int64_t bytes = Memory::bytes<float>(pass.panels * pass.panel_floats) +
                        2 * Memory::bytes<int64_t>(rows.rows) +
                        team * (Memory::bytes<const float*>(most) +
                                2 * Memory::bytes<float>(most * stride) +
                                Memory::bytes<float>(most * second));
  Memory memory(bytes);
  if (!memory) return NO_MEMORY;
  float* weights = memory.take<float>(pass.panels * pass.panel_floats);
  int64_t* sorted = memory.take<int64_t>(rows.rows);
  int64_t* dealt = memory.take<int64_t>(rows.rows);
  for (int64_t i = 0; i < rows.rows; ++i) sorted[i] = i;
  std::sort(sorted, sorted + rows.rows, [&](int64_t a, int64_t b) {
    return rows.length[a] != rows.length[b] ? rows.length[a] > rows.length[b] : a < b;
  });
  // Dealt like cards: every thread has long and short rows.
  int64_t place = 0;
  for (int64_t part = 0; part < team; ++part)
    for (int64_t i = part; i < rows.rows; i += team) dealt[place++] = sorted[i];
  char* own = memory.take<char>(0);
  const int64_t own_bytes = Memory::bytes<const float*>(most) +
                            2 * Memory::bytes<float>(most * stride) +
                            Memory::bytes<float>(most * second);
#pragma omp parallel num_threads(team) if (team > 1)
  {
#pragma omp for schedule(static)
    for (int64_t panel = 0; panel < pass.panels; ++panel)
      pass.pack(args, panel, weights + panel * pass.panel_floats);
#pragma omp for schedule(static, 1)
    for (int64_t part = 0; part < team; ++part) {
      const int64_t shorter = rows.rows / team, longer = rows.rows % team;
      Share share{};
      share.count = shorter + (part < longer);
      share.row = dealt + part * shorter + std::min(part, longer);
      share.stride = stride, share.gates_stride = pass.gates_stride;
      share.weights = weights;
      char* at = own + part * own_bytes;
      share.lines = reinterpret_cast<const float**>(at);
      at += Memory::bytes<const float*>(most);
      share.h = reinterpret_cast<float*>(at);
      share.c = reinterpret_cast<float*>(at + Memory::bytes<float>(most * stride));
      share.h_next = reinterpret_cast<float*>(at + 2 * Memory::bytes<float>(most * stride));
      // vectors of the last columns reach into the padding, which must be numbers
      memset(at, 0, static_cast<size_t>(own_bytes - Memory::bytes<const float*>(most)));
      pass.run(args, share);
    }
  }
  return OK;
}

int64_t parts(int64_t whole, int64_t part) { return (whole + part - 1) / part; }

}  // namespace
}  // namespace recurra

using recurra::any_null;
using recurra::Recurrent;

extern "C" int recurra_recurrent_forward(const recurra_rows* rows, int64_t width, int threads,
                                         int cell, const float* u, const float* weight,
                                         const float* bias, const float* h_initial,
                                         const float* c_initial, float* y, float* h_last,
                                         float* c_last, float* gates, float* c) {
  if (const auto status = recurra::check(rows, width, threads, 4)) return status;
  if (width > recurra::WIDEST) return recurra::BAD_SIZE;
  if (cell < 0 || cell >= RECURRA_CELLS) return recurra::UNKNOWN_CELL;
  if (any_null(u, weight, h_initial, y, h_last)) return recurra::NULL_POINTER;
  if (cell == RECURRA_GRU && any_null(bias)) return recurra::NULL_POINTER;
  if (cell == RECURRA_LSTM && (any_null(c_initial, c_last) || (gates && !c)))
    return recurra::NULL_POINTER;
  const recurra::RecurrentKernels& kernels = recurra::selected()->recurrent[cell];
  Recurrent args{};
  args.rows = rows, args.width = width;
  args.u = u, args.weight = weight, args.bias = bias;
  args.h_initial = h_initial, args.y = y, args.h_last = h_last, args.gates = gates;
  if (cell == RECURRA_LSTM) args.c_initial = c_initial, args.c_last = c_last, args.c = c;
  return recurra::run(args, threads,
                      {kernels.pack_forward, kernels.forward,
                       recurra::parts(width, kernels.forward_columns),
                       width * kernels.forward_panel, 0});
}

extern "C" int recurra_recurrent_backward(const recurra_rows* rows, int64_t width, int threads,
                                          int cell, const float* weight, const float* h_initial,
                                          const float* c_initial, const float* y,
                                          const float* gates, const float* c,
                                          const float* grad_y, const float* grad_h_last,
                                          const float* grad_c_last, float* grad_u,
                                          float* grad_inner, float* grad_h_initial,
                                          float* grad_c_initial) {
  if (const auto status = recurra::check(rows, width, threads, 4)) return status;
  if (width > recurra::WIDEST) return recurra::BAD_SIZE;
  if (cell < 0 || cell >= RECURRA_CELLS) return recurra::UNKNOWN_CELL;
  if (any_null(weight, h_initial, y, grad_y, grad_h_last, grad_u, grad_h_initial))
    return recurra::NULL_POINTER;
  if (cell == RECURRA_GRU && any_null(gates, grad_inner)) return recurra::NULL_POINTER;
  if (cell == RECURRA_LSTM && any_null(gates, c, c_initial, grad_c_last, grad_c_initial))
    return recurra::NULL_POINTER;
  const recurra::RecurrentKernels& kernels = recurra::selected()->recurrent[cell];
  Recurrent args{};
  args.rows = rows, args.width = width;
  args.weight = weight, args.h_initial = h_initial, args.h = y;
  args.gates = const_cast<float*>(gates), args.c = const_cast<float*>(c);
  args.grad_y = grad_y, args.grad_h_last = grad_h_last;
  args.grad_u = grad_u, args.grad_inner = grad_inner, args.grad_h_initial = grad_h_initial;
  if (cell == RECURRA_LSTM) {
    args.c_initial = c_initial;
    args.grad_c_last = grad_c_last, args.grad_c_initial = grad_c_initial;
  }
  const int64_t depth = kernels.gates * width;
  return recurra::run(args, threads,
                      {kernels.pack_backward, kernels.backward,
                       recurra::parts(width, kernels.backward_columns),
                       depth * kernels.backward_panel,
                       recurra::whole_lines(depth) + recurra::LINE});
}
