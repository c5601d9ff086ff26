// The gradient of MLSTM, from the last chunk to the first.
//
// g and g_n are the gradients of c and n. A decay's logarithm acts through what it leaves of c and
// n, a = <g, c> + <g_n, n> before the step; so does m, for as long as it is carried on. As step t
// reads at q and writes at k,
//     a_t = a_(t+1) + <q, grad q> - <k, grad k>,
// which is made anew at the start of each chunk, so that rounding does not gather over all steps.
// The gradient b of m, all else carried on by e^(log f + m), has no a in it where m is carried on:
//     b_t = b_(t+1) + (through e^-m in the divisor) - <k, grad k>, or a_t where a peak replaces m.
#pragma once

#include "mlstm.h"

namespace {

struct Gradient : HeadChunk {
  using HeadChunk::HeadChunk;

  float* grad(int64_t s, int part) const { return args.grad_u + place(s, part); }

  // <g, c> + <g_n, n>
  float product() const {
    const float* g = matrix();
    float sum = dot(vector(), n, d);
    for (int64_t value = 0; value < d; ++value) sum += dot(g + value * wide, c + value * wide, d);
    return sum;
  }

  // The state before chunk `number`.
  float restore(int64_t number) {
    const float *from = args.c_initial + own() * d * d, *n_from = args.n_initial + own() * d;
    const float* m_from = args.m_initial + own();
    if (number > 0) {
      from = kept_state(*this, number - 1);
      n_from = from + d * d, m_from = n_from + d;
    }
    for (int64_t value = 0; value < d; ++value)
      memcpy(c + value * wide, from + value * d, d * sizeof *c);
    memcpy(n, n_from, d * sizeof *n);
    return *m_from;
  }

  // num becomes the gradient of the numerators; those of n q and of o are made beside it.
  void divide() {
    for (int64_t j = 0; j < count; ++j) {
      const int64_t at = line(j) * args.width + head * d;
      const float *grad_y = args.grad_y + at, *y = args.y + at, *o = args.u + place(j, 3);
      float *to = num + j * wide, *grad_o = grad(j, 3);
      const float factor = 1.0f / divisor[j];
      Vec sum = {};
      columns(0, d, [&](int64_t at, auto lane) {
        Gate open = gate(lane.get(o + at));
        Vec both = lane.get(grad_y + at) * lane.get(y + at);
        lane.put(to + at, lane.get(grad_y + at) * open.open * factor);
        lane.put(grad_o + at, both * open.shut);
        sum += both;
      });
      const float size = read_n[j] < 0 ? -read_n[j] : read_n[j];
      const float share = size > floor[j] ? 1.0f : size == floor[j] ? 0.5f : 0.0f;
      const float all_of_it = total(sum);
      grad_n[j] = share * (read_n[j] < 0 ? all_of_it : -all_of_it) * factor;
      grad_m[j] = floor[j] > least ? all_of_it * (1.0f - share) : 0.0f;
    }
  }

  // The gradients of scores, times their weights.
  void score() {
    if (count < args.chunk) memset(v_columns, 0, d * span * sizeof *v_columns);
    transpose(v, wide, count, d, 1.0f, v_columns, span);
    tiles(count, [&](int64_t j, int64_t lines) {
      multiply(lines, {slopes + j * span, span}, whole(j + lines),
               {{num + j * wide, wide, 1}, {v_columns, span}, d});
    });
    for (int64_t j = 0; j < count; ++j) {
      float *slope = slopes + j * span, *w = weights + j * span;
      each([&](int64_t s) {
        store(slope + s, s > j ? Vec{} : (load(slope + s) + grad_n[j]) * load(w + s));
      });
    }
  }

  void queries() {
    tiles(count, [&](int64_t j, int64_t lines) {
      multiply(lines, {out + j * wide, wide}, d, {{num + j * wide, wide, 1}, {c, wide}, d},
               {kept + j, 1}, {{slopes + j * span, span, 1}, {k, wide}, j + lines});
    });
    for (int64_t j = 0; j < count; ++j) {
      float* to = grad(j, 0);
      add(out + j * wide, kept[j] * grad_n[j], n, d);
      memcpy(to, out + j * wide, d * sizeof *to);
      query_part[j] = dot(q + j * wide, to, d);
    }
  }

  // The gradients of steps' keys or values: what later steps of the chunk read, and its end.
  void written(const float* at_end, const float* g_lines, const float* reading, const float* read) {
    tiles(count, [&](int64_t s, int64_t lines) {
      multiply(lines, {out + s * wide, wide}, d, {{at_end + s * wide, wide, 1}, {g_lines, wide}, d},
               {end + s, 1},
               {{reading + s * span + s, 1, span}, {read + s * wide, wide}, count - s});
    });
  }

  void keys() {
    written(v, matrix(), slopes, q);
    for (int64_t s = 0; s < count; ++s) {
      float* to = grad(s, 1);
      add(out + s * wide, end[s], vector(), d);
      key_part[s] = dot(k + s * wide, out + s * wide, d);
      columns(0, d, [&](int64_t at, auto lane) {
        lane.put(to + at, lane.get(out + s * wide + at) * key_factor);
      });
    }
  }

  void values() {
    transpose(matrix(), wide, d, d, 1.0f, g_columns, wide);
    written(k, g_columns, p, num);
    for (int64_t s = 0; s < count; ++s) memcpy(grad(s, 2), out + s * wide, d * sizeof(float));
  }

  // g and g_n become those of the state before the chunk.
  void before() {
    const int64_t last = count - 1;
    scale(vector(), kept[last], d);
    for (int64_t j = 0; j < count; ++j) {
      scale(q + j * wide, kept[j], d);
      add(vector(), grad_n[j], q + j * wide, d);
    }
    tiles(d, [&](int64_t value, int64_t lines) {
      update(lines, {matrix() + value * wide, wide}, d, {kept + last, 0},
             {{num + value, 1, wide}, {q, wide}, count});
    });
  }

  // After before().
  void gates() {
    const float exact = product();
    float through_state = product_carried(), through_m = exponent_carried();
    each([&](int64_t s) { store(f + s, gate(load(f + s)).shut); });
    for (int64_t s = count - 1; s >= 0; --s) {
      through_state = s > 0 ? through_state + query_part[s] - key_part[s] : exact;
      through_m += grad_m[s] - key_part[s];
      const float carried = carries[s], closing = 1.0f - carried;
      args.grad_u[gate_place(s, 0)] =
          key_part[s] + (i[s] > 0 ? closing * (through_m - through_state) : 0.0f);
      through_m = closing * through_state + carried * through_m;
      args.grad_u[gate_place(s, 1)] = through_m * f[s];
    }
    product_carried() = through_state, exponent_carried() = through_m;
  }

  void start(int64_t chunks) {
    for (int64_t value = 0; value < d; ++value)
      memcpy(matrix() + value * wide, args.grad_c_last + (own() * d + value) * d,
             d * sizeof(float));
    memcpy(vector(), args.grad_n_last + own() * d, d * sizeof(float));
    exponent_carried() = args.grad_m_last[own()];
    restore(chunks);
    product_carried() = product();
  }

  void put() const {
    for (int64_t value = 0; value < d; ++value)
      memcpy(args.grad_c_initial + (own() * d + value) * d, matrix() + value * wide,
             d * sizeof(float));
    memcpy(args.grad_n_initial + own() * d, vector(), d * sizeof(float));
    args.grad_m_initial[own()] = exponent_carried();
  }
};

inline void mlstm_backward(const MLSTM& args, int64_t row, int64_t from, int64_t to,
                           float* memory) {
  Gradient chunk(args, row, from, to, memory);
  const int64_t chunks = (args.rows->length[row] + args.chunk - 1) / args.chunk;
  int64_t& head = chunk.head;
  for (head = from; head < to; ++head) chunk.start(chunks);
  for (int64_t number = chunks - 1; number >= 0; --number) {
    for (head = from; head < to; ++head) {
      chunk.read(number * args.chunk, chunk.restore(number));
      chunk.attend(chunk.n);
      chunk.divide();
      chunk.score();
      chunk.queries();
      chunk.keys();
      chunk.values();
      chunk.before();
      chunk.gates();
    }
  }
  for (head = from; head < to; ++head) chunk.put();
}

}  // namespace
