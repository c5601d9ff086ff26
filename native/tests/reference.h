// What the functions must compute, in double, number by number.
#pragma once

#include <math.h>

#include "case.h"

inline double sigmoid(double x) { return 1 / (1 + exp(-x)); }

// The sum over k of weight[row][k] * x[k].
inline double product(Array& weight, int64_t row, const std::vector<double>& x) {
  double sum = 0;
  const auto width = static_cast<int64_t>(x.size());
  for (int64_t k = 0; k < width; ++k) sum += weight[row * width + k] * x[static_cast<size_t>(k)];
  return sum;
}

// The state of row b, from an array of [batch, width].
inline std::vector<double> state_of(Array& all, int64_t b, int64_t width) {
  std::vector<double> state(static_cast<size_t>(width));
  for (int64_t c = 0; c < width; ++c) state[static_cast<size_t>(c)] = all[b * width + c];
  return state;
}

// The sum over all rows k of weight[k][c] * x[k], for each column c.
inline std::vector<double> transposed_product(Array& weight, const std::vector<double>& x,
                                              int64_t width) {
  std::vector<double> sum(static_cast<size_t>(width));
  for (size_t k = 0; k < x.size(); ++k)
    for (int64_t c = 0; c < width; ++c) sum[c] += weight[int64_t(k) * width + c] * x[k];
  return sum;
}
