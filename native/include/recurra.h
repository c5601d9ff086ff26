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

/* Take the instruction set of this name (baseline, avx2, avx512, neon), or with NULL the best one
 * here; to be called once before any kernel. */
RECURRA_API int recurra_select(const char* name);
RECURRA_API const char* recurra_selected(void);

/* h_t = decay_t h_{t-1} + inject_t; `last` is h after each row's last step. */
RECURRA_API int recurra_affine_forward(const recurra_rows* rows, int64_t width, int threads,
                                       const float* decay, const float* inject,
                                       const float* initial, float* h, float* last);
RECURRA_API int recurra_affine_backward(const recurra_rows* rows, int64_t width, int threads,
                                        const float* decay, const float* h, const float* initial,
                                        const float* grad_h, const float* grad_last,
                                        float* grad_decay, float* grad_inject,
                                        float* grad_initial);

/* The same for MinGRU, whose decay and inject are made from u = [gate, candidate] on the way. */
RECURRA_API int recurra_mingru_forward(const recurra_rows* rows, int64_t width, int threads,
                                       const float* u, const float* initial, float* h,
                                       float* last);
RECURRA_API int recurra_mingru_backward(const recurra_rows* rows, int64_t width, int threads,
                                        const float* u, const float* h, const float* initial,
                                        const float* grad_h, const float* grad_last,
                                        float* grad_u, float* grad_initial);

/* Cells with a matrix between their states. `u` is W x + b, gates side by side as in recurra's
 * cells; `weight` is U [gates * width, width]. Of the pointers, GRU alone has `bias` (c_n) and
 * `grad_inner` (of U_n h + c_n), LSTM alone those of c; others pass NULL there. In forward, `gates`
 * [lines, 4 * width] and `c` [lines, width] keep what backward needs, of GRU and LSTM, or are NULL;
 * LSTM's `gates` may be `u` itself. */
enum { RECURRA_ELMAN_TANH, RECURRA_ELMAN_RELU, RECURRA_GRU, RECURRA_LSTM, RECURRA_CELLS };

RECURRA_API int recurra_recurrent_forward(const recurra_rows* rows, int64_t width, int threads,
                                          int cell, const float* u, const float* weight,
                                          const float* bias, const float* h_initial,
                                          const float* c_initial, float* y, float* h_last,
                                          float* c_last, float* gates, float* c);
RECURRA_API int recurra_recurrent_backward(const recurra_rows* rows, int64_t width, int threads,
                                           int cell, const float* weight, const float* h_initial,
                                           const float* c_initial, const float* y,
                                           const float* gates, const float* c,
                                           const float* grad_y, const float* grad_h_last,
                                           const float* grad_c_last, float* grad_u,
                                           float* grad_inner, float* grad_h_initial,
                                           float* grad_c_initial);

#ifdef __cplusplus
}
#endif
#endif
