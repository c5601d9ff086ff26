// Texts of the codes, and the checks.
#include "status.h"

#include "kernels.h"

namespace recurra {
namespace {

// Above this, line * width * 4 bytes would not fit into an address.
constexpr int64_t LARGEST = int64_t{1} << 40;

const char* const TEXTS[] = {
    "no error",
    "recurra_select was not called",
    "there is no such instruction set; known: baseline, avx2, avx512, avx512bf16, amx, "
    "neon",
    "this machine lacks the instruction set",
    "a pointer is null",
    "a size is out of range: rows and lines are at least 0, width and threads at least 1, "
    "threads at most 1024",
    "a row's length is negative",
    "a row leaves the array: some step of it lies on no line",
    "there is not enough memory",
    "there is no such cell",
    "there is no such kind of numbers for weights here",
    "a layer does not take what the one below it gives",
    "a weight is not finite, or beyond the largest of the narrower numbers",
    "a row is none of the stream's, or is named twice",
    "another thread is using this stream",
    "a field of this cell has lines or a constant, not both",
};

}  // namespace

Status check(const recurra_rows* rows, int64_t width, int threads, int gates) {
  if (!selected()) return NOT_SELECTED;
  if (!rows || (rows->rows > 0 && any_null(rows->offset, rows->length))) return NULL_POINTER;
  const bool fits = rows->rows >= 0 && rows->rows < LARGEST && rows->lines >= 0 &&
                    rows->lines < LARGEST && width >= 1 && threads >= 1 &&
                    threads <= MOST_THREADS &&
                    width < LARGEST / gates / (rows->lines > 1 ? rows->lines : 1) &&
                    width < LARGEST / gates / (rows->rows > 1 ? rows->rows : 1) &&
                    rows->stride > -LARGEST && rows->stride < LARGEST;
  if (!fits) return BAD_SIZE;
  for (int64_t b = 0; b < rows->rows; ++b) {
    const int64_t length = rows->length[b], first = rows->offset[b];
    if (length < 0) return BAD_LENGTH;
    if (length == 0) continue;
    if (length > rows->lines || first < 0 || first >= rows->lines) return BAD_PLACE;
    int64_t way, last;
    if (__builtin_mul_overflow(length - 1, rows->stride, &way) ||
        __builtin_add_overflow(first, way, &last) || last < 0 || last >= rows->lines)
      return BAD_PLACE;
  }
  return OK;
}

}  // namespace recurra

extern "C" int recurra_version(void) { return 4; }

extern "C" const char* recurra_text(int code) {
  constexpr int count = sizeof recurra::TEXTS / sizeof *recurra::TEXTS;
  return code >= 0 && code < count ? recurra::TEXTS[code] : "unknown code";
}
