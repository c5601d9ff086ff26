// The kernels of a cell with a matrix between its states, with products of `Number`.
#pragma once

#include "classic.h"
#include "slstm.h"

namespace {

template <class Cell, class Number>
constexpr recurra::RecurrentKernels recurrent() {
  constexpr bool wide = sizeof(Number) == sizeof(float);
  return {
      Cell::gates, Cell::kept, Cell::leaves, panel_columns, sizeof(Number), piece_stride,
      Multiplier<Number>::depth,
      wide ? pack_inputs<Cell> : nullptr,
      [](const Recurrent& args, int64_t group, void* to) {
        pack_forward<Cell>(args, group, static_cast<Number*>(to));
      },
      forward<Cell, Number>,
      [](const Recurrent& args, int64_t group, void* to) {
        pack_backward<Cell>(args, group, static_cast<Number*>(to));
      },
      backward<Cell, Number>,
      wide ? pack_grad_x<Cell> : nullptr,
      wide ? grad_x<Cell> : nullptr,
  };
}

}  // namespace

// In the order of recurra.h.
#define RECURRA_CELLS_OF(Number)                                                                \
  {                                                                                             \
    recurrent<Elman<false>, Number>(), recurrent<Elman<true>, Number>(),                        \
        recurrent<GRU, Number>(), recurrent<LSTM, Number>(), recurrent<SLSTM<false>, Number>(), \
        recurrent<SLSTM<true>, Number>()                                                        \
  }
