// Compiled once for each instruction set: what is made of products of small matrices.
#include "mlstm_gradient.h"
#include "outer.h"
#include "pool.h"

namespace recurra::RECURRA_ISA {

extern const MLSTMKernels mlstm{mlstm_forward, mlstm_backward};
extern const PoolKernels pool{pool_forward, pool_backward};
extern const OuterKernel outer{tile_lines, 2 * lanes, outer_pitch, outer_lines, ::outer};

}  // namespace recurra::RECURRA_ISA
