// Sequences between padded batches and lines that lie one after the other.
#include <string.h>

#include "status.h"

namespace {

// Calls copy(padded place, place among the lines, bytes, bytes beyond) for each row.
template <class Copy>
int each_row(const recurra_rows* rows, int64_t width, int threads, int64_t time, Copy copy) {
  if (const auto status = recurra::check(rows, width, threads, 1)) return status;
  if (time < 0 || rows->stride != 1) return recurra::BAD_SIZE;
  for (int64_t b = 0; b < rows->rows; ++b)
    if (rows->length[b] > time) return recurra::BAD_LENGTH;
  const size_t line = static_cast<size_t>(width) * sizeof(float);
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
  for (int64_t b = 0; b < rows->rows; ++b) {
    const int64_t length = rows->length[b];
    copy(b * time * width, rows->offset[b] * width, static_cast<size_t>(length) * line,
         static_cast<size_t>(time - length) * line);
  }
  return recurra::OK;
}

}  // namespace

extern "C" int recurra_pack(const recurra_rows* rows, int64_t width, int threads, int time,
                            const float* padded, float* lines) {
  if (recurra::any_null(padded, lines)) return recurra::NULL_POINTER;
  return each_row(rows, width, threads, time,
                  [&](int64_t from, int64_t to, size_t bytes, size_t) {
                    if (bytes) memcpy(lines + to, padded + from, bytes);
                  });
}

extern "C" int recurra_unpack(const recurra_rows* rows, int64_t width, int threads, int time,
                              const float* lines, float* padded) {
  if (recurra::any_null(lines, padded)) return recurra::NULL_POINTER;
  return each_row(rows, width, threads, time,
                  [&](int64_t to, int64_t from, size_t bytes, size_t beyond) {
                    if (bytes) memcpy(padded + to, lines + from, bytes);
                    if (beyond) memset(reinterpret_cast<char*>(padded + to) + bytes, 0, beyond);
                  });
}
