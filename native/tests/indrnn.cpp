// h_t = max(0, W x_t + b + u h_{t-1}), u a number for each column.
#include "functions.h"
#include "reference.h"

void indrnn_forward(Case& test) {
  const int64_t width = test.width;
  Array &recurrence = test.reads(width), &bias = test.reads(width);
  Array &initial = test.reads(test.batch * width), &last = test.writes(test.batch * width);
  Array& h = test.changes(test.reads_lines(width, -2, 2));
  for (int64_t b = 0; b < test.batch; ++b) {
    std::vector<double> state = state_of(initial, b, width);
    for (int64_t t = 0; t < test.layout.length[b]; ++t) {
      for (int64_t c = 0; c < width; ++c) {
        double& number = h[test.layout.line(b, t) * width + c];
        number = state[c] = fmax(0, number + bias[c] + recurrence[c] * state[c]);
      }
    }
    for (int64_t c = 0; c < width; ++c) last[b * width + c] = state[c];
  }
  test.run([&] {
    return recurra_indrnn_forward(test.rows(), test.given.width, test.given.threads,
                                  recurrence.data(), bias.data(), initial.data(), h.data(),
                                  last.data());
  });
}

void indrnn_backward(Case& test) {
  const int64_t width = test.width;
  Array &recurrence = test.reads(width), &initial = test.reads(test.batch * width);
  Array &h = test.reads_lines(width), &grad_h = test.reads_lines(width);
  Array& grad_last = test.reads(test.batch * width);
  Array &grad_u = test.writes(test.lines() * width), &each = test.writes(test.batch * width);
  Array& grad_initial = test.writes(test.batch * width);
  for (int64_t b = 0; b < test.batch; ++b) {
    for (int64_t c = 0; c < width; ++c) {
      double carried = grad_last[b * width + c], sum = 0;
      for (int64_t t = test.layout.length[b] - 1; t >= 0; --t) {
        const int64_t i = test.layout.line(b, t) * width + c;
        const double g = h[i] > 0 ? grad_h[i] + carried : 0;
        sum += g * (t ? h[test.layout.line(b, t - 1) * width + c] : initial[b * width + c]);
        grad_u[i] = g, carried = g * recurrence[c];
      }
      each[b * width + c] = sum, grad_initial[b * width + c] = carried;
    }
  }
  test.run([&] {
    return recurra_indrnn_backward(test.rows(), test.given.width, test.given.threads,
                                   recurrence.data(), initial.data(), h.data(), grad_h.data(),
                                   grad_last.data(), grad_u.data(), each.data(),
                                   grad_initial.data());
  });
}
