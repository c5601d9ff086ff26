// Compiled once for each instruction set.
#include "kernels.h"

#include "affine.h"
#include "mingru.h"

#define RECURRA_TEXT(name) #name
#define RECURRA_NAME(name) RECURRA_TEXT(name)

namespace recurra::RECURRA_ISA {

extern const Kernels kernels{
    RECURRA_NAME(RECURRA_ISA), lanes,
    scan_forward<Affine>,      scan_backward<Affine>,
    scan_forward<MinGRU>,      scan_backward<MinGRU>,
};

}  // namespace recurra::RECURRA_ISA
