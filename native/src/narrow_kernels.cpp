// Compiled once for each instruction set, and for those whose products of bfloat16 alone differ.
#include "cells.h"

namespace recurra::RECURRA_ISA {

extern const NarrowKernels narrow{RECURRA_CELLS_OF(Brain)};

}  // namespace recurra::RECURRA_ISA
