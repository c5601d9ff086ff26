// A sum of outer products, shared out to threads by the result's lines.
#pragma once

#include "kernels.h"

namespace recurra {

// Numbers of memory that each of `parts` needs.
inline int64_t outer_memory(const OuterKernel& kernel, int64_t height, int64_t width,
                            int64_t parts) {
  const int64_t tiles = (height + kernel.tile - 1) / kernel.tile, most = (tiles + parts - 1) / parts;
  const int64_t wide = (width + kernel.columns - 1) / kernel.columns * kernel.columns;
  return most * kernel.pitch + kernel.columns * kernel.lines + most * kernel.tile * (wide + 1);
}

inline void outer_part(const OuterKernel& kernel, const Outer& args, int64_t part, int64_t parts,
                       float* memory) {
  const int64_t tiles = (args.height + kernel.tile - 1) / kernel.tile;
  const int64_t begin = tiles * part / parts, end = tiles * (part + 1) / parts;
  if (begin < end) kernel.run(args, begin, end, memory);
}

}  // namespace recurra
