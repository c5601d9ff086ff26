// The C interface of sums of outer products.
#include "kernels.h"
#include "memory.h"
#include "outer_parts.h"
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
  const recurra::OuterKernel& kernel = *recurra::selected()->outer;
  const int64_t tiles = (height + kernel.tile - 1) / kernel.tile;
  const int64_t parts = std::min<int64_t>(tiles, threads);
  const int64_t own =
      recurra::Memory::bytes<float>(recurra::outer_memory(kernel, height, width, parts));
  recurra::Memory memory(parts * own + 2 * recurra::Memory::bytes<const float*>(lines));
  if (!memory) return recurra::NO_MEMORY;
  const float** a_lines = memory.take<const float*>(lines);
  const float** b_lines = memory.take<const float*>(lines);
  for (int64_t k = 0; k < lines; ++k) a_lines[k] = a + k * a_stride, b_lines[k] = b + k * b_stride;
  const recurra::Outer args{lines, height, width, 0, 0, a_lines, b_lines, out, nullptr};
  float* buffers = memory.take<float>(0);
  const int64_t each = own / static_cast<int64_t>(sizeof(float));
#pragma omp parallel for num_threads(parts) schedule(static, 1) if (parts > 1)
  for (int64_t part = 0; part < parts; ++part)
    recurra::outer_part(kernel, args, part, parts, buffers + part * each);
  return recurra::OK;
}
