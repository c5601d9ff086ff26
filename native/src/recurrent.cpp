// The C interface of cells with a matrix between states: checks, memory, work shared to threads.
#include <string.h>

#include <algorithm>
#include <thread>

#include "kernels.h"
#include "memory.h"
#include "outer_parts.h"
#include "status.h"

#ifdef _OPENMP
#include <omp.h>
#else
static int omp_get_num_threads() { return 1; }
static int omp_get_thread_num() { return 0; }
#endif

namespace recurra {

void Meeting::wait(int64_t all) {
  // looks, less than a ms, before the core is left to others: they keep it for some ms, and the
  // other threads of the team, which wait by then, leave theirs too
  constexpr int patience = 1 << 15;
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
constexpr int64_t SHARED = 1 << 19;  // multiplications of all steps that are worth a second thread
constexpr int64_t AT_ONCE = 48;     // lines that reward a look at all of a matrix

int64_t whole_lines(int64_t floats) { return (floats + LINE - 1) / LINE * LINE; }
int64_t parts(int64_t whole, int64_t part) { return (whole + part - 1) / part; }

// Weights of more numbers than these would not fit into any memory, nor their count into 64 bits.
constexpr int64_t WIDEST = int64_t{1} << 18, MOST_INPUTS = int64_t{1} << 30;

struct Pass {
  const RecurrentKernels& kernels;
  bool back;
};

// Where backward's gradients of weights go; all null, or none but `state_bias`, which GRU has.
struct Weights {
  float *from_input, *bias, *from_state;
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

int64_t steps_of(const recurra_rows& rows) {
  int64_t steps = 0;
  for (int64_t row = 0; row < rows.rows; ++row) steps += rows.length[row];
  return steps;
}

// All steps, row by row: their lines, and where each one's gradients, x and state before lie.
struct Steps {
  int64_t count;
  int64_t* line;
  const float **grads, **x, **before;

  void list(const Recurrent& args, int kept) {
    const recurra_rows& rows = *args.rows;
    int64_t k = 0;
    for (int64_t row = 0; row < rows.rows; ++row) {
      for (int64_t t = 0; t < rows.length[row]; ++t, ++k) {
        line[k] = rows.offset[row] + t * rows.stride;
        grads[k] = args.grads + line[k] * kept * args.width;
        x[k] = args.x + line[k] * args.inputs;
        before[k] = t ? args.h + (line[k] - rows.stride) * args.width
                      : args.initial + row * args.width;
      }
    }
  }
};

// One thread's part of the gradients of the weights: sums of outer products of the gates' gradients
// with x and, for each block of U, with the part of the state that it sees.
void of_weights(const Recurrent& args, const RecurrentKernels& kernels, const Steps& steps,
                const Weights& to, int64_t part, int64_t parts, float* memory) {
  const OuterKernel& kernel = *selected()->outer;
  const int64_t width = args.width, size = args.size;
  const auto add = [&](int64_t gate, int64_t height, const float* const* b, int64_t seen,
                       int64_t across, float* out, float* sum) {
    outer_part(kernel, {steps.count, height, across, gate, seen, steps.grads, b, out, sum}, part,
               parts, memory);
  };
  add(0, kernels.gates * width, steps.x, 0, args.inputs, to.from_input, to.bias);
  if (kernels.kept > kernels.gates && kernels.leaves == 1) {  // GRU: n sees the state through r
    add(0, 2 * width, steps.before, 0, width, to.from_state, nullptr);
    add(3 * width, width, steps.before, 0, width, to.from_state + 2 * width * width,
        to.bias + 3 * width);
  } else if (args.heads == 1) {
    add(0, kernels.gates * width, steps.before, 0, width, to.from_state, nullptr);
  } else {
    for (int64_t block = 0; block < kernels.gates * args.heads; ++block)
      add(block * size, size, steps.before, block % args.heads * size, size,
          to.from_state + block * size * size, nullptr);
  }
}

Status run(const Recurrent& args, int threads, const Pass& pass, const Weights& to) {
  const recurra_rows& rows = *args.rows;
  const RecurrentKernels& kernels = pass.kernels;
  const int64_t count = steps_of(rows), heights = kernels.gates * args.width;
  if (to.from_input && count == 0) {
    memset(to.from_input, 0, static_cast<size_t>(heights * args.inputs) * sizeof(float));
    memset(to.from_state, 0, static_cast<size_t>(heights * args.size) * sizeof(float));
    memset(to.bias, 0, static_cast<size_t>(
        (kernels.leaves == 1 ? kernels.kept : kernels.gates) * args.width) * sizeof(float));
  }
  if (rows.rows == 0) return OK;
  const bool together = by_columns(args, threads, pass), outer = to.from_input && count;
  const int64_t groups = args.heads * parts(args.size, kernels.columns);
  const bool narrow = kernels.bytes < static_cast<int>(sizeof(float));
  const int64_t depth = kernels.depth(pass.back ? kernels.gates * args.size : args.size);
  const int64_t packed = (pass.back ? 1 : kernels.gates) * depth * kernels.columns * kernels.bytes;
  const bool inputs = !pass.back && !narrow;  // are multiplied here
  const int64_t packed_inputs = inputs ? kernels.gates * args.inputs * kernels.columns : 0;
  const int64_t team = together ? std::min<int64_t>(threads, groups) : 1;
  const int64_t teams = together ? 1 : std::min<int64_t>(threads, rows.rows);
  const int64_t most = parts(rows.rows, teams);  // rows of a team
  const bool products = pass.back && count * heights * args.inputs >= SHARED;
  const int64_t everyone = std::max(teams * team, products ? threads : int64_t{1});
  Meeting meeting{};
  Share all{};
  all.meeting = &meeting;
  all.head_stride = whole_lines(args.size);
  // a cache line more than whole ones: rows that are a power of two apart would evict each other
  all.stride = args.heads * all.head_stride + 16;
  all.gates_stride = whole_lines(args.heads * depth) + 16;
  all.leaf_stride = most * all.stride;
  all.lines = std::max(most, std::min(AT_ONCE, count));
  // h_next, and what products take: seen and seen_next, which forward in float32 are h and h_next
  const int64_t second = pass.back ? 0 : all.leaf_stride;
  const int64_t seen = pass.back ? 2 * most * all.gates_stride : narrow ? 2 * all.leaf_stride : 0;
  const int64_t sums = pass.back ? 0 : whole_lines(most * kernels.gates * kernels.columns);
  const int64_t projected =
      inputs ? parts(groups, team) * kernels.gates * kernels.columns * all.lines : 0;
  const int64_t pieces = inputs ? whole_lines(all.lines * kernels.piece) : 0;
  const int64_t each = sums + projected + pieces;  // a thread's own in the time loop
  const int64_t own = args.leaves * all.leaf_stride + second + seen + team * each;
  const int64_t panels = args.grad_x ? parts(args.inputs, kernels.columns) : 0;
  const int64_t blocks = panels ? parts(count, AT_ONCE) : 0;
  const int64_t block = AT_ONCE * (kernels.piece + panels * kernels.columns);
  const int64_t widest = outer_memory(*selected()->outer, heights,
                                      std::max(args.inputs, args.size), everyone);
  const int64_t after = whole_lines(std::max(panels ? block : 0, outer ? widest : 0));
  const int64_t listed = pass.back && (outer || panels) ? count : 0;
  Memory memory(Memory::bytes<char>(groups * packed) + Memory::bytes<float>(groups * packed_inputs) +
                Memory::bytes<float>(panels * heights * kernels.columns) +
                2 * Memory::bytes<int64_t>(rows.rows) + Memory::bytes<float>(teams * own) +
                Memory::bytes<float>(everyone * after) + Memory::bytes<int64_t>(listed) +
                3 * Memory::bytes<const float*>(listed));
  if (!memory) return NO_MEMORY;
  char* weights = memory.take<char>(groups * packed);
  float* input_weights = memory.take<float>(groups * packed_inputs);
  float* of_x = memory.take<float>(panels * heights * kernels.columns);
  int64_t* sorted = memory.take<int64_t>(rows.rows);
  int64_t* dealt = memory.take<int64_t>(rows.rows);
  float* buffers = memory.take<float>(teams * own);
  float* spare = memory.take<float>(everyone * after);
  Steps steps{count, memory.take<int64_t>(listed), memory.take<const float*>(listed),
              memory.take<const float*>(listed), memory.take<const float*>(listed)};
  all.weights = weights, all.input_weights = input_weights;
  deal(rows, teams, sorted, dealt);
  if (listed) steps.list(args, kernels.kept);

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
    share.sums = share.h_next + second + seen + member * each;
    share.projected = share.sums + sums;
    share.piece = share.projected + projected;
    return share;
  };
  const auto pack = pass.back ? kernels.pack_backward : kernels.pack_forward;
  const auto loop = pass.back ? kernels.backward : kernels.forward;
#pragma omp parallel num_threads(everyone) if (everyone > 1)
  {
    const int64_t threads_here = omp_get_num_threads(), me = omp_get_thread_num();
#pragma omp for schedule(static) nowait
    for (int64_t group = 0; group < groups; ++group) {
      pack(args, group, weights + group * packed);
      if (packed_inputs) kernels.pack_inputs(args, group, input_weights + group * packed_inputs);
    }
#pragma omp for schedule(static) nowait
    for (int64_t panel = 0; panel < panels; ++panel)
      kernels.pack_grad_x(args, panel, of_x + panel * heights * kernels.columns);
    // vectors of the last columns reach into the padding, which must be numbers
#pragma omp for schedule(static, 1)
    for (int64_t part = 0; part < teams; ++part)
      memset(buffers + part * own, 0, static_cast<size_t>(own) * sizeof(float));
    // as many members as there are: OpenMP may give fewer threads than it was asked for
    const int64_t members = std::min(team, threads_here);
    if (together) {
      if (me < members) loop(args, share_of(0, me, members));
#pragma omp barrier
    } else {
#pragma omp for schedule(static, 1)
      for (int64_t part = 0; part < teams; ++part) loop(args, share_of(part, 0, 1));
    }
#pragma omp for schedule(dynamic) nowait
    for (int64_t first = 0; first < blocks; ++first)
      kernels.grad_x(args, steps.line + first * AT_ONCE,
                     std::min(AT_ONCE, count - first * AT_ONCE), of_x, spare + me * after);
    if (outer) {
#pragma omp for schedule(static, 1) nowait
      for (int64_t part = 0; part < everyone; ++part)
        of_weights(args, kernels, steps, to, part, everyone, spare + me * after);
    }
  }
  return OK;
}

Status check_cell(const recurra_rows* rows, int64_t width, int threads, int cell, int heads,
                  int format, int64_t inputs) {
  if (const auto status = check(rows, width, threads, 5)) return status;
  if (inputs < 1 || inputs > MOST_INPUTS) return BAD_SIZE;
  if (const auto status = check(rows, inputs, threads, 1)) return status;
  if (width > WIDEST || heads < 1 || width % heads) return BAD_SIZE;
  if (cell < 0 || cell >= RECURRA_CELLS) return UNKNOWN_CELL;
  return format == RECURRA_FLOAT32 || format == RECURRA_BFLOAT16 ? OK : UNKNOWN_FORMAT;
}

const RecurrentKernels& kernels_of(int cell, int format) {
  return format == RECURRA_BFLOAT16 ? selected_narrow()->recurrent[cell]
                                    : selected()->recurrent[cell];
}

Recurrent arguments(const recurra_rows* rows, int64_t width, int heads, int leaves,
                    int64_t inputs) {
  Recurrent args{};
  args.rows = rows, args.width = width, args.inputs = inputs;
  args.heads = heads, args.size = width / heads, args.leaves = leaves;
  return args;
}

}  // namespace
}  // namespace recurra

using recurra::any_null;

extern "C" int recurra_recurrent_forward(const recurra_rows* rows, int64_t width, int threads,
                                         int cell, int heads, int format, int keep, int inputs,
                                         const float* x, const float* from_input,
                                         const float* from_state, const float* bias,
                                         const float* initial, float* gates, float* memory,
                                         float* y, float* last) {
  if (const auto status = recurra::check_cell(rows, width, threads, cell, heads, format, inputs))
    return status;
  const bool narrow = format == RECURRA_BFLOAT16;
  if (any_null(x, from_state, bias, initial, y, last) || (!narrow && !from_input))
    return recurra::NULL_POINTER;
  const recurra::RecurrentKernels& kernels = recurra::kernels_of(cell, format);
  if (narrow && inputs < kernels.gates * width) return recurra::BAD_SIZE;
  if (keep && ((kernels.gates > 1 && !gates) || (kernels.leaves > 1 && !memory)))
    return recurra::NULL_POINTER;
  recurra::Recurrent args = recurra::arguments(rows, width, heads, kernels.leaves, inputs);
  args.keep = keep && kernels.gates > 1;
  args.x = x, args.from_input = from_input;
  args.weight = from_state, args.bias = bias, args.initial = initial;
  args.gates = gates, args.memory = memory, args.y = y, args.last = last;
  return recurra::run(args, threads, {kernels, false}, {});
}

extern "C" int recurra_recurrent_backward(
    const recurra_rows* rows, int64_t width, int threads, int cell, int heads, int format,
    int inputs, const float* x, const float* from_input, const float* from_state, const float* initial,
    const float* y, const float* gates, const float* memory, const float* grad_y,
    const float* grad_last, float* grads, float* grad_initial, float* grad_x,
    float* grad_from_input, float* grad_from_state, float* grad_bias) {
  if (const auto status = recurra::check_cell(rows, width, threads, cell, heads, format, inputs))
    return status;
  const bool narrow = format == RECURRA_BFLOAT16;
  if (any_null(from_state, initial, y, grad_y, grad_last, grads, grad_initial) ||
      (!narrow && any_null(x, from_input)))
    return recurra::NULL_POINTER;
  if (narrow && (grad_x || grad_from_input)) return recurra::UNKNOWN_FORMAT;
  const recurra::RecurrentKernels& kernels = recurra::kernels_of(cell, format);
  if ((kernels.gates > 1 && !gates) || (kernels.leaves > 1 && !memory))
    return recurra::NULL_POINTER;
  if (grad_from_input ? any_null(grad_from_state, grad_bias) : grad_from_state || grad_bias)
    return recurra::NULL_POINTER;
  recurra::Recurrent args = recurra::arguments(rows, width, heads, kernels.leaves, inputs);
  args.x = x, args.from_input = from_input;
  args.weight = from_state, args.initial = initial, args.h = y;
  args.gates = const_cast<float*>(gates), args.memory = const_cast<float*>(memory);
  args.grad_y = grad_y, args.grad_last = grad_last;
  args.grads = grads, args.grad_initial = grad_initial, args.grad_x = grad_x;
  return recurra::run(args, threads, {kernels, true},
                      {grad_from_input, grad_bias, grad_from_state});
}
