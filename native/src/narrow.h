// Numbers that weights may be kept in, and how a vector of them becomes one of float32. By
// intrinsics where GCC does not find the one instruction for it.
#pragma once

#if defined(__F16C__) || defined(__AVX512F__)
#include <immintrin.h>
#endif

#include "vector.h"

namespace {

struct Half {
  uint16_t bits;
};

struct Brain {
  uint16_t bits;
};

#if defined(__AVX512F__)
typedef __m256i Shorts;
typedef __m128i Bytes;
RECURRA_INLINE IntVec widen(Shorts x) { return (IntVec)_mm512_cvtepu16_epi32(x); }
RECURRA_INLINE IntVec widen(Bytes x) { return (IntVec)_mm512_cvtepi8_epi32(x); }
RECURRA_INLINE Vec from_halves(Shorts x) { return (Vec)_mm512_cvtph_ps(x); }
#elif defined(__AVX2__)
typedef __m128i Shorts;
typedef int64_t Bytes;
RECURRA_INLINE IntVec widen(Shorts x) { return (IntVec)_mm256_cvtepu16_epi32(x); }
RECURRA_INLINE IntVec widen(Bytes x) { return (IntVec)_mm256_cvtepi8_epi32(_mm_cvtsi64_si128(x)); }
RECURRA_INLINE Vec from_halves(Shorts x) { return (Vec)_mm256_cvtph_ps(x); }
#else
typedef uint16_t Shorts __attribute__((vector_size(2 * RECURRA_LANES)));
typedef int8_t Bytes __attribute__((vector_size(RECURRA_LANES)));
RECURRA_INLINE IntVec widen(Shorts x) { return __builtin_convertvector(x, IntVec); }
RECURRA_INLINE IntVec widen(Bytes x) { return __builtin_convertvector(x, IntVec); }
// The exponents' biases differ by 112; a product mends small numbers too. Weights are finite.
RECURRA_INLINE Vec from_halves(Shorts x) {
  IntVec bits = widen(x);
  Vec size = (Vec)((bits & 0x7fff) << 13) * 0x1p112f;
  return (Vec)((IntVec)size | ((bits & 0x8000) << 16));
}
#endif

template <class Whole, class Number>
RECURRA_INLINE Whole load_as(const Number* from) {
  static_assert(sizeof(Whole) == RECURRA_LANES * sizeof(Number));
  Whole x;
  memcpy(&x, from, sizeof x);
  return x;
}

RECURRA_INLINE Vec load(const Half* from) { return from_halves(load_as<Shorts>(from)); }

RECURRA_INLINE Vec load(const Brain* from) { return (Vec)(widen(load_as<Shorts>(from)) << 16); }

RECURRA_INLINE Vec load(const int8_t* from) {
  return __builtin_convertvector(widen(load_as<Bytes>(from)), Vec);
}

// The nearest Half, ties to even; x is at most 65504 and a little.
inline Half to_half(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  const uint32_t sign = bits >> 16 & 0x8000u;
  bits &= 0x7fffffffu;
  if (bits < 0x38800000u) {  // below 2^-14 a Half is a multiple of 2^-24: adding 1/2 rounds to one
    float size;
    memcpy(&size, &bits, sizeof size);
    const float shifted = size + 0.5f;
    memcpy(&bits, &shifted, sizeof bits);
    return {static_cast<uint16_t>(sign | (bits - 0x3f000000u))};
  }
  bits += 0xfffu + (bits >> 13 & 1u);
  return {static_cast<uint16_t>(sign | (bits - 0x38000000u) >> 13)};
}

// The nearest Brain, ties to even; NaN stays.
inline Brain to_brain(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  if (x != x) return {static_cast<uint16_t>(bits >> 16 | 0x40u)};
  return {static_cast<uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16)};
}

RECURRA_INLINE void store(Brain* to, Vec x) {
#if defined(__AVX512BF16__)
  const __m256bh narrow = _mm512_cvtneps_pbh((__m512)x);
#else
  typedef uint16_t Narrow __attribute__((vector_size(2 * RECURRA_LANES)));
  typedef uint32_t Bits __attribute__((vector_size(4 * RECURRA_LANES)));
  const Bits bits = (Bits)x, rounded = bits + 0x7fff + (bits >> 16 & 1);  // a NaN's may wrap
  const Narrow narrow = __builtin_convertvector((x == x ? rounded : bits | 0x400000) >> 16, Narrow);
#endif
  memcpy(to, &narrow, sizeof narrow);
}

RECURRA_INLINE void put(Whole, Brain* to, Vec x) { store(to, x); }

RECURRA_INLINE void put(Part part, Brain* to, Vec x) {
  Brain buffer[lanes];
  store(buffer, x);
  for (int64_t i = 0; i < part.count; ++i) to[i] = buffer[i];
}

template <class Lane>
RECURRA_INLINE void put(Lane lane, float* to, Vec x) {
  lane.put(to, x);
}

}  // namespace
