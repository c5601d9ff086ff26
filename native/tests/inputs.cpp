#include "inputs.h"

#include <math.h>

namespace {

// Mostly few; now and then more than a piece of a panel is long.
int64_t draw_size(Random& random) {
  return random.one_in(20) ? random.whole(500, 600) : random.whole(1, 40);
}

}  // namespace

Inputs::Inputs(Case& test, int64_t gates, int64_t kept)
    : Inputs(test, test.given.format == RECURRA_BFLOAT16, gates,
             test.given.format == RECURRA_BFLOAT16 ? kept * test.width : draw_size(test.random)) {}

Inputs::Inputs(Case& test, bool multiplied, int64_t gates, int64_t size)
    : x(test.reads_lines(size, multiplied ? -2 : -1, multiplied ? 2 : 1)),
      weight(test.reads(multiplied ? 0 : gates * test.width * size, -2 / sqrt(double(size)),
                        2 / sqrt(double(size)))),
      multiplied_(multiplied),
      size_(size) {
  if (multiplied) test.optional(weight);
}

double Inputs::operator()(int64_t line, int64_t number) const {
  if (multiplied_) return x[line * size_ + number];
  double sum = 0;
  for (int64_t k = 0; k < size_; ++k) sum += weight[number * size_ + k] * x[line * size_ + k];
  return sum;
}

Gradients::Gradients(Case& test, const Inputs& inputs, int64_t gates, int64_t heads, int64_t biases)
    : inputs_(inputs),
      width_(test.width),
      gates_(gates),
      heads_(heads),
      biases_(biases),
      of_x_(test.given.format == RECURRA_FLOAT32 && test.random.one_in(2)),
      of_weights_(test.given.format == RECURRA_FLOAT32 && test.random.one_in(2)),
      x_(test.writes(of_x_ ? test.lines() * inputs.count() : 0)),
      from_input_(test.writes(of_weights_ ? gates * width_ * inputs.count() : 0)),
      from_state_(test.writes(of_weights_ ? gates * width_ * (width_ / heads) : 0)),
      bias_(test.writes(of_weights_ ? biases * width_ : 0)) {
  test.optional(x_);
  if (test.given.format == RECURRA_BFLOAT16) test.optional(inputs.x);
  if (!of_weights_)  // else they are given together: a call without one is refused
    for (Array* array : {&from_input_, &from_state_, &bias_}) test.optional(*array);
  if (of_weights_) {
    for (int64_t i = 0; i < gates * width_ * inputs.count(); ++i) from_input_[i] = 0;
    for (int64_t i = 0; i < gates * width_ * (width_ / heads); ++i) from_state_[i] = 0;
    for (int64_t i = 0; i < biases * width_; ++i) bias_[i] = 0;
  }
}

void Gradients::add(int64_t line, const std::function<double(int64_t)>& of_u,
                    const std::function<double(int64_t)>& of_inner,
                    const std::function<double(int64_t)>& h) {
  const int64_t size = inputs_.count(), head = width_ / heads_;
  for (int64_t k = 0; k < size && of_x_; ++k) x_[line * size + k] = 0;
  for (int64_t n = 0; n < gates_ * width_; ++n) {
    const double u = of_u(n), inner = of_inner(n);
    for (int64_t k = 0; k < size && of_x_; ++k)
      x_[line * size + k] += inputs_.weight[n * size + k] * u;
    if (!of_weights_) continue;
    for (int64_t k = 0; k < size; ++k)
      from_input_[n * size + k] += u * inputs_.x[line * size + k];
    for (int64_t k = 0; k < head; ++k)
      from_state_[n * head + k] += inner * h(n % width_ / head * head + k);
    bias_[n] += u;
  }
  for (int64_t n = gates_ * width_; n < biases_ * width_ && of_weights_; ++n)
    bias_[n] += of_inner(n - width_);
}
