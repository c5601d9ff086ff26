// Compiled once for each instruction set.
#include "kernels.h"

#include "affine.h"
#include "classic.h"
#include "mingru.h"

#define RECURRA_TEXT(name) #name
#define RECURRA_NAME(name) RECURRA_TEXT(name)

namespace {

template <class Cell>
constexpr recurra::RecurrentKernels recurrent() {
  constexpr int vectors = Cell::gates * Cell::blocks;
  return {Cell::gates,         vectors * lanes,     Cell::blocks * lanes,
          back_blocks * lanes, back_blocks * lanes, pack_forward<Cell>,
          forward<Cell>,       pack_backward<Cell>, backward<Cell>};
}

}  // namespace

namespace recurra::RECURRA_ISA {

extern const Kernels kernels{
    RECURRA_NAME(RECURRA_ISA), lanes,
    scan_forward<Affine>,      scan_backward<Affine>,
    scan_forward<MinGRU>,      scan_backward<MinGRU>,
    {recurrent<Elman<false>>(), recurrent<Elman<true>>(), recurrent<GRU>(), recurrent<LSTM>()},
    &streams,
};

}  // namespace recurra::RECURRA_ISA
