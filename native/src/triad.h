// The measure of memory bandwidth.
#pragma once

#include "line.h"

namespace {

// a = b + scale c, stored past the caches.
void triad(int64_t count, float scale, const float* b, const float* c, float* a) {
  const bool stream = reinterpret_cast<uintptr_t>(a) % sizeof(Vec) == 0;
  columns(0, count, [&](int64_t i, auto lane) {
    const Vec x = lane.get(b + i) + scale * lane.get(c + i);
    if constexpr (sizeof lane == sizeof(Whole)) {
      if (stream) return store_past_caches(a + i, x);
    }
    lane.put(a + i, x);
  });
  settle();
}

}  // namespace
