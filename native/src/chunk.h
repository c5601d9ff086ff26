// One chunk of an MLSTM's steps, of one row and one head: its gates, its keys against its queries.
//
// Within a chunk the output is attention with decaying weights,
//     w_js = e^(i_s - m_s + sum of log f_r + m_(r-1) - m_r over s < r <= j),   p_js = w_js q_j k_s,
// and of what came before there is only the state at its start, which step j sees decayed by
// kept_j. All weights are exponentials of numbers that are not positive, m being the largest
// exponent so far.
#pragma once

#include "kernels.h"
#include "scratch.h"
#include "tile.h"

namespace {

using recurra::MLSTM;

constexpr float least = 1e-6f;   // as FLOOR in recurra's cell
constexpr float coarse = 1 << 24;  // from here on whole numbers are rounded

// log(sigma(x)) = min(x, 0) - log(1 + e), e = e^-|x|, and log(1 + e) = 2 artanh(e / (2 + e)).
RECURRA_INLINE Vec log_sigmoid(Vec x) {
  Vec e = exponential(-absolute(x));
  Vec z = e / (2.0f + e), square = z * z;
  Vec p = all(1.0f / 17);
  p = p * square + 1.0f / 15;
  p = p * square + 1.0f / 13;
  p = p * square + 1.0f / 11;
  p = p * square + 1.0f / 9;
  p = p * square + 1.0f / 7;
  p = p * square + 1.0f / 5;
  p = p * square + 1.0f / 3;
  Vec rest = 2.0f * z + 2.0f * z * square * p;
  return (x < Vec{} ? x : Vec{}) - rest;
}

// e^x, and 0 where it is below 4e-38.
RECURRA_INLINE Vec weight_of(Vec x) { return x < all(-86.0f) ? Vec{} : exponential(x); }

struct HeadChunk : Scratch {
  const MLSTM& args;
  int64_t row, first_head, head, count;
  int64_t begin;  // its first step

  HeadChunk(const MLSTM& given, int64_t of_row, int64_t from, int64_t to, float* memory)
      : Scratch(given.width / given.heads, given.chunk, to - from, memory),
        args(given), row(of_row), first_head(from), head(from), count(0), begin(0) {}

  // What is carried from chunk to chunk, of this head.
  float* matrix() const { return matrices + (head - first_head) * d * wide; }
  float* vector() const { return vectors + (head - first_head) * wide; }
  float& exponent_carried() const { return exponents[head - first_head]; }
  float& product_carried() const { return products[head - first_head]; }
  // The head's place among all states.
  int64_t own() const { return row * args.heads + head; }

  int64_t line(int64_t s) const {
    return args.rows->offset[row] + (begin + s) * args.rows->stride;
  }
  int64_t inputs() const { return 4 * args.width + 2 * args.heads; }
  // Part 0 to 3 of a line of u: q, k, v, o.
  int64_t place(int64_t s, int part) const {
    return line(s) * inputs() + part * args.width + head * d;
  }
  // Part 0 or 1 of its last numbers: i, f.
  int64_t gate_place(int64_t s, int part) const {
    return line(s) * inputs() + 4 * args.width + part * args.heads + head;
  }

  // Log weight at step j of the lanes' steps: of what they add to the state.
  RECURRA_INLINE Vec log_weight(int64_t j, int64_t s) const {
    return (high[j] - load(high + s)) + ((low[j] - load(low + s)) + load(added + s));
  }

  // Takes the steps from `first`, after a state whose exponent is `m`.
  void read(int64_t first, float m) {
    begin = first;
    const int64_t left = args.rows->length[row] - first;
    count = left < args.chunk ? left : args.chunk;
    for (int64_t s = 0; s < count; ++s) {
      i[s] = args.u[gate_place(s, 0)];
      f[s] = args.u[gate_place(s, 1)];
      memcpy(q + s * wide, args.u + place(s, 0), d * sizeof *q);
      memcpy(v + s * wide, args.u + place(s, 2), d * sizeof *v);
      const float* key = args.u + place(s, 1);
      columns(0, d, [&](int64_t c, auto lane) {
        lane.put(k + s * wide + c, lane.get(key + c) * key_factor);
      });
    }
    // lanes beyond the last step multiply weights of 0
    if (count < args.chunk) memset(k_columns, 0, d * span * sizeof *k_columns);
    transpose(k, wide, count, d, 1.0f, k_columns, span);
    read_gates(m);
  }

  void read_gates(float m) {
    each([&](int64_t s) { store(decay + s, log_sigmoid(load(f + s))); });
    double sum = 0, exact = m;
    for (int64_t s = 0; s < count; ++s) {
      const float moved = decay[s] + m, peak = i[s] < 0 ? 0 : i[s];
      carries[s] = moved > peak ? 1.0f : moved == peak ? 0.5f : 0.0f;
      exact = moved <= peak ? peak : decay[s] + exact;
      const float now = static_cast<float>(exact);
      // what rounding m loses goes into the state: both together stay exact
      double change = static_cast<double>(decay[s]) + m - now;
      if (now >= coarse) {  // where that is a factor of more than e, the state would overflow
        if (moved > peak || change > 0) change = 0;
        exact = now;
      }
      sum += change < -1e4 ? -1e4 : change;
      high[s] = static_cast<float>(sum);
      low[s] = static_cast<float>(sum - high[s]);
      added[s] = i[s] - now;
      exponent[s] = m = now;
    }
    each([&](int64_t s) {
      store(kept + s, weight_of(load(high + s)));
      store(end + s, weight_of(log_weight(count - 1, s)));
      Vec one = exponential(-load(exponent + s));
      store(floor + s, one < all(least) ? all(least) : one);
    });
  }

  template <class Body>
  RECURRA_INLINE void each(Body body) const {
    for (int64_t s = 0; s < count; s += lanes) body(s);
  }

  // Fills p, its weights, n q and the denominator of each step.
  void attend(const float* n_before) {
    tiles(count, [&](int64_t j, int64_t lines) {
      multiply(lines, {p + j * span, span}, whole(j + lines),
               {{q + j * wide, wide, 1}, {k_columns, span}, d});
    });
    IntVec index;
    for (int lane = 0; lane < lanes; ++lane) index[lane] = lane;
    for (int64_t j = 0; j < count; ++j) {
      float *scores = p + j * span, *line = weights + j * span;
      Vec sum = {};
      for (int64_t s = 0; s < count; s += lanes) {
        const IntVec past = index + static_cast<int32_t>(s) <= static_cast<int32_t>(j);
        Vec w = s > j ? Vec{} : past ? weight_of(log_weight(j, s)) : Vec{};
        Vec score = s > j ? Vec{} : past ? w * load(scores + s) : Vec{};  // NaN may lie ahead
        store(line + s, w);
        store(scores + s, score);
        sum += score;
      }
      read_n[j] = total(sum) + kept[j] * dot(q + j * wide, n_before, d);
      const float size = read_n[j] < 0 ? -read_n[j] : read_n[j];
      divisor[j] = size <= floor[j] ? floor[j] : size;
    }
  }
};

}  // namespace
