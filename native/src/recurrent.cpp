// The C interface of cells with a matrix between states: checks, memory, work shared to threads.
#include <string.h>

#include <algorithm>
#include <thread>

#include "kernels.h"
#include "memory.h"
#include "status.h"

#ifdef _OPENMP
#include <omp.h>
#else
static int omp_get_num_threads() { return 1; }
static int omp_get_thread_num() { return 0; }
#endif

namespace recurra {

void Meeting::wait(int64_t all) {
  constexpr int patience = 1 << 11;  // looks, some tens of µs, before the core is left to others
  __atomic_add_fetch(&arrived, 1, __ATOMIC_ACQ_REL);
  for (int looks = 0; __atomic_load_n(&arrived, __ATOMIC_ACQUIRE) < all; ++looks) {
    if (looks > patience) {
      std::this_thread::yield();
      continue;
    }
#ifdef RECURRA_X86
    __builtin_ia32_pause();
#endif
  }
}

namespace {

constexpr int64_t LINE = 32;        // floats: two cache lines, and the longest group of columns
constexpr int64_t FEW = 6;          // rows of a thread below which columns are shared out instead
constexpr int64_t WORTH = 1 << 15;  // multiplications of a step that are worth a meeting

int64_t whole_lines(int64_t floats) { return (floats + LINE - 1) / LINE * LINE; }
int64_t parts(int64_t whole, int64_t part) { return (whole + part - 1) / part; }

// Weights of more numbers than this would not fit into any memory, nor their count into 64 bits.
constexpr int64_t WIDEST = int64_t{1} << 18;

struct Pass {
  const RecurrentKernels& kernels;
  bool back;
};

// Whether the threads share the columns of every row, and meet after each step, or the rows.
bool by_columns(const Recurrent& args, int threads, const Pass& pass) {
  const int64_t rows = args.rows->rows;
  return threads > 1 && rows < FEW * threads &&
         rows * pass.kernels.gates * args.width * args.size >= WORTH;
}

// Longest first, then dealt to `teams` like cards: every team has long and short rows.
void deal(const recurra_rows& rows, int64_t teams, int64_t* sorted, int64_t* dealt) {
  for (int64_t i = 0; i < rows.rows; ++i) sorted[i] = i;
  std::sort(sorted, sorted + rows.rows, [&](int64_t a, int64_t b) {
    return rows.length[a] != rows.length[b] ? rows.length[a] > rows.length[b] : a < b;
  });
  for (int64_t team = 0, place = 0; team < teams; ++team)
    for (int64_t i = team; i < rows.rows; i += teams) dealt[place++] = sorted[i];
}

Status run(const Recurrent& args, int threads, const Pass& pass) {
  const recurra_rows& rows = *args.rows;
  if (rows.rows == 0) return OK;
  const bool together = by_columns(args, threads, pass);
  const RecurrentKernels& kernels = pass.kernels;
  const bool narrow = kernels.bytes < static_cast<int>(sizeof(float));
  const int64_t groups = args.heads * parts(args.size, kernels.columns);
  const int64_t depth = kernels.lines(pass.back ? kernels.gates * args.size : args.size);
  const int64_t packed =
      (pass.back ? 1 : kernels.gates) * depth * kernels.columns * kernels.bytes;
  const int64_t team = together ? std::min<int64_t>(threads, groups) : 1;
  const int64_t teams = together ? 1 : std::min<int64_t>(threads, rows.rows);
  const int64_t most = parts(rows.rows, teams);  // rows of a team
  Meeting meeting{};
  Share all{};
  all.meeting = &meeting;
  all.head_stride = whole_lines(args.size);
  // a cache line more than whole ones: rows that are a power of two apart would evict each other
  all.stride = args.heads * all.head_stride + 16;
  all.gates_stride = whole_lines(args.heads * depth) + 16;
  all.leaf_stride = most * all.stride;
  // h_next, and what products take: seen and seen_next, which in float32 are h and h_next
  const int64_t second = pass.back ? 0 : all.leaf_stride;
  const int64_t seen = pass.back ? 2 * most * all.gates_stride : narrow ? 2 * all.leaf_stride : 0;
  const int64_t sums = pass.back ? 0 : whole_lines(most * kernels.gates * kernels.columns);
  const int64_t own = args.leaves * all.leaf_stride + second + seen + team * sums;
  Memory memory(Memory::bytes<char>(groups * packed) + 2 * Memory::bytes<int64_t>(rows.rows) +
                Memory::bytes<float>(teams * own));
  if (!memory) return NO_MEMORY;
  char* weights = memory.take<char>(groups * packed);
  int64_t* sorted = memory.take<int64_t>(rows.rows);
  int64_t* dealt = memory.take<int64_t>(rows.rows);
  float* buffers = memory.take<float>(teams * own);
  all.weights = weights;
  deal(rows, teams, sorted, dealt);

  const auto share_of = [&](int64_t part, int64_t member, int64_t members) {
    Share share = all;
    const int64_t shorter = rows.rows / teams, longer = rows.rows % teams;
    share.count = shorter + (part < longer);
    share.row = dealt + part * shorter + std::min(part, longer);
    share.team = members;
    share.first = groups * member / members;
    share.end = groups * (member + 1) / members;
    share.h = buffers + part * own;
    share.memory = share.h + all.leaf_stride;
    share.h_next = share.h + args.leaves * all.leaf_stride;
    share.seen = share.h_next + second;
    share.seen_next = share.h_next + second + (pass.back ? 0 : seen / 2);
    share.sums = share.h_next + second + seen + member * sums;
    return share;
  };
  const auto pack = pass.back ? kernels.pack_backward : kernels.pack_forward;
  const auto loop = pass.back ? kernels.backward : kernels.forward;
#pragma omp parallel num_threads(teams * team) if (teams * team > 1)
  {
#pragma omp for schedule(static)
    for (int64_t group = 0; group < groups; ++group)
      pack(args, group, weights + group * packed);
    // vectors of the last columns reach into the padding, which must be numbers
#pragma omp for schedule(static, 1)
    for (int64_t part = 0; part < teams; ++part)
      memset(buffers + part * own, 0, static_cast<size_t>(own) * sizeof(float));
    if (together) {
      // as many as there are: OpenMP may give fewer threads than it was asked for
      loop(args, share_of(0, omp_get_thread_num(), omp_get_num_threads()));
    } else {
#pragma omp for schedule(static, 1)
      for (int64_t part = 0; part < teams; ++part) loop(args, share_of(part, 0, 1));
    }
  }
  return OK;
}

Status check_cell(const recurra_rows* rows, int64_t width, int threads, int cell, int heads,
                  int format) {
  if (const auto status = check(rows, width, threads, 5)) return status;
  if (width > WIDEST || heads < 1 || width % heads) return BAD_SIZE;
  if (cell < 0 || cell >= RECURRA_CELLS) return UNKNOWN_CELL;
  return format == RECURRA_FLOAT32 || format == RECURRA_BFLOAT16 ? OK : UNKNOWN_FORMAT;
}

const RecurrentKernels& kernels_of(int cell, int format) {
  return format == RECURRA_BFLOAT16 ? selected_narrow()->recurrent[cell]
                                    : selected()->recurrent[cell];
}

Recurrent arguments(const recurra_rows* rows, int64_t width, int heads, int leaves) {
  Recurrent args{};
  args.rows = rows, args.width = width;
  args.heads = heads, args.size = width / heads, args.leaves = leaves;
  return args;
}

}  // namespace
}  // namespace recurra

using recurra::any_null;

extern "C" int recurra_recurrent_forward(const recurra_rows* rows, int64_t width, int threads,
                                         int cell, int heads, int format, int keep,
                                         const float* weight, const float* bias,
                                         const float* initial, float* gates, float* memory,
                                         float* y, float* last) {
  if (const auto status = recurra::check_cell(rows, width, threads, cell, heads, format))
    return status;
  if (any_null(weight, bias, initial, gates, y, last)) return recurra::NULL_POINTER;
  const recurra::RecurrentKernels& kernels = recurra::kernels_of(cell, format);
  if (kernels.leaves > 1 && keep && !memory) return recurra::NULL_POINTER;
  recurra::Recurrent args = recurra::arguments(rows, width, heads, kernels.leaves);
  args.keep = keep != 0;
  args.weight = weight, args.bias = bias, args.initial = initial;
  args.gates = gates, args.memory = memory, args.y = y, args.last = last;
  return recurra::run(args, threads, {kernels, false});
}

extern "C" int recurra_recurrent_backward(const recurra_rows* rows, int64_t width, int threads,
                                          int cell, int heads, int format,
                                          const float* weight, const float* initial,
                                          const float* y, const float* gates,
                                          const float* memory, const float* grad_y,
                                          const float* grad_last, float* grads,
                                          float* grad_initial) {
  if (const auto status = recurra::check_cell(rows, width, threads, cell, heads, format))
    return status;
  if (any_null(weight, initial, y, grad_y, grad_last, grads, grad_initial))
    return recurra::NULL_POINTER;
  const recurra::RecurrentKernels& kernels = recurra::kernels_of(cell, format);
  if ((kernels.gates > 1 && !gates) || (kernels.leaves > 1 && !memory))
    return recurra::NULL_POINTER;
  recurra::Recurrent args = recurra::arguments(rows, width, heads, kernels.leaves);
  args.weight = weight, args.initial = initial, args.h = y;
  args.gates = const_cast<float*>(gates), args.memory = const_cast<float*>(memory);
  args.grad_y = grad_y, args.grad_last = grad_last;
  args.grads = grads, args.grad_initial = grad_initial;
  return recurra::run(args, threads, {kernels, true});
}
