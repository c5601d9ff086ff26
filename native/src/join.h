// The steps of a chunk joined into one, so that the chunks of a row need not wait for each other.
#pragma once

#include "fields.h"

namespace {

// Follows one step by the next: decays and injects become those of both.
template <int parts, class Lane>
RECURRA_INLINE void follow(Lane lane, float* decays, float* injects, int64_t width,
                           Step<parts> next) {
  put_number(lane, decays, width,
             multiply(next.decay, get_number<parts>(lane, decays, width)));
  put_number(lane, injects, width,
             multiply_add(next.decay, get_number<parts>(lane, injects, width), next.inject));
}

template <int parts>
RECURRA_INLINE void stand_still(float* decays, float* injects, int64_t width) {
  columns(0, width, [&](int64_t c, auto lane) {
    put_number(lane, decays + c, width, one<parts>());
    put_number(lane, injects + c, width, Number<parts>{});
  });
}

template <class Cell>
void join_forward(const Scan& scan, const Chunk& chunk, float* decays, float* injects) {
  constexpr int parts = Cell::parts;
  const int64_t width = scan.width;
  stand_still<parts>(decays, injects, width);
  for (int64_t t = chunk.begin; t < chunk.end; ++t) {
    const Fields<Cell> fields(scan, line_at(scan, chunk.row, t));
    columns(0, width, [&](int64_t c, auto lane) {
      follow(lane, decays + c, injects + c, width, fields.step(c, lane));
    });
  }
}

// The same of the gradient: g before = conj(decay) (g after + grad_h). Goes with time too, as memory
// is read best: each gradient meets the decays that lie between it and the chunk's first step.
template <class Cell>
void join_backward(const Scan& scan, const Chunk& chunk, float* decays, float* injects) {
  constexpr int parts = Cell::parts;
  const int64_t width = scan.width;
  stand_still<parts>(decays, injects, width);
  for (int64_t t = chunk.begin; t < chunk.end; ++t) {
    const int64_t line = line_at(scan, chunk.row, t);
    const Fields<Cell> fields(scan, line);
    const float* grad = scan.grad_h + line * parts * width;
    columns(0, width, [&](int64_t c, auto lane) {
      auto decay = multiply(get_number<parts>(lane, decays + c, width),
                            conjugate(fields.step(c, lane).decay));
      auto sum = get_number<parts>(lane, injects + c, width);
      auto now = get_number<parts>(lane, grad + c, width);
      put_number(lane, decays + c, width, decay);
      put_number(lane, injects + c, width, multiply_add(decay, now, sum));
    });
  }
}

// after = decays before + injects.
template <int parts>
void apply(int64_t width, const float* decays, const float* injects, const float* before,
           float* after) {
  columns(0, width, [&](int64_t c, auto lane) {
    put_number(lane, after + c, width,
               multiply_add(get_number<parts>(lane, decays + c, width),
                            get_number<parts>(lane, before + c, width),
                            get_number<parts>(lane, injects + c, width)));
  });
}

}  // namespace
