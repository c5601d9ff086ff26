// The C interface of sums of outer products.
#include "kernels.h"
#include "memory.h"
#include "status.h"

#include <algorithm>

extern "C" int recurra_transposed_product(int64_t lines, int threads, const float* a,
                                          int64_t a_stride, int64_t height, const float* b,
                                          int64_t b_stride, int64_t width, float* out) {
  constexpr int64_t largest = int64_t{1} << 31;
  if (!recurra::selected()) return recurra::NOT_SELECTED;
  if (recurra::any_null(a, b, out)) return recurra::NULL_POINTER;
  if (lines < 0 || lines >= largest || threads < 1 || threads > recurra::MOST_THREADS || height < 1 || width < 1 ||
      a_stride < height || b_stride < width || a_stride >= largest || b_stride >= largest ||
      height >= largest / width)
    return recurra::BAD_SIZE;
  const recurra::Outer args{lines, height, width, a_stride, b_stride, a, b, out};
  const recurra::OuterKernel& kernel = *recurra::selected()->outer;
  const int64_t tiles = (height + kernel.tile - 1) / kernel.tile;
  const int64_t parts = std::min<int64_t>(tiles, threads), most = (tiles + parts - 1) / parts;
  const int64_t wide = (width + kernel.columns - 1) / kernel.columns * kernel.columns;
  const int64_t own =
      most * kernel.pitch + kernel.columns * kernel.lines + most * kernel.tile * wide;
  recurra::Memory memory(parts * recurra::Memory::bytes<float>(own));
  if (!memory) return recurra::NO_MEMORY;
  float* buffers = memory.take<float>(0);
  const int64_t each = recurra::Memory::bytes<float>(own) / static_cast<int64_t>(sizeof(float));
#pragma omp parallel for num_threads(parts) schedule(static, 1) if (parts > 1)
  for (int64_t part = 0; part < parts; ++part)
    kernel.run(args, tiles * part / parts, tiles * (part + 1) / parts, buffers + part * each);
  return recurra::OK;
}
