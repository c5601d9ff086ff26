// Compiled once for each instruction set.
#include "mlstm_gradient.h"

namespace recurra::RECURRA_ISA {

extern const MLSTMKernels mlstm{mlstm_forward, mlstm_backward};

}  // namespace recurra::RECURRA_ISA
