// What each instruction set offers, and the arguments that the C interface has checked.
#pragma once

#include <stdint.h>

#include "recurra.h"
#include "stream.h"

namespace recurra {

constexpr int MOST_FIELDS = 4;

// A scan; pointers as in recurra.h, none of a field null. `stream`: outputs go past the caches.
// `sums` holds, for each chunk and field, the sum of the gradient over the chunk.
struct Scan {
  const recurra_rows* rows;
  int64_t width;
  bool stream;
  recurra_field fields[MOST_FIELDS];
  recurra_gradient gradients[MOST_FIELDS];
  const float *h, *initial, *grad_h, *grad_last;
  float *out, *last, *grad_initial, *sums;
};

// The steps `begin` to `end` of a row, and the number of this chunk among all.
struct Chunk {
  int64_t row, begin, end, index;
};

using ScanKernel = void (*)(const Scan&, const Chunk&, float* one, float* other);

// The kernels of one linear recurrence: see scan.h and join.h. A state is `parts` lines; `biased`: a
// field may have both lines and a constant.
struct ScanKernels {
  int fields, parts;
  bool biased;
  ScanKernel forward, join_forward, backward, join_backward;
  void (*apply)(int64_t width, const float* decays, const float* injects, const float* before,
                float* after);
};

// A cell with a matrix between its states; pointers as in recurra.h. `size` is a head's width.
struct Recurrent {
  const recurra_rows* rows;
  int64_t width, heads, size, leaves, inputs;
  bool keep;
  const float *x, *from_input, *weight, *bias, *initial, *h, *grad_y, *grad_last;
  float *y, *last, *gates, *memory, *grads, *grad_initial, *grad_x;
};

// Where the threads of a team wait for each other.
struct Meeting {
  int64_t arrived;
  // Returns when this was called `all` times in all.
  void wait(int64_t all);
};

// What one thread computes: its rows, longest first, and of them the groups of columns from `first`
// to `end`. h, h_next and each of the other leaves, `leaf_stride` apart, are `count` lines of
// `stride`. What products take lies in seen and seen_next: forward h as narrower numbers, if so, and
// backward, in seen_next, the gates' gradients, twice `count` lines of `gates_stride`. One thread's
// own are `sums` and, forward, `projected`: W x of up to `lines` lines, as lines.h has it, whose
// `piece` lies beside.
struct Share {
  int64_t count, first, end, team;
  int64_t head_stride, stride, gates_stride, leaf_stride, lines;
  const int64_t* row;
  const void* weights;
  const float* input_weights;
  float *h, *h_next, *memory, *sums, *projected, *piece;
  void *seen, *seen_next;
  Meeting* meeting;
};

// The kernels of one cell, whose columns fall into groups of `columns`: for each, the packed
// weights are `gates` panels forward, of depth(a head's width) numbers of `bytes` for each column,
// and backward one, of depth(`gates` times that); those of the inputs are `gates` panels, too. A piece of a line, as lines.h has it, takes `piece`
// numbers. The gradient of x is found for some lines at once: its panels are of `columns` inputs
// and gates * width lines, and `memory` has room for the pieces and for all sums of the lines.
struct RecurrentKernels {
  int gates, kept, leaves, columns, bytes;
  int64_t piece;
  int64_t (*depth)(int64_t numbers);
  void (*pack_inputs)(const Recurrent&, int64_t group, float* to);
  void (*pack_forward)(const Recurrent&, int64_t group, void* to);
  void (*forward)(const Recurrent&, const Share&);
  void (*pack_backward)(const Recurrent&, int64_t group, void* to);
  void (*backward)(const Recurrent&, const Share&);
  void (*pack_grad_x)(const Recurrent&, int64_t panel, float* to);
  void (*grad_x)(const Recurrent&, const int64_t* lines, int64_t count, const float* panels,
                 float* memory);
};

// The same cells with products of bfloat16, without those of the inputs.
struct NarrowKernels {
  RecurrentKernels recurrent[RECURRA_CELLS];
};

// IndRNN; pointers as in recurra.h. `recent` [rows, width] has sums not yet added to grad_each.
struct IndRNN {
  const recurra_rows* rows;
  int64_t width;
  const float *recurrence, *bias, *initial, *grad_h, *grad_last;
  float *h, *last, *grad_u, *grad_each, *grad_initial, *recent;
};

using IndRNNKernel = void (*)(const IndRNN&, int64_t row, int64_t begin, int64_t end);

// An attention pool; pointers as in recurra.h. `recent` [rows, width] has sums not yet added up,
// `slopes` [lines] the gradients of the scores.
struct Pool {
  const recurra_rows* rows;
  int64_t width;
  const float *y, *score, *grad_pooled;
  float *u, *weights, *pooled, *recent, *slopes, *grad_u, *grad_y, *grad_each;
};

using PoolKernel = void (*)(const Pool&, int64_t row);

struct PoolKernels {
  PoolKernel forward, backward;
};

// An MLSTM; pointers as in recurra.h. first[b] is the number of row b's first state in `states`.
struct MLSTM {
  const recurra_rows* rows;
  int64_t width, heads, chunk;
  const int64_t* first;
  const float *u, *c_initial, *n_initial, *m_initial;
  const float *grad_y, *grad_c_last, *grad_n_last, *grad_m_last;
  float *y, *c_last, *n_last, *m_last, *states;
  float *grad_u, *grad_c_initial, *grad_n_initial, *grad_m_initial;
};

using MLSTMKernel = void (*)(const MLSTM&, int64_t row, int64_t from_head, int64_t to_head,
                             float* memory);

struct MLSTMKernels {
  MLSTMKernel forward, backward;
};

// A sum of outer products: out [height, width] = sum over k of (a[k] + a_first) (b[k] + b_first)^T;
// `sum`, where it is not null, is the sum of a's lines.
struct Outer {
  int64_t lines, height, width, a_first, b_first;
  const float *const *a, *const *b;
  float *out, *sum;
};

// The result's lines fall into tiles of `tile`. For n of them, `memory` has n times `pitch` numbers,
// `columns` for each of `lines`, n * tile lines of the width, in whole `columns`, and n * tile more.
struct OuterKernel {
  int64_t tile, columns, pitch, lines;
  void (*run)(const Outer&, int64_t begin, int64_t end, float* memory);
};

struct Kernels {
  int lanes;
  ScanKernels scans[RECURRA_SCANS];
  void (*triad)(int64_t count, float scale, const float* b, const float* c, float* a);
  RecurrentKernels recurrent[RECURRA_CELLS];
  IndRNNKernel indrnn_forward, indrnn_backward;
  const OuterKernel* outer;
  const MLSTMKernels* mlstm;
  const PoolKernels* pool;
  const StreamTable* streams;
};

namespace baseline {
extern const Kernels kernels;
extern const NarrowKernels narrow;
extern const MLSTMKernels mlstm;
extern const OuterKernel outer;
extern const PoolKernels pool;
}
namespace neon {
extern const Kernels kernels;
extern const NarrowKernels narrow;
extern const MLSTMKernels mlstm;
extern const OuterKernel outer;
extern const PoolKernels pool;
}
namespace avx2 {
extern const Kernels kernels;
extern const NarrowKernels narrow;
extern const MLSTMKernels mlstm;
extern const OuterKernel outer;
extern const PoolKernels pool;
}
namespace avx512 {
extern const Kernels kernels;
extern const NarrowKernels narrow;
extern const MLSTMKernels mlstm;
extern const OuterKernel outer;
extern const PoolKernels pool;
}

namespace avx512bf16 {
extern const NarrowKernels narrow;
}
namespace amx {
extern const NarrowKernels narrow;
}
namespace emulated {
extern const NarrowKernels narrow;
}

// The kernels taken by recurra_select; nullptr before.
const Kernels* selected();
const NarrowKernels* selected_narrow();

}  // namespace recurra
