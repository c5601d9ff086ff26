// A step that sees its own state through a matrix: the time loop, for cells given as templates.
//
// W x is found for some steps at a time, as many as reward a look at W, and stays in the cache.
// The work is cut into rows, or, where they are few, into groups of columns, whose threads meet
// after every step. h lies in a compact buffer: in y its lines would be a power of two apart, and
// share a few lines of the cache. Rows come longest first, so those that have not ended at time t
// are the first ones.
#pragma once

#include "kernels.h"
#include "lines.h"
#include "pairs.h"
#include "transpose.h"

#include <utility>

namespace {

using recurra::Recurrent;
using recurra::Share;

RECURRA_INLINE int64_t line_of(const recurra_rows& rows, int64_t row, int64_t t) {
  return rows.offset[row] + t * rows.stride;
}

// Where a group of `panel_columns` columns lies: they belong to one head.
struct Group {
  int64_t head, first, begin, end;  // in the head from `first`; in a line from `begin` to `end`
  RECURRA_INLINE bool narrow() const { return end - begin <= lanes; }
};

RECURRA_INLINE Group group_of(const Recurrent& args, int64_t index) {
  const int64_t each = (args.size + panel_columns - 1) / panel_columns;
  const int64_t head = index / each, first = index % each * panel_columns;
  const int64_t end = first + panel_columns < args.size ? first + panel_columns : args.size;
  return {head, first, head * args.size + first, head * args.size + end};
}

// The leaves of a state after h, at one column of one row.
struct Carried {
  float* at;
  int64_t stride;
  RECURRA_INLINE Vec get(int64_t leaf) const { return load(at + leaf * stride); }
  RECURRA_INLINE void put(int64_t leaf, Vec x) const { store(at + leaf * stride, x); }
};

// Where weight [gate][head][row][column] lies.
RECURRA_INLINE const float* weights_from(const Recurrent& args, int64_t gate, int64_t head,
                                         int64_t row, int64_t column) {
  return args.weight + ((gate * args.heads + head) * args.size + row) * args.size + column;
}

// Forward, a group has a panel for each gate: as long as a head is wide, or a line of x.
template <class Cell>
void pack_lines(const Recurrent& args, int64_t index, const float* from, int64_t depth, float* to) {
  const Group group = group_of(args, index);
  const int64_t count = group.end - group.begin;
  for (int gate = 0; gate < Cell::gates; ++gate, to += depth * panel_columns) {
    if (count < panel_columns) memset(to, 0, depth * panel_columns * sizeof *to);
    transpose(from + (gate * args.width + group.begin) * depth, depth, count, depth, 1.0f, to,
              panel_columns);
  }
}

template <class Cell>
void pack_forward(const Recurrent& args, int64_t index, float* to) {
  pack_lines<Cell>(args, index, args.weight, args.size, to);
}

template <class Cell>
void pack_forward(const Recurrent& args, int64_t index, Brain* to) {
  const Group group = group_of(args, index);
  const int64_t depth = Multiplier<Brain>::depth(args.size);
  memset(to, 0, Cell::gates * depth * panel_columns * sizeof *to);
  for (int gate = 0; gate < Cell::gates; ++gate, to += depth * panel_columns) {
    for (int64_t c = group.first; c - group.first < group.end - group.begin; ++c) {
      const float* from = weights_from(args, gate, group.head, c, 0);
      for (int64_t k = 0; k < args.size; ++k)
        to[(k / 2 * panel_columns + c - group.first) * 2 + k % 2] = to_brain(from[k]);
    }
  }
}

template <class Cell>
void pack_inputs(const Recurrent& args, int64_t index, float* to) {
  pack_lines<Cell>(args, index, args.from_input, args.inputs, to);
}

// Backward, it has one, as long as all gates of a head.
template <class Cell>
void pack_backward(const Recurrent& args, int64_t index, float* to) {
  const Group group = group_of(args, index);
  const int64_t count = group.end - group.begin;
  for (int gate = 0; gate < Cell::gates; ++gate) {
    for (int64_t k = 0; k < args.size; ++k, to += panel_columns) {
      memcpy(to, weights_from(args, gate, group.head, k, group.first), count * sizeof *to);
      memset(to + count, 0, (panel_columns - count) * sizeof *to);
    }
  }
}

template <class Cell>
void pack_backward(const Recurrent& args, int64_t index, Brain* to) {
  const Group group = group_of(args, index);
  memset(to, 0, Multiplier<Brain>::depth(Cell::gates * args.size) * panel_columns * sizeof *to);
  for (int gate = 0; gate < Cell::gates; ++gate) {
    for (int64_t k = 0; k < args.size; ++k) {
      const float* from = weights_from(args, gate, group.head, k, group.first);
      const int64_t line = gate * args.size + k;
      for (int64_t c = 0; c < group.end - group.begin; ++c)
        to[(line / 2 * panel_columns + c) * 2 + line % 2] = to_brain(from[c]);
    }
  }
}

// Copies the states of row `i` between a caller's [leaves, rows, width] and the buffers.
template <class Copy>
RECURRA_INLINE void each_leaf(const Recurrent& args, const Share& share, int64_t i, float* h,
                              Copy copy) {
  const int64_t leaf = args.rows->rows * args.width, begin = share.row[i] * args.width;
  for (int64_t index = share.first; index < share.end; ++index) {
    const Group group = group_of(args, index);
    columns(group.begin, group.end, [&](int64_t c, auto lane) {
      const int64_t place = i * share.stride + group.head * share.head_stride +
                            (c - group.begin + group.first);
      for (int64_t k = 0; k < args.leaves; ++k)
        copy(begin + k * leaf + c, (k ? share.memory + (k - 1) * share.leaf_stride : h) + place,
             lane);
    });
  }
}

RECURRA_INLINE void fetch(const float* lines, int64_t line, int64_t vectors, int64_t width,
                          int64_t c) {
  constexpr int64_t cached = 16;  // numbers of a line of the cache
  if (lines)
    for (int64_t k = 0; k < vectors; ++k)
      for (int64_t j = 0; j < panel_columns; j += cached)
        __builtin_prefetch(lines + (line * vectors + k) * width + c + j);
}

// W x of `steps` steps from t on, of the first `live` rows: row i's of step t + s in line
// s * live + i. Lines of rows that end before hold anything.
template <class Cell>
void project(const Recurrent& args, const Share& share, int64_t t, int64_t steps, int64_t live) {
  const recurra_rows& rows = *args.rows;
  const auto at = [&](int64_t i) {
    const int64_t row = share.row[i % live], s = t + i / live;
    return s < rows.length[row] ? args.x + line_of(rows, row, s) * args.inputs : nullptr;
  };
  const int64_t panels = Cell::gates * args.inputs * panel_columns;
  multiply_lines(steps * live, at, args.inputs, share.input_weights + share.first * panels,
                 (share.end - share.first) * Cell::gates,
                 [&](int64_t p) { return group_of(args, share.first + p / Cell::gates).narrow(); },
                 share.piece, share.projected, share.lines);
}

// Products take h as `Number`: float, which is h itself, or Brain, which lies beside it; x is W x then.
template <class Cell, class Number>
void forward(const Recurrent& args, const Share& share) {
  constexpr bool narrow = sizeof(Number) < sizeof(float);
  constexpr int64_t sums_stride = Cell::gates * panel_columns;
  const recurra_rows& rows = *args.rows;
  const int64_t stride = share.stride, depth = Multiplier<Number>::depth(args.size);
  float *h = share.h, *next = share.h_next;
  auto* seen = static_cast<Number*>(narrow ? share.seen : h);
  auto* seen_next = static_cast<Number*>(narrow ? share.seen_next : next);
  Multiplier<Number> multiply;
  for (int64_t i = 0; i < share.count; ++i)
    each_leaf(args, share, i, h, [&](int64_t from, float* to, auto lane) {
      const Vec x = lane.get(args.initial + from);
      store(to, x);
      if (narrow && to - h < share.leaf_stride) put(lane, seen + (to - h), x);
    });
  int64_t live = share.count;
  const int64_t time = share.count ? rows.length[share.row[0]] : 0;
  int64_t begun = 0, done = 0, across = 0;  // steps whose W x is there, and their rows
  for (int64_t t = 0; t <= time; ++t) {
    for (; live > 0 && rows.length[share.row[live - 1]] == t; --live)
      each_leaf(args, share, live - 1, h, [&](int64_t to, const float* from, auto lane) {
        lane.put(args.last + to, load(from));
      });
    if (!narrow && t == done && live) {
      begun = t, across = live;
      done = t + share.lines / live < time ? t + share.lines / live : time;
      project<Cell>(args, share, t, done - t, live);
    }
    if (share.team > 1) share.meeting->wait(share.team * (t + 1));
    for (int64_t index = share.first; live && index < share.end; ++index) {
      const Group group = group_of(args, index);
      const Number* weights = static_cast<const Number*>(share.weights) +
                              index * Cell::gates * depth * panel_columns;
      const int64_t buffered = group.head * share.head_stride;
      // all of a row's lines are new to the cache, too many and too short for it to foresee them
      for (int64_t i = 0; i < live; ++i) {
        const int64_t line = line_of(rows, share.row[i], t);
        for (int gate = 0; narrow && gate < Cell::gates; ++gate)
          fetch(args.x + gate * args.width, line, 1, args.inputs, group.begin);
        if (args.keep) fetch(args.gates, line, Cell::kept, args.width, group.begin);
        fetch(args.y, line, 1, args.width, group.begin);
        if (args.keep) fetch(args.memory, line, Cell::memory, args.width, group.begin);
      }
      for (int gate = 0; gate < Cell::gates; ++gate)
        multiply({seen + buffered, live, stride, args.size,
                  weights + gate * depth * panel_columns, share.sums + gate * panel_columns,
                  sums_stride, group.narrow()},
                 false);
      const float* projected =
          share.projected + ((index - share.first) * Cell::gates * share.lines +
                             (t - begun) * across) * panel_columns;
      for (int64_t i = 0; i < live; ++i) {
        const int64_t line = line_of(rows, share.row[i], t);
        columns(group.begin, group.end, [&](int64_t c, auto lane) {
          const int64_t j = c - group.begin, place = i * stride + buffered + group.first + j;
          Vec u[Cell::gates], sum[Cell::gates];
          for (int gate = 0; gate < Cell::gates; ++gate) {
            u[gate] = narrow ? lane.get(args.x + line * args.inputs + gate * args.width + c)
                             : load(projected + (gate * share.lines + i) * panel_columns + j);
            sum[gate] = load(share.sums + i * sums_stride + gate * panel_columns + j);
          }
          Vec out = Cell::step(args, line, c, lane, u, sum, load(h + place),
                               Carried{share.memory + place, share.leaf_stride});
          store(next + place, out);
          if (narrow) put(lane, seen_next + place, out);
          lane.put(args.y + line * args.width + c, out);
        });
      }
    }
    std::swap(h, next);
    std::swap(seen, seen_next);
  }
}

// share.h and share.memory carry the gradients of the state from step to step; seen_next holds
// those of a step's gates, head by head, in two copies: one is read while the other is written.
template <class Cell, class Number>
void backward(const Recurrent& args, const Share& share) {
  const recurra_rows& rows = *args.rows;
  const int64_t stride = share.stride, deep = Cell::gates * args.size;
  const int64_t depth = Multiplier<Number>::depth(deep);
  Multiplier<Number> multiply;
  for (int64_t i = 0; i < share.count; ++i)
    each_leaf(args, share, i, share.h, [&](int64_t from, float* to, auto lane) {
      store(to, lane.get(args.grad_last + from));
    });
  int64_t live = 0;
  const int64_t time = share.count ? rows.length[share.row[0]] : 0;
  for (int64_t t = time - 1; t >= 0; --t) {
    while (live < share.count && rows.length[share.row[live]] > t) ++live;
    Number* gates =
        static_cast<Number*>(share.seen_next) + t % 2 * share.count * share.gates_stride;
    for (int64_t i = 0; i < live; ++i) {
      const int64_t row = share.row[i], line = line_of(rows, row, t);
      const int64_t before = t ? line - rows.stride : -1;
      for (int64_t index = share.first; index < share.end; ++index) {
        const Group group = group_of(args, index);
        const int64_t soon = i + 1 < live ? line_of(rows, share.row[i + 1], t)
                                          : line_of(rows, share.row[0], t ? t - 1 : 0);
        fetch(args.gates, soon, Cell::kept, args.width, group.begin);
        if (args.grads != args.gates)
          fetch(args.grads, soon, Cell::kept, args.width, group.begin);
        fetch(args.memory, soon, Cell::memory, args.width, group.begin);
        fetch(args.grad_y, soon, 1, args.width, group.begin);
        fetch(args.h, soon, 1, args.width, group.begin);
        Number* beside = gates + i * share.gates_stride + group.head * depth + group.first;
        columns(group.begin, group.end, [&](int64_t c, auto lane) {
          const int64_t j = c - group.begin;
          const int64_t place = i * stride + group.head * share.head_stride + group.first + j;
          Vec g = lane.get(args.grad_y + line * args.width + c) + load(share.h + place);
          Vec direct = Cell::back(args, row, line, before, c, lane, g,
                                  Carried{share.memory + place, share.leaf_stride}, beside + j);
          store(share.h + place, direct);
        });
      }
    }
    if (share.team > 1) share.meeting->wait(share.team * (time - t));
    for (int64_t index = share.first; index < share.end; ++index) {
      const Group group = group_of(args, index);
      multiply({gates + group.head * depth, live, share.gates_stride, deep,
                static_cast<const Number*>(share.weights) + index * depth * panel_columns,
                share.h + group.head * share.head_stride + group.first, stride, group.narrow()},
               true);
    }
  }
  for (int64_t i = 0; i < share.count; ++i)
    each_leaf(args, share, i, share.h, [&](int64_t to, const float* from, auto lane) {
      lane.put(args.grad_initial + to, load(from));
    });
}

// The gradient of x has panels of W as it lies, as long as all gates.
template <class Cell>
void pack_grad_x(const Recurrent& args, int64_t panel, float* to) {
  const int64_t first = panel * panel_columns, left = args.inputs - first;
  const int64_t count = left < panel_columns ? left : panel_columns;
  for (int64_t k = 0; k < Cell::gates * args.width; ++k, to += panel_columns) {
    memcpy(to, args.from_input + k * args.inputs + first, static_cast<size_t>(count) * sizeof *to);
    memset(to + count, 0, static_cast<size_t>(panel_columns - count) * sizeof *to);
  }
}

template <class Cell>
void grad_x(const Recurrent& args, const int64_t* lines, int64_t count, const float* panels,
            float* memory) {
  const int64_t number = (args.inputs + panel_columns - 1) / panel_columns;
  float *piece = memory, *sums = memory + count * piece_stride;
  const auto at = [&](int64_t i) { return args.grads + lines[i] * Cell::kept * args.width; };
  const auto narrow = [&](int64_t p) { return args.inputs - p * panel_columns <= lanes; };
  multiply_lines(count, at, Cell::gates * args.width, panels, number, narrow, piece, sums, count);
  for (int64_t i = 0; i < count; ++i) {
    float* to = args.grad_x + lines[i] * args.inputs;
    for (int64_t p = 0; p < number; ++p) {
      const int64_t first = p * panel_columns, left = args.inputs - first;
      const float* from = sums + (p * count + i) * panel_columns;
      columns(0, left < panel_columns ? left : panel_columns,
              [&](int64_t c, auto lane) { lane.put(to + first + c, load(from + c)); });
    }
  }
}

}  // namespace
