// u = W x + b; r, z = sigma(u + U h); inner = U_n h + c_n; n = tanh(u_n + r inner); h' = (1 - z) n + z h.
#include "functions.h"
#include "inputs.h"
#include "operands.h"
#include "reference.h"
#include "status.h"

void gru_forward(Case& test) {
  const int64_t width = test.width;
  test.number(RECURRA_GRU, RECURRA_CELLS, recurra::UNKNOWN_CELL);
  Operands operands(test);
  const Inputs inputs(test, 3, 4);
  Array &gates = operands.over(inputs.x, test.lines() * 4 * width);
  Array &weight = operands.rounds(test.reads_weight(3 * width));
  Array &bias = test.reads(4 * width), &initial = test.reads(test.batch * width);
  Array &y = test.writes(test.lines() * width), &last = test.writes(test.batch * width);
  const bool kept = test.random.one_in(2);
  if (!kept) test.optional(gates);
  const auto call = [&] {
    return recurra_recurrent_forward(test.rows(), test.given.width, test.given.threads,
                                     test.given.number, 1, test.given.format, kept,
                                     inputs.count(), inputs.x.data(),
                                     inputs.from_input(), weight.data(), bias.data(),
                                     initial.data(), kept ? gates.data() : nullptr, nullptr,
                                     y.data(), last.data());
  };
  operands.watch(call, y);
  for (int64_t b = 0; b < test.batch; ++b) {
    std::vector<double> h = state_of(initial, b, width), seen = operands.seen(h), next = seen;
    for (int64_t t = 0; t < test.layout.length[b]; ++t) {
      const int64_t line = test.layout.line(b, t);
      for (int64_t c = 0; c < width; ++c) {
        double u[3];
        for (int k = 0; k < 3; ++k) u[k] = inputs(line, k * width + c) + bias[k * width + c];
        const double r = sigmoid(u[0] + product(weight, c, seen));
        const double z = sigmoid(u[1] + product(weight, width + c, seen));
        const double inner = product(weight, 2 * width + c, seen) + bias[3 * width + c];
        const double n = tanh(u[2] + r * inner);
        y[line * width + c] = h[c] = (1 - z) * n + z * h[c];
        next[c] = operands.seen(line * width + c, h[c]);
        const double keeps[] = {r, z, n, inner};
        for (int k = 0; k < 4 && kept; ++k) gates[(4 * line + k) * width + c] = keeps[k];
      }
      seen = next;
    }
    for (int64_t c = 0; c < width; ++c) last[b * width + c] = h[c];
  }
  test.run(call);
}

void gru_backward(Case& test) {
  const int64_t width = test.width;
  test.number(RECURRA_GRU, RECURRA_CELLS, recurra::UNKNOWN_CELL);
  Operands operands(test);
  const Inputs inputs(test, 3, 4);
  Array &weight = operands.rounds(test.reads_weight(3 * width)), &initial = test.reads(test.batch * width);
  Array &y = test.reads_lines(width), &gates = test.reads_lines(4 * width, 0, 1);
  Array &grad_y = test.reads_lines(width), &grad_last = test.reads(test.batch * width);
  Array& grads =
      test.random.one_in(2) ? test.changes(gates) : test.writes(test.lines() * 4 * width);
  Array& grad_initial = test.writes(test.batch * width);
  Gradients given(test, inputs, 3, 1, 4);
  const auto call = [&] {
    return recurra_recurrent_backward(test.rows(), test.given.width, test.given.threads,
                                      test.given.number, 1, test.given.format,
                                      inputs.count(), inputs.x.data(),
                                      inputs.from_input(), weight.data(), initial.data(), y.data(),
                                      gates.data(), nullptr, grad_y.data(), grad_last.data(),
                                      grads.data(), grad_initial.data(), given.x(),
                                      given.from_input(), given.from_state(), given.bias());
  };
  operands.watch(call, grads);
  for (int64_t b = 0; b < test.batch; ++b) {
    std::vector<double> carried = state_of(grad_last, b, width), direct = carried;
    std::vector<double> inner(static_cast<size_t>(3 * width));
    for (int64_t t = test.layout.length[b] - 1; t >= 0; --t) {
      const int64_t line = test.layout.line(b, t);
      for (int64_t c = 0; c < width; ++c) {
        const double r = gates[4 * line * width + c], z = gates[(4 * line + 1) * width + c];
        const double n = gates[(4 * line + 2) * width + c];
        const double before =
            t ? y[test.layout.line(b, t - 1) * width + c] : initial[b * width + c];
        const double g = grad_y[line * width + c] + carried[c];
        const double of_n = g * (1 - z) * (1 - n * n);
        const double of_r = of_n * gates[(4 * line + 3) * width + c] * r * (1 - r);
        const double of_z = g * (before - n) * z * (1 - z);
        const double writes[] = {of_r, of_z, of_n, of_n * r};
        for (int k = 0; k < 4; ++k) grads[(4 * line + k) * width + c] = writes[k];
        const int places[] = {0, 1, 3};
        for (int k = 0; k < 3; ++k)
          inner[k * width + c] =
              operands.seen((4 * line + places[k]) * width + c, writes[places[k]]);
        direct[c] = g * z;
      }
      given.add(
          line, [&](int64_t n) { return grads[4 * line * width + n]; },
          [&](int64_t n) { return inner[n]; }, before_of(test, y, initial, b, t));
      carried = transposed_product(weight, inner, width);
      for (int64_t c = 0; c < width; ++c) carried[c] += direct[c];
    }
    for (int64_t c = 0; c < width; ++c) grad_initial[b * width + c] = carried[c];
  }
  test.run(call);
}
