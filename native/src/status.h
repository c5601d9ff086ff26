// What a function of the C interface returns, and the checks that every one of them begins with.
#pragma once

#include "recurra.h"

namespace recurra {

constexpr int MOST_THREADS = 1 << 10;

enum Status {
  OK,
  NOT_SELECTED,
  UNKNOWN_ISA,
  ABSENT_ISA,
  NULL_POINTER,
  BAD_SIZE,
  BAD_LENGTH,
  BAD_PLACE,
  NO_MEMORY,
  UNKNOWN_CELL,
  UNKNOWN_FORMAT,
  BAD_STACK,
  BAD_WEIGHT,
  BAD_ROW,
  BUSY,
  BAD_FIELD,
};

// Sizes are positive, lines of `gates` vectors of `width` can be addressed, and every step of every
// row lies on one of the lines.
Status check(const recurra_rows* rows, int64_t width, int threads, int gates);

template <class... Pointers>
bool any_null(Pointers... pointers) {
  return ((pointers == nullptr) || ...);
}

}  // namespace recurra
