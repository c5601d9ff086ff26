// a^T b, a sum of outer products over many lines: each line of the result is a gradient's.
//
// Some lines of a, turned so that a tile's numbers lie side by side, stay in the second cache, and a
// panel of b of as many lines in the first, while every tile of the result meets them.
#pragma once

#include "kernels.h"
#include "tile.h"

namespace {

using recurra::Outer;

constexpr int64_t outer_lines = 256;
// from tile to tile: a cache line more, or all of them would meet in a few sets of the first cache
constexpr int64_t outer_pitch = tile_lines * outer_lines + 16;

// out += product, whose sum is its own at first: sums of sums are the more exact.
inline void add(int64_t count, Result out, int64_t width, Product product) {
  tile_columns<tile_lines>(count, out, width, [&](auto& sum, int64_t c) {
    constexpr int R = sizeof sum / sizeof *sum, P = sizeof *sum / sizeof **sum;
    Vec more[R][P] = {};
    product.add_to(more, c);
    for (int r = 0; r < R; ++r)
      for (int p = 0; p < P; ++p) sum[r][p] += more[r][p];
  });
}

// The numbers of a that tiles from `begin` to `end` multiply by: tile by tile, line by line. Some
// lines at a time, which stay in the first cache meanwhile.
inline void turn(const Outer& args, int64_t line, int64_t lines, int64_t begin, int64_t end,
                 float* turned) {
  constexpr int64_t some = 16;
  const int64_t whole = args.height / tile_lines < end ? args.height / tile_lines : end;
  for (int64_t first = 0; first < lines; first += some) {
    const int64_t last = first + some < lines ? first + some : lines;
    for (int64_t tile = begin; tile < end; ++tile) {
      float* to = turned + (tile - begin) * outer_pitch;
      const int64_t rest = tile < whole ? tile_lines : args.height % tile_lines;
      for (int64_t k = first; k < last; ++k) {
        const float* from = args.a[line + k] + args.a_first + tile * tile_lines;
        if (rest == tile_lines)
          memcpy(to + k * tile_lines, from, tile_lines * sizeof(float));
        else
          memcpy(to + k * tile_lines, from, static_cast<size_t>(rest) * sizeof(float));
      }
    }
  }
}

// sum += the lines' own, which is summed up in `recent` first.
inline void add_up(const Outer& args, int64_t line, int64_t lines, int64_t begin, int64_t end,
                   float* recent) {
  memset(recent, 0, static_cast<size_t>(end - begin) * sizeof(float));
  const auto add = [&](float* to, const float* from) {
    columns(0, end - begin,
            [&](int64_t c, auto lane) { lane.put(to + c, lane.get(to + c) + lane.get(from + c)); });
  };
  for (int64_t k = 0; k < lines; ++k) add(recent, args.a[line + k] + args.a_first + begin);
  add(args.sum + begin, recent);
}

// The tiles of the result's lines from `begin` to `end`. `memory`: see recurra::Outer.
void outer(const Outer& args, int64_t begin, int64_t end, float* memory) {
  constexpr int64_t across = 2 * lanes;
  const int64_t top = begin * tile_lines;
  const int64_t bottom = end * tile_lines < args.height ? end * tile_lines : args.height;
  const int64_t tiles = end - begin, wide = (args.width + across - 1) / across * across;
  float *turned = memory, *panel = turned + tiles * outer_pitch;
  float *sums = panel + across * outer_lines, *recent = sums + tiles * tile_lines * wide;
  memset(sums, 0, static_cast<size_t>(tiles * tile_lines * wide) * sizeof(float));
  if (args.sum) memset(args.sum + top, 0, static_cast<size_t>(bottom - top) * sizeof(float));
  for (int64_t line = 0; line < args.lines; line += outer_lines) {
    const int64_t left = args.lines - line, lines = left < outer_lines ? left : outer_lines;
    turn(args, line, lines, begin, end, turned);
    if (args.sum) add_up(args, line, lines, top, bottom, recent);
    for (int64_t column = 0; column < args.width; column += across) {
      const int64_t last = column + across < args.width ? column + across : args.width;
      for (int64_t k = 0; k < lines; ++k) {
        float* to = panel + k * across;
        if (last - column < across) memset(to, 0, across * sizeof(float));
        columns(column, last, [&](int64_t c, auto lane) {
          store(to + c - column, lane.get(args.b[line + k] + args.b_first + c));
        });
      }
      for (int64_t tile = 0; tile < tiles; ++tile) {
        const int64_t below = bottom - top - tile * tile_lines;
        const int64_t count = below < tile_lines ? below : tile_lines;
        add(count, {sums + tile * tile_lines * wide + column, wide}, last - column,
            {{turned + tile * outer_pitch, 1, tile_lines}, {panel, across}, lines});
      }
    }
  }
  for (int64_t i = top; i < bottom; ++i)
    memcpy(args.out + i * args.width, sums + (i - top) * wide,
           static_cast<size_t>(args.width) * sizeof(float));
}

}  // namespace
