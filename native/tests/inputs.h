// What cells with a matrix between states have in common: W x, and the gradients of x and weights.
#pragma once

#include <functional>

#include "case.h"

// x and W, of `gates` vectors; in bfloat16 W x, in the first of `kept` vectors.
class Inputs {
 public:
  Inputs(Case& test, int64_t gates, int64_t kept);

  // W x at a number of a line of gates.
  double operator()(int64_t line, int64_t number) const;
  int count() const { return static_cast<int>(size_); }
  float* from_input() const { return multiplied_ ? nullptr : weight.data(); }

  Array &x, &weight;

 private:
  Inputs(Case& test, bool multiplied, int64_t gates, int64_t size);
  const bool multiplied_;
  const int64_t size_;
};

// Where the gradients of x, W, U and b go; each of them or those of the weights may not be wanted.
class Gradients {
 public:
  Gradients(Case& test, const Inputs& inputs, int64_t gates, int64_t heads, int64_t biases);

  // Adds what a step gives: of_u(n) is the gradient of number n of W x, of_inner(n) that of U h, and
  // h the state before.
  void add(int64_t line, const std::function<double(int64_t)>& of_u,
           const std::function<double(int64_t)>& of_inner, const std::function<double(int64_t)>& h);

  float* x() const { return of_x_ ? x_.data() : nullptr; }
  float* from_input() const { return of_weights_ ? from_input_.data() : nullptr; }
  float* from_state() const { return of_weights_ ? from_state_.data() : nullptr; }
  float* bias() const { return of_weights_ ? bias_.data() : nullptr; }

 private:
  const Inputs& inputs_;
  const int64_t width_, gates_, heads_, biases_;
  const bool of_x_, of_weights_;
  Array &x_, &from_input_, &from_state_, &bias_;
};

// The state h before step t of row b.
inline auto before_of(Case& test, Array& y, Array& initial, int64_t b, int64_t t) {
  const int64_t width = test.width, before = t ? test.layout.line(b, t - 1) : 0;
  return [&y, &initial, b, t, width, before](int64_t c) {
    return t ? y[before * width + c] : initial[b * width + c];
  };
}
