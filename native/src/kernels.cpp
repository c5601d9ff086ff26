// Compiled once for each instruction set.
#include "kernels.h"

#include "affine.h"
#include "classic.h"
#include "gated.h"
#include "indrnn.h"
#include "join.h"
#include "scan.h"
#include "slstm.h"
#include "triad.h"

#define RECURRA_TEXT(name) #name
#define RECURRA_NAME(name) RECURRA_TEXT(name)

namespace {

template <class Cell>
constexpr recurra::RecurrentKernels recurrent() {
  return {Cell::gates,          Cell::kept,        Cell::leaves,        panel_columns,
          piece_stride,         pack_inputs<Cell>, pack_forward<Cell>,  forward<Cell>,
          pack_backward<Cell>,  backward<Cell>,    pack_grad_x<Cell>,   grad_x<Cell>};
}

template <class Cell>
constexpr recurra::ScanKernels scan() {
  return {Cell::fields,        Cell::parts,         Cell::biased,       scan_forward<Cell>,
          join_forward<Cell>,  scan_backward<Cell>, join_backward<Cell>, apply<Cell::parts>};
}

}  // namespace

namespace recurra::RECURRA_ISA {

extern const Kernels kernels{
    RECURRA_NAME(RECURRA_ISA), lanes,
    {scan<Affine>(), scan<Rotation>(), scan<MinGRU>(), scan<MinLSTM>(), scan<RGLRU>()},
    triad,
    {recurrent<Elman<false>>(), recurrent<Elman<true>>(), recurrent<GRU>(), recurrent<LSTM>(),
     recurrent<SLSTM<false>>(), recurrent<SLSTM<true>>()},
    indrnn_forward, indrnn_backward,
    &outer,
    &mlstm,
    &pool,
    &streams,
};

}  // namespace recurra::RECURRA_ISA
