// A step of many rows of one layer, compiled once for each instruction set.
//
// One row takes its weights as they lie: it is as fast as they come out of memory. More rows would
// widen narrow weights again for each tile of rows, so a panel is widened once, into the cache.
#include "stream.h"

#include <math.h>

#include <type_traits>

#include "narrow.h"
#include "product.h"
#include "stream_cells.h"

namespace {

using recurra::StreamKernels;
using recurra::StreamLayer;
using recurra::StreamRows;

template <class Cell>
constexpr int vectors_of = Cell::gates * Cell::blocks;

// Beside a panel's weights lie, each in as many vectors as the panel has columns of weights:
enum Beside { BIAS, WITHIN, INPUT_SCALE, STATE_SCALE, BESIDE };

template <class Number>
float scale_of(const float* line, int64_t depth) {
  if (!std::is_same_v<Number, int8_t>) return 1.0f;
  float largest = 0;
  for (int64_t k = 0; k < depth; ++k) largest = fmaxf(largest, fabsf(line[k]));
  return largest / 127.0f;
}

inline void put(float x, float, float* to) { *to = x; }
inline void put(float x, float, Half* to) { *to = to_half(x); }
inline void put(float x, float, Brain* to) { *to = to_brain(x); }
inline void put(float x, float scale, int8_t* to) {
  *to = static_cast<int8_t>(scale > 0 ? lrintf(x / scale) : 0);
}

// Writes one column of a panel's product, and returns its scale.
template <class Number>
float pack_line(const float* line, int64_t depth, int64_t step, Number* to) {
  const float scale = scale_of<Number>(line, depth);
  for (int64_t k = 0; k < depth; ++k) put(line[k], scale, to + k * step);
  return scale;
}

template <class Cell, class Number>
void pack(const recurra_layer& from, int64_t panel, char* weights, float* vectors) {
  constexpr int P = vectors_of<Cell>;
  Number* to = reinterpret_cast<Number*>(weights);
  for (int v = 0; v < P; ++v) {
    for (int lane = 0; lane < lanes; ++lane) {
      const int64_t c = (panel * Cell::blocks + v / Cell::gates) * lanes + lane;
      if (c >= from.width) continue;  // this memory is zero
      const int g = v % Cell::gates;
      const int64_t line = g * from.width + c, place = v * lanes + lane;
      float* beside = vectors + place;
      beside[BIAS * P * lanes] = from.bias[line];
      beside[INPUT_SCALE * P * lanes] =
          pack_line(from.from_input + line * from.inputs, from.inputs, P * lanes, to + place);
      if constexpr (Cell::recurrent)
        beside[STATE_SCALE * P * lanes] =
            pack_line(from.from_state + line * from.width, from.width, P * lanes,
                      to + from.inputs * P * lanes + place);
      if (from.within && g == Cell::gates - 1) beside[WITHIN * P * lanes] = from.within[c];
    }
  }
}

template <class Cell, bool scaled, int R, class Number>
void step_tile(const StreamLayer& layer, const StreamRows& rows, int64_t first, int64_t panel,
               const Number* weights) {
  constexpr int P = vectors_of<Cell>;
  Vec x[R][P], h_sum[R][P];
  constexpr int ahead = R == 1 ? 1024 : 0;  // one row reads weights once, out of the outer cache
  multiply<R, P, ahead>(rows.x + first, layer.inputs, weights, x);
  if constexpr (Cell::recurrent)
    multiply<R, P, ahead>(rows.h + first, layer.width, weights + layer.inputs * P * lanes, h_sum);
  const float* vectors = layer.vectors + panel * layer.panel_vectors;
  const auto beside = [&](Beside what, int v) { return load(vectors + (what * P + v) * lanes); };
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
    const int64_t place = rows.places[first + r];
#pragma GCC unroll 16
    for (int v = 0; v < P; ++v) {
      if constexpr (!Cell::recurrent) h_sum[r][v] = Vec{};
      if constexpr (scaled) {
        x[r][v] *= beside(INPUT_SCALE, v);
        h_sum[r][v] *= beside(STATE_SCALE, v);
      }
      x[r][v] += beside(BIAS, v);
    }
#pragma GCC unroll 4
    for (int block = 0; block < Cell::blocks; ++block) {
      const int64_t c = (panel * Cell::blocks + block) * lanes;
      const int v = block * Cell::gates;
      Vec h = Cell::step(x[r] + v, h_sum[r] + v, load(rows.h[first + r] + c),
                         beside(WITHIN, v + Cell::gates - 1),
                         Cell::memory ? layer.c + place * layer.stride + c : nullptr);
      store(layer.next[place] + c, h);
    }
  }
}

// At most R rows.
template <class Cell, bool scaled, int R, class Number>
void step_some(const StreamLayer& layer, const StreamRows& rows, int64_t first, int64_t size,
               int64_t panel, const Number* weights) {
  if (size == R) {
    step_tile<Cell, scaled, R>(layer, rows, first, panel, weights);
  } else if constexpr (R > 1) {
    step_some<Cell, scaled, R - 1>(layer, rows, first, size, panel, weights);
  }
}

template <class Cell, class Number>
void step(const StreamLayer& layer, const StreamRows& rows, int64_t panel, float* expanded) {
  constexpr int P = vectors_of<Cell>, most = (lanes == 16 ? 24 : 12) / P;
  constexpr bool scaled = std::is_same_v<Number, int8_t>, wide = std::is_same_v<Number, float>;
  const Number* weights = reinterpret_cast<Number*>(layer.weights + panel * layer.panel_bytes);
  if (rows.count == 1) return step_tile<Cell, scaled, 1>(layer, rows, 0, panel, weights);
  const float* floats = expanded;
  if constexpr (wide) {
    floats = weights;
  } else {
    const int64_t depth = layer.inputs + (Cell::recurrent ? layer.width : 0);
    for (int64_t at = 0; at < depth * P * lanes; at += lanes)
      store(expanded + at, load(weights + at));
  }
  int64_t tiles = (rows.count + most - 1) / most;
  for (int64_t first = 0; tiles > 0; --tiles) {  // evenly filled
    const int64_t size = (rows.count - first + tiles - 1) / tiles;
    step_some<Cell, scaled, most>(layer, rows, first, size, panel, floats);
    first += size;
  }
}

template <class Cell, class Number>
constexpr StreamKernels kernels() {
  constexpr int P = vectors_of<Cell>;
  return {Cell::recurrent,
          Cell::memory,
          Cell::gates,
          Cell::blocks * lanes,
          P * lanes * static_cast<int>(sizeof(Number)),
          BESIDE * P * lanes,
          pack<Cell, Number>,
          step<Cell, Number>};
}

template <class... Cells>
constexpr recurra::StreamTable table() {
  return {{{kernels<Cells, float>(), kernels<Cells, Half>(), kernels<Cells, Brain>(),
            kernels<Cells, int8_t>()}...}};
}

}  // namespace

namespace recurra::RECURRA_ISA {

extern const StreamTable streams =
    table<StreamElman<false>, StreamElman<true>, StreamGRU, StreamLSTM, StreamIndRNN, StreamMinGRU,
          StreamMinLSTM>();

}  // namespace recurra::RECURRA_ISA
