// Vectors of the instruction set that this translation unit is compiled for, and functions on them.
//
// Everything lies in an unnamed namespace: each instruction set has its own copy, so the linker
// cannot put AVX code where the baseline was meant.
#pragma once

#include <stdint.h>
#include <string.h>

#if defined(__SSE__)
#include <immintrin.h>
#endif

#if defined(RECURRA_EMULATED)
#define RECURRA_LANES 16
#define RECURRA_ISA emulated
#elif defined(__AVX512F__)
#define RECURRA_LANES 16
#if defined(__AMX_BF16__)
#define RECURRA_ISA amx
#elif defined(__AVX512BF16__)
#define RECURRA_ISA avx512bf16
#else
#define RECURRA_ISA avx512
#endif
#elif defined(__AVX2__)
#define RECURRA_LANES 8
#define RECURRA_ISA avx2
#elif defined(__aarch64__)
#define RECURRA_LANES 4
#define RECURRA_ISA neon
#else
#define RECURRA_LANES 4
#define RECURRA_ISA baseline
#endif

#define RECURRA_INLINE inline __attribute__((always_inline, unused))

namespace {

constexpr int lanes = RECURRA_LANES;
typedef float Vec __attribute__((vector_size(4 * RECURRA_LANES)));
typedef int32_t IntVec __attribute__((vector_size(4 * RECURRA_LANES)));

RECURRA_INLINE Vec load(const float* from) {
  Vec x;
  memcpy(&x, from, sizeof x);
  return x;
}

RECURRA_INLINE void store(float* to, Vec x) { memcpy(to, &x, sizeof x); }

RECURRA_INLINE Vec all(float x) { return x - Vec{}; }

// A whole vector of a line.
struct Whole {
  RECURRA_INLINE Vec get(const float* from) const { return load(from); }
  RECURRA_INLINE void put(float* to, Vec x) const { store(to, x); }
};

// The rest of a line: reads and writes no byte beyond it.
struct Part {
  int64_t count;
  RECURRA_INLINE Vec get(const float* from) const {
    float buffer[lanes] = {};
    for (int64_t i = 0; i < count; ++i) buffer[i] = from[i];
    return load(buffer);
  }
  RECURRA_INLINE void put(float* to, Vec x) const {
    float buffer[lanes];
    store(buffer, x);
    for (int64_t i = 0; i < count; ++i) to[i] = buffer[i];
  }
};

// Calls body(first column, Whole or Part) over the columns from `begin` to `end`.
template <class Body>
RECURRA_INLINE void columns(int64_t begin, int64_t end, Body body) {
  int64_t c = begin;
  for (; c + lanes <= end; c += lanes) body(c, Whole{});
  if (c < end) body(c, Part{end - c});
}

// e^r - 1 - r over [-log(2)/2, log(2)/2]: the polynomial of Cephes' expf.
RECURRA_INLINE Vec exponential_beyond_line(Vec r) {
  Vec p = all(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  return p * (r * r);
}

// e^x = 2^n (1 + p), by Cody and Waite's reduction.
struct Power {
  Vec p;
  Vec scale;  // 2^n
};

RECURRA_INLINE Power power(Vec x) {
  x = x > all(88.0f) ? all(88.0f) : x;
  x = x < all(-86.5f) ? all(-86.5f) : x;
  // 1.5 * 2^23: the sum's last bits are the rounded number; 127: with the bias of an exponent
  const Vec shifter = all(12582912.0f + 127.0f);
  Vec shifted = x * 1.44269504089f + shifter;
  Vec n = shifted - shifter;
  Vec r = x - n * 0.693359375f;
  r = r + n * 2.12194440e-4f;
  return {exponential_beyond_line(r) + r, (Vec)((IntVec)shifted << 23)};
}

// To 1.5 units in the last place over [-86.5, 88]; beyond, the value at the bound. NaN stays.
RECURRA_INLINE Vec exponential(Vec x) {
  Power e = power(x);
  return e.p * e.scale + e.scale;
}

RECURRA_INLINE Vec absolute(Vec x) { return (Vec)((IntVec)x & 0x7fffffff); }

RECURRA_INLINE Vec square_root(Vec x) {
#if defined(__AVX512F__)
  return (Vec)_mm512_maskz_sqrt_ps(0xffff, (__m512)x);
#elif defined(__AVX__)
  return (Vec)_mm256_sqrt_ps((__m256)x);
#elif defined(__SSE__) && RECURRA_LANES == 4
  return (Vec)_mm_sqrt_ps((__m128)x);
#else
  for (int i = 0; i < lanes; ++i) x[i] = __builtin_sqrtf(x[i]);
  return x;
#endif
}

// Both of sigma(x) and sigma(-x), each with its own small numbers exact. The large one is taken from
// the small one: a product of a thousand decays near 1 keeps half the error of 1 / (1 + e).
struct Gate {
  Vec open, shut;
};

RECURRA_INLINE Gate gate(Vec x) {
  Vec e = exponential(-absolute(x));
  Vec small = e / (1.0f + e), large = 1.0f - small;
  return Gate{x < Vec{} ? small : large, x < Vec{} ? large : small};
}

RECURRA_INLINE Vec sigmoid(Vec x) { return 1.0f / (1.0f + exponential(-x)); }

// tanh x = -(e^-2x - 1) / (e^-2x + 1), its numerator exact where e^-2x is near 1.
RECURRA_INLINE Vec hyperbolic_tangent(Vec x) {
  Power e = power(-2.0f * absolute(x));
  Vec below = e.p * e.scale + (e.scale - 1.0f);
  Vec size = below / (-2.0f - below);
  return (Vec)((IntVec)size | ((IntVec)x & (int32_t)0x80000000));
}

}  // namespace
