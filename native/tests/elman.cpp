// h_t = tanh(W x + b + U h_{t-1}), or max(0, W x + b + U h_{t-1}).
#include "functions.h"
#include "inputs.h"
#include "operands.h"
#include "reference.h"
#include "status.h"

namespace {

bool draw_cell(Case& test) {
  const bool rectified = test.random.one_in(2);
  test.number(rectified ? RECURRA_ELMAN_RELU : RECURRA_ELMAN_TANH, -1, recurra::UNKNOWN_CELL);
  return rectified;
}

}  // namespace

void elman_forward(Case& test) {
  const int64_t width = test.width;
  const bool rectified = draw_cell(test);
  Operands operands(test);
  const Inputs u(test, 1, 1);
  Array &weight = operands.rounds(test.reads_weight(width)), &bias = test.reads(width);
  Array& initial = test.reads(test.batch * width);
  Array& y = operands.over(u.x, test.lines() * width);
  Array& last = test.writes(test.batch * width);
  const auto call = [&] {
    return recurra_recurrent_forward(test.rows(), test.given.width, test.given.threads,
                                     test.given.number, 1, test.given.format, 1, u.count(), u.x.data(),
                                     u.from_input(), weight.data(), bias.data(), initial.data(),
                                     nullptr, nullptr, y.data(), last.data());
  };
  operands.watch(call, y);
  for (int64_t b = 0; b < test.batch; ++b) {
    std::vector<double> h = state_of(initial, b, width), seen = operands.seen(h), next = seen;
    for (int64_t t = 0; t < test.layout.length[b]; ++t) {
      const int64_t line = test.layout.line(b, t);
      for (int64_t c = 0; c < width; ++c) {
        const double a = u(line, c) + bias[c] + product(weight, c, seen);
        y[line * width + c] = h[c] = rectified ? fmax(a, 0) : tanh(a);
        next[c] = operands.seen(line * width + c, h[c]);
      }
      seen = next;
    }
    for (int64_t c = 0; c < width; ++c) last[b * width + c] = h[c];
  }
  test.run(call);
}

void elman_backward(Case& test) {
  const int64_t width = test.width;
  const bool rectified = draw_cell(test);
  Operands operands(test);
  const Inputs u(test, 1, 1);
  Array &weight = operands.rounds(test.reads_weight(width)), &initial = test.reads(test.batch * width);
  Array& y = test.reads_lines(width);
  Array &grad_y = test.reads_lines(width), &grad_last = test.reads(test.batch * width);
  Array& grad_u = test.writes(test.lines() * width);
  Array& grad_initial = test.writes(test.batch * width);
  Gradients grads(test, u, 1, 1, 1);
  const auto call = [&] {
    return recurra_recurrent_backward(test.rows(), test.given.width, test.given.threads,
                                      test.given.number, 1, test.given.format, u.count(), u.x.data(),
                                      u.from_input(), weight.data(), initial.data(), y.data(),
                                      nullptr, nullptr, grad_y.data(), grad_last.data(),
                                      grad_u.data(), grad_initial.data(), grads.x(),
                                      grads.from_input(), grads.from_state(), grads.bias());
  };
  operands.watch(call, grad_u);
  for (int64_t b = 0; b < test.batch; ++b) {
    std::vector<double> carried = state_of(grad_last, b, width), inner = carried;
    for (int64_t t = test.layout.length[b] - 1; t >= 0; --t) {
      const int64_t line = test.layout.line(b, t);
      for (int64_t c = 0; c < width; ++c) {
        const double h = y[line * width + c], g = grad_y[line * width + c] + carried[c];
        const double of_u = grad_u[line * width + c] = g * (rectified ? h > 0 : 1 - h * h);
        inner[c] = operands.seen(line * width + c, of_u);
      }
      const auto of_u = [&](int64_t n) { return inner[n]; };
      grads.add(line, of_u, of_u, before_of(test, y, initial, b, t));
      carried = transposed_product(weight, inner, width);
    }
    for (int64_t c = 0; c < width; ++c) grad_initial[b * width + c] = carried[c];
  }
  test.run(call);
}
