// Compiled once for each instruction set.
#include "kernels.h"

#include "affine.h"
#include "cells.h"
#include "gated.h"
#include "indrnn.h"
#include "join.h"
#include "scan.h"
#include "triad.h"

namespace {

template <class Cell>
constexpr recurra::ScanKernels scan() {
  return {Cell::fields,        Cell::parts,         Cell::biased,       scan_forward<Cell>,
          join_forward<Cell>,  scan_backward<Cell>, join_backward<Cell>, apply<Cell::parts>};
}

}  // namespace

namespace recurra::RECURRA_ISA {

extern const Kernels kernels{
    lanes,
    {scan<Affine>(), scan<Rotation>(), scan<MinGRU>(), scan<MinLSTM>(), scan<RGLRU>()},
    triad,
    RECURRA_CELLS_OF(float),
    indrnn_forward, indrnn_backward,
    &outer,
    &mlstm,
    &pool,
    &streams,
};

}  // namespace recurra::RECURRA_ISA
