// A line of an array: copied past the caches or into them, added, touched.
#pragma once

#include "vector.h"

namespace {

// Writes a vector that is not read again soon straight to memory, without reading its place first.
RECURRA_INLINE void store_past_caches(float* to, Vec x) {
#if defined(__AVX512F__)
  _mm512_stream_ps(to, (__m512)x);
#elif defined(__AVX__)
  _mm256_stream_ps(to, (__m256)x);
#elif defined(__SSE__)
  _mm_stream_ps(to, (__m128)x);
#else
  store(to, x);
#endif
}

// What went past the caches is there before whatever this thread stores next.
RECURRA_INLINE void settle() {
#if defined(__SSE__)
  _mm_sfence();
#endif
}

RECURRA_INLINE void copy(float* to, const float* from, int64_t count, bool stream) {
  if (!stream || reinterpret_cast<uintptr_t>(to) % sizeof(Vec)) {
    memcpy(to, from, static_cast<size_t>(count) * sizeof *to);
    return;
  }
  int64_t c = 0;
  for (; c + lanes <= count; c += lanes) store_past_caches(to + c, load(from + c));
  for (; c < count; ++c) to[c] = from[c];
}

RECURRA_INLINE void add(float* to, const float* from, int64_t count) {
  columns(0, count, [&](int64_t c, auto lane) {
    lane.put(to + c, lane.get(to + c) + lane.get(from + c));
  });
}

// Brings a line into the caches by loads: software prefetches halve what the hardware fetches ahead.
RECURRA_INLINE void touch(const float* line, int64_t count) {
  for (int64_t c = 0; c < count; c += 16) (void)*static_cast<const volatile float*>(line + c);
}

}  // namespace
