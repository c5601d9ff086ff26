/* recurra's native kernels: a plain C interface on raw pointers to float32 in main memory.
 *
 * A function returns 0, or a code whose text is recurra_text(code). It checks every size and every
 * row's place before it touches memory, and keeps no pointer after it returns.
 */
#ifndef RECURRA_H
#define RECURRA_H

#include <stdint.h>

#if defined(_WIN32)
#define RECURRA_API __declspec(dllexport)
#else
#define RECURRA_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Where the steps of each sequence lie: step t of row b is line offset[b] + t * stride of every
 * [lines, width] array. So batch-first, time-major, reversed and ragged batches need no copies. */
typedef struct {
  int64_t rows;
  int64_t lines;
  int64_t stride;
  const int64_t* offset;
  const int64_t* length;
} recurra_rows;

RECURRA_API int recurra_version(void);
RECURRA_API const char* recurra_text(int code);

/* Take the instruction set of this name (baseline, avx2, avx512, avx512bf16, amx, neon), or with NULL
 * the best one here; to be called once before any kernel. */
RECURRA_API int recurra_select(const char* name);
RECURRA_API const char* recurra_selected(void);

/* Whether it multiplies numbers of bfloat16; else they are widened to float32 first. */
RECURRA_API int recurra_multiplies_bfloat16(void);

/* Who made the processor: amd, intel, or "" for others. */
RECURRA_API const char* recurra_vendor(void);

/* Linear recurrences: h_t = decay_t h_{t-1} + inject_t, where decay and inject are made of fields on
 * the way: numbers of [lines, width], the i-th line at `at + i * stride`, plus a `constant` [width].
 * Either may be NULL, and of AFFINE and ROTATION one must be. Arrays of h, of its state and of their gradients are [lines or rows, width],
 * for complex h [.., 2 * width], real parts first. Fields, in this order:
 *   AFFINE    decay, inject
 *   ROTATION  decay and inject of complex h: Re decay, Im decay, Re inject, Im inject
 *   MINGRU    z, candidate
 *   MINLSTM   f, i, candidate
 *   RGLRU     v, r, i, log sigma(Lambda)^8
 */
enum {
  RECURRA_AFFINE,
  RECURRA_ROTATION,
  RECURRA_MINGRU,
  RECURRA_MINLSTM,
  RECURRA_RGLRU,
  RECURRA_SCANS
};

typedef struct {
  const float* at;
  int64_t stride;
  const float* constant;
} recurra_field;

/* Where the gradient of a field goes: line by line, and summed over all lines, which is the
 * constant's. Either may be NULL. */
typedef struct {
  float* at;
  int64_t stride;
  float* sum;
} recurra_gradient;

/* `last` is h after each row's last step. h may lie over one or more fields that lie like it. */
RECURRA_API int recurra_scan_forward(const recurra_rows* rows, int64_t width, int threads, int cell,
                                     const recurra_field* fields, const float* initial, float* h,
                                     float* last);
/* Gradients may lie over fields, and over grad_h, that lie like them. */
RECURRA_API int recurra_scan_backward(const recurra_rows* rows, int64_t width, int threads,
                                      int cell, const recurra_field* fields, const float* initial,
                                      const float* h, const float* grad_h, const float* grad_last,
                                      const recurra_gradient* gradients, float* grad_initial);

/* Copy between a padded batch [rows, time, width] and lines [lines, width] whose rows' steps follow
 * one another; unpack writes zeros beyond lengths. */
RECURRA_API int recurra_pack(const recurra_rows* rows, int64_t width, int threads, int time,
                             const float* padded, float* lines);
RECURRA_API int recurra_unpack(const recurra_rows* rows, int64_t width, int threads, int time,
                               const float* lines, float* padded);

/* out [height, width] = a^T b, a sum of outer products over all lines: a is [lines, height], its lines
 * `a_stride` numbers apart, b [lines, width], its lines `b_stride` apart. */
RECURRA_API int recurra_transposed_product(int64_t lines, int threads, const float* a,
                                           int64_t a_stride, int64_t height, const float* b,
                                           int64_t b_stride, int64_t width, float* out);

/* a = b + scale c over `count` numbers, stored past the caches: the measure of bandwidth. */
RECURRA_API int recurra_triad(int64_t count, int threads, float scale, const float* b,
                              const float* c, float* a);

/* Numbers that products take. */
enum { RECURRA_FLOAT32, RECURRA_FLOAT16, RECURRA_BFLOAT16, RECURRA_INT8, RECURRA_FORMATS };

/* Cells with a matrix between their states. x is [lines, inputs]; `from_input` is W, `from_state` is
 * U [gates, heads, size, size], heads * size the width; SLSTM alone has more than one head. `bias` is
 * b, for GRU [4 * width], b and c_n. `initial`, `last` and their gradients are [leaves, rows, width],
 * leaves in the order of the cell's state, h first.
 * Where `keep` is not 0, forward leaves what backward needs in `gates` [lines, k * width], k = 4 for
 * GRU and LSTM, 5 for SLSTM, and in `memory` c [lines, width] of LSTM, c and n [lines, 2 * width] of
 * SLSTM; else both may be NULL. Elman's backward needs but y.
 * Backward returns in `grads`, of the size of `gates` (for Elman of y), the gradients of W x, and for
 * GRU beside them that of U_n h + c_n; `grads` may be `gates` itself. `grad_x` may be NULL, and so
 * may all of the weights' gradients, which are like the weights.
 * In `format` RECURRA_BFLOAT16 products with U round both of their sides to that, once, and sum in
 * float32; all else, and all that lies in memory, is float32. Products with W are the caller's: x is
 * W x, of whose `inputs` numbers a line the first are the gates', and `from_input` is NULL; `gates`, or
 * Elman's y, may be x itself. Backward has no use for x, and finds neither its gradient nor those of
 * weights, which are NULL. */
enum {
  RECURRA_ELMAN_TANH,
  RECURRA_ELMAN_RELU,
  RECURRA_GRU,
  RECURRA_LSTM,
  RECURRA_SLSTM_SIGMOID, /* by its forget gate */
  RECURRA_SLSTM_EXP,
  RECURRA_CELLS
};

RECURRA_API int recurra_recurrent_forward(const recurra_rows* rows, int64_t width, int threads,
                                          int cell, int heads, int format, int keep, int inputs,
                                          const float* x, const float* from_input,
                                          const float* from_state, const float* bias,
                                          const float* initial, float* gates, float* memory,
                                          float* y, float* last);
RECURRA_API int recurra_recurrent_backward(
    const recurra_rows* rows, int64_t width, int threads, int cell, int heads, int format,
    int inputs, const float* x, const float* from_input, const float* from_state, const float* initial,
    const float* y, const float* gates, const float* memory, const float* grad_y,
    const float* grad_last, float* grads, float* grad_initial, float* grad_x,
    float* grad_from_input, float* grad_from_state, float* grad_bias);

/* IndRNN: h_t = relu(W x_t + b + u h_{t-1}), u a number for each column. Forward finds W x in `h`.
 * `grad_each` [rows, width] is the gradient of u by rows; their sum is that of u. */
RECURRA_API int recurra_indrnn_forward(const recurra_rows* rows, int64_t width, int threads,
                                       const float* recurrence, const float* bias,
                                       const float* initial, float* h, float* last);
RECURRA_API int recurra_indrnn_backward(const recurra_rows* rows, int64_t width, int threads,
                                        const float* recurrence, const float* initial,
                                        const float* h, const float* grad_h,
                                        const float* grad_last, float* grad_u, float* grad_each,
                                        float* grad_initial);

/* An attention pool: u = W y + b, weights = softmax of score . tanh(u) over a row's steps, pooled the
 * sum of weights times y, zero for a row without steps. Forward finds u, and leaves tanh(u) there;
 * backward finds that. `weights` is [lines], `score` [width], `pooled` [rows, width].
 * `grad_y` is the gradient that does not go through u, `grad_each` [rows, width] that of score by
 * rows; `grad_u` may be `u` itself. */
RECURRA_API int recurra_pool_forward(const recurra_rows* rows, int64_t width, int threads,
                                     const float* y, float* u, const float* score, float* weights,
                                     float* pooled);
RECURRA_API int recurra_pool_backward(const recurra_rows* rows, int64_t width, int threads,
                                      const float* y, const float* u, const float* score,
                                      const float* weights, const float* grad_pooled,
                                      float* grad_u, float* grad_y, float* grad_each);

/* MLSTM, in chunks of `chunk` steps. `u` is W x + b: q, k, v, o of `width` numbers each, then i
 * and f of `heads`. With d = width / heads, c is [rows heads d d] (value, key), n [rows heads d],
 * m [rows heads]. Forward keeps in `states` what backward needs, or nothing where it is NULL: for
 * each chunk of each row, in the order of rows, for each head, c, n and m after it. */
RECURRA_API int recurra_mlstm_forward(const recurra_rows* rows, int64_t width, int threads,
                                      int heads, int chunk, const float* u, const float* c_initial,
                                      const float* n_initial, const float* m_initial, float* y,
                                      float* c_last, float* n_last, float* m_last, float* states);
RECURRA_API int recurra_mlstm_backward(const recurra_rows* rows, int64_t width, int threads,
                                       int heads, int chunk, const float* u, const float* c_initial,
                                       const float* n_initial, const float* m_initial,
                                       const float* y, const float* states, const float* grad_y,
                                       const float* grad_c_last, const float* grad_n_last,
                                       const float* grad_m_last, float* grad_u,
                                       float* grad_c_initial, float* grad_n_initial,
                                       float* grad_m_initial);

/* A stream: prepacked weights of layers on one another, and the states of `capacity` rows, which
 * are stepped together or some at a time. It keeps its own memory, takes none within a step, and
 * serves one thread at a time: a second one is answered by a code. Different streams share nothing.
 *
 * Of a layer, from_input is W [gates * width, inputs], from_state U [gates * width, width], gates
 * in the order of recurra's cells; `within` is GRU's c_n [width] and IndRNN's u [width]. A pointer
 * that a cell has no use for is NULL. Weights are copied, float32, or rounded to the nearest
 * float16, bfloat16, or whole number times max |line| / 127 (int8, a scale for each line of W and
 * of U); products are summed in float32. */
enum {
  RECURRA_STREAM_ELMAN_TANH,
  RECURRA_STREAM_ELMAN_RELU,
  RECURRA_STREAM_GRU,
  RECURRA_STREAM_LSTM,
  RECURRA_STREAM_INDRNN,
  RECURRA_STREAM_MINGRU,
  RECURRA_STREAM_MINLSTM,
  RECURRA_STREAM_CELLS
};
typedef struct {
  int cell, format;
  int64_t inputs, width;
  const float *from_input, *bias, *from_state, *within;
} recurra_layer;

typedef struct recurra_stream recurra_stream;

/* States are zero at first. `threads` share the columns of each step. */
RECURRA_API int recurra_stream_open(const recurra_layer* layers, int64_t count, int64_t capacity,
                                    int threads, recurra_stream** stream);
/* A stream of its own, with the weights, the states and the rows that `stream` has now. */
RECURRA_API int recurra_stream_copy(recurra_stream* stream, recurra_stream** copy);
/* Must not be called while another thread uses the stream. */
RECURRA_API void recurra_stream_close(recurra_stream* stream);

/* Which rows a step takes, each once (NULL: the first `count`), and where their numbers lie: x of
 * the i-th at x + i * x_stride, its y, written after all x are read, at y + i * y_stride. */
typedef struct {
  int64_t count;
  const int64_t* rows;
  int64_t x_stride, y_stride;
} recurra_frames;

RECURRA_API int recurra_stream_step(recurra_stream* stream, const recurra_frames* frames,
                                    const float* x, float* y);

/* Copy the states of rows in one layer, [count, width]; c is LSTM's, or NULL. Written with h NULL,
 * they become zero. */
RECURRA_API int recurra_stream_read(recurra_stream* stream, int64_t layer, int64_t count,
                                    const int64_t* rows, float* h, float* c);
RECURRA_API int recurra_stream_write(recurra_stream* stream, int64_t layer, int64_t count,
                                     const int64_t* rows, const float* h, const float* c);

#ifdef __cplusplus
}
#endif
#endif
