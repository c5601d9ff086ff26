// A step that sees its own state through a matrix: the time loop, for cells given as templates.
//
// A thread takes its rows through all times by itself. Their h lies in a compact buffer: in y it
// would be lines a power of two apart, which share a few lines of the cache. Rows come longest
// first, so those that have not ended at time t are the first ones.
#pragma once

#include "kernels.h"
#include "product.h"

namespace {

using recurra::Recurrent;
using recurra::Share;

RECURRA_INLINE int64_t line_of(const recurra_rows& rows, int64_t row, int64_t t) {
  return rows.offset[row] + t * rows.stride;
}

template <class Body>
RECURRA_INLINE void lane_at(int64_t c, int64_t width, Body body) {
  if (c + lanes <= width) {
    body(Whole{});
  } else if (c < width) {
    body(Part{width - c});
  }
}

constexpr int tile_rows(int vectors) { return (lanes == 16 ? 24 : 12) / vectors; }

// A panel of forward weights: for each k, for each of Cell::blocks vectors of columns, each gate.
template <class Cell>
void pack_forward(const Recurrent& args, int64_t panel, float* to) {
  constexpr int vectors = Cell::gates * Cell::blocks;
  const int64_t width = args.width;
  for (int v = 0; v < vectors; ++v) {
    for (int lane = 0; lane < lanes; ++lane) {
      const int64_t c = (panel * Cell::blocks + v / Cell::gates) * lanes + lane;
      const float* from = args.weight + (v % Cell::gates * width + c) * width;
      for (int64_t k = 0; k < width; ++k)
        to[(k * vectors + v) * lanes + lane] = c < width ? from[k] : 0.0f;
    }
  }
}

template <class Cell>
void forward(const Recurrent& args, const Share& share) {
  constexpr int vectors = Cell::gates * Cell::blocks;
  const recurra_rows& rows = *args.rows;
  const int64_t width = args.width, stride = share.stride;
  const int64_t panels = (width + lanes * Cell::blocks - 1) / (lanes * Cell::blocks);
  float *h = share.h, *next = share.h_next;
  for (int64_t i = 0; i < share.count; ++i) {
    memcpy(h + i * stride, args.h_initial + share.row[i] * width, width * sizeof *h);
    if (args.c_initial)
      memcpy(share.c + i * stride, args.c_initial + share.row[i] * width, width * sizeof *h);
  }
  int64_t live = share.count;
  const int64_t time = share.count ? rows.length[share.row[0]] : 0;
  for (int64_t t = 0; t <= time; ++t) {
    for (; live > 0 && rows.length[share.row[live - 1]] == t; --live) {
      const int64_t i = live - 1, row = share.row[i];
      memcpy(args.h_last + row * width, h + i * stride, width * sizeof *h);
      if (args.c_last) memcpy(args.c_last + row * width, share.c + i * stride, width * sizeof *h);
    }
    for (int64_t i = 0; i < live; ++i) share.lines[i] = h + i * stride;
    for (int64_t panel = 0; panel < panels; ++panel) {
      const float* weights = share.weights + panel * width * vectors * lanes;
      Tiles<tile_rows(vectors), vectors>::each(
          share.lines, live, width, weights, [&](int64_t i, const Vec* sum) {
            const int64_t line = line_of(rows, share.row[i], t);
            for (int block = 0; block < Cell::blocks; ++block) {
              const int64_t c = (panel * Cell::blocks + block) * lanes;
              lane_at(c, width, [&](auto lane) {
                Vec out = Cell::step(args, line, c, lane, sum + block * Cell::gates,
                                     load(h + i * stride + c), share.c + i * stride + c);
                store(next + i * stride + c, out);
                lane.put(args.y + line * width + c, out);
              });
            }
          });
    }
    float* swap = h;
    h = next, next = swap;
  }
}

constexpr int back_blocks = 4;

// A panel of backward weights: for each k (a line of the weight), some vectors of columns.
template <class Cell>
void pack_backward(const Recurrent& args, int64_t panel, float* to) {
  for (int64_t k = 0; k < Cell::gates * args.width; ++k) {
    for (int64_t j = 0; j < back_blocks * lanes; ++j) {
      const int64_t c = panel * back_blocks * lanes + j;
      to[k * back_blocks * lanes + j] = c < args.width ? args.weight[k * args.width + c] : 0.0f;
    }
  }
}

// share.h and share.c carry the gradients of h and c from step to step; share.h_next holds those
// of a step's gates.
template <class Cell>
void backward(const Recurrent& args, const Share& share) {
  const recurra_rows& rows = *args.rows;
  const int64_t width = args.width, stride = share.stride, depth = Cell::gates * width;
  const int64_t panels = (width + lanes * back_blocks - 1) / (lanes * back_blocks);
  for (int64_t i = 0; i < share.count; ++i) {
    const int64_t from = share.row[i] * width;
    memcpy(share.h + i * stride, args.grad_h_last + from, width * sizeof(float));
    if (args.grad_c_last)
      memcpy(share.c + i * stride, args.grad_c_last + from, width * sizeof(float));
    share.lines[i] = share.h_next + i * share.gates_stride;
  }
  int64_t live = 0;
  for (int64_t t = share.count ? rows.length[share.row[0]] - 1 : -1; t >= 0; --t) {
    while (live < share.count && rows.length[share.row[live]] > t) ++live;
    for (int64_t i = 0; i < live; ++i) {
      const int64_t row = share.row[i], line = line_of(rows, row, t);
      const int64_t before = t ? line - rows.stride : -1;
      float *h = share.h + i * stride, *c_carried = share.c + i * stride;
      float* gates = share.h_next + i * share.gates_stride;
      columns(0, width, [&](int64_t c, auto lane) {
        Vec g = lane.get(args.grad_y + line * width + c) + load(h + c);
        Vec direct = Cell::back(args, row, line, before, c, lane, g, c_carried + c, gates + c);
        store(h + c, direct);
      });
    }
    for (int64_t panel = 0; panel < panels; ++panel) {
      const float* weights = share.weights + panel * depth * back_blocks * lanes;
      Tiles<tile_rows(back_blocks), back_blocks>::each(
          share.lines, live, depth, weights, [&](int64_t i, const Vec* sum) {
            for (int block = 0; block < back_blocks; ++block) {
              const int64_t c = (panel * back_blocks + block) * lanes;
              float* h = share.h + i * stride + c;
              if (c < width) store(h, load(h) + sum[block]);
            }
          });
    }
  }
  for (int64_t i = 0; i < share.count; ++i) {
    const int64_t to = share.row[i] * width;
    memcpy(args.grad_h_initial + to, share.h + i * stride, width * sizeof(float));
    if (args.grad_c_initial)
      memcpy(args.grad_c_initial + to, share.c + i * stride, width * sizeof(float));
  }
}

}  // namespace
