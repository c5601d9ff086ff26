// MLSTM chunk by chunk: the state is made at the ends of chunks only.
//
// All heads of a row go through a chunk before the next chunk begins: they read the same pages.
#pragma once

#include "chunk.h"

namespace {

// Where the state after chunk `number` of the row is kept: c [value key], n, m.
RECURRA_INLINE float* kept_state(const HeadChunk& chunk, int64_t number) {
  const MLSTM& args = chunk.args;
  const int64_t numbers = chunk.d * chunk.d + chunk.d + 1;
  return args.states + ((args.first[chunk.row] + number) * args.heads + chunk.head) * numbers;
}

// c [value key] lies in matrix() as [key value], so that both products with it run along lines.
struct Forward : HeadChunk {
  using HeadChunk::HeadChunk;

  void start() const {
    transpose(args.c_initial + own() * d * d, d, d, d, 1.0f, matrix(), wide);
    memcpy(vector(), args.n_initial + own() * d, d * sizeof(float));
    exponent_carried() = args.m_initial[own()];
  }

  void put(float* c_to, float* n_to, float* m_to) const {
    transpose(matrix(), wide, d, d, 1.0f, c_to, d);
    memcpy(n_to, vector(), d * sizeof(float));
    *m_to = exponent_carried();
  }

  void write() {
    auto tile = [&](int64_t j, int64_t lines) {
      multiply(lines, {num + j * wide, wide}, d, {{q + j * wide, wide, 1}, {matrix(), wide}, d},
               {kept + j, 1}, {{p + j * span, span, 1}, {v, wide}, j + lines});
    };
    // a tile reads values ahead of its first lines, times 0: NaN and infinity would come through
    Vec zero = {};
    for (int64_t at = 0; at < count * wide; at += lanes) zero += 0.0f * load(v + at);
    if (total(zero) == 0.0f) {
      tiles(count, tile);
    } else {
      for (int64_t j = 0; j < count; ++j) tile(j, 1);
    }
    for (int64_t j = 0; j < count; ++j) {
      const float *sums = num + j * wide, *o = args.u + place(j, 3);
      float* y = args.y + line(j) * args.width + head * d;
      const float factor = 1.0f / divisor[j];
      columns(0, d, [&](int64_t at, auto lane) {
        lane.put(y + at, sigmoid(lane.get(o + at)) * (lane.get(sums + at) * factor));
      });
    }
  }

  // The state becomes that after the chunk.
  void move() {
    const int64_t last = count - 1;
    scale(vector(), kept[last], d);
    for (int64_t s = 0; s < count; ++s) {
      add(vector(), end[s], k + s * wide, d);
      scale(v + s * wide, end[s], d);
    }
    tiles(d, [&](int64_t key, int64_t lines) {
      update(lines, {matrix() + key * wide, wide}, d, {kept + last, 0},
             {{k + key, 1, wide}, {v, wide}, count});
    });
    exponent_carried() = exponent[last];
  }
};

inline void mlstm_forward(const MLSTM& args, int64_t row, int64_t from, int64_t to, float* memory) {
  Forward chunk(args, row, from, to, memory);
  int64_t &head = chunk.head, time = args.rows->length[row];
  for (head = from; head < to; ++head) chunk.start();
  for (int64_t begin = 0; begin < time; begin += args.chunk) {
    for (head = from; head < to; ++head) {
      chunk.read(begin, chunk.exponent_carried());
      chunk.attend(chunk.vector());
      chunk.write();
      chunk.move();
      if (!args.states) continue;
      float* kept = kept_state(chunk, begin / args.chunk);
      chunk.put(kept, kept + chunk.d * chunk.d, kept + chunk.d * chunk.d + chunk.d);
    }
  }
  for (head = from; head < to; ++head)
    chunk.put(args.c_last + chunk.own() * chunk.d * chunk.d, args.n_last + chunk.own() * chunk.d,
              args.m_last + chunk.own());
}

}  // namespace
