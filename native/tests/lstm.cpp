// u = W x + b; i, f, o = sigma(u + U h); g = tanh(u_g + U_g h); c' = f c + i g; h' = o tanh(c').
#include "functions.h"
#include "inputs.h"
#include "operands.h"
#include "reference.h"
#include "status.h"

void lstm_forward(Case& test) {
  const int64_t width = test.width;
  test.number(RECURRA_LSTM, 1 << 30, recurra::UNKNOWN_CELL);
  Operands operands(test);
  const Inputs inputs(test, 4, 4);
  Array& gates = operands.over(inputs.x, test.lines() * 4 * width);
  Array &weight = operands.rounds(test.reads_weight(4 * width)), &bias = test.reads(4 * width);
  Array &initial = test.reads(2 * test.batch * width), &last = test.writes(2 * test.batch * width);
  Array& y = test.writes(test.lines() * width);
  const bool kept = test.random.one_in(2);
  Array& memory = test.writes(test.lines() * width);
  if (!kept) test.optional(memory), test.optional(gates);
  const auto call = [&] {
    return recurra_recurrent_forward(
        test.rows(), test.given.width, test.given.threads, test.given.number, 1,
        test.given.format, kept, inputs.count(), inputs.x.data(), inputs.from_input(), weight.data(), bias.data(),
        initial.data(), kept ? gates.data() : nullptr, kept ? memory.data() : nullptr, y.data(),
        last.data());
  };
  operands.watch(call, y);
  for (int64_t b = 0; b < test.batch; ++b) {
    std::vector<double> h = state_of(initial, b, width), seen = operands.seen(h), next = seen;
    std::vector<double> m = state_of(initial, test.batch + b, width);
    for (int64_t t = 0; t < test.layout.length[b]; ++t) {
      const int64_t line = test.layout.line(b, t);
      for (int64_t c = 0; c < width; ++c) {
        double gate[4];
        for (int k = 0; k < 4; ++k) {
          const int64_t row = k * width + c;
          const double a = inputs(line, row) + bias[row] + product(weight, row, seen);
          gate[k] = k == 2 ? tanh(a) : sigmoid(a);
        }
        m[c] = gate[1] * m[c] + gate[0] * gate[2];
        y[line * width + c] = h[c] = gate[3] * tanh(m[c]);
        next[c] = operands.seen(line * width + c, h[c]);
        for (int k = 0; k < 4 && kept; ++k) gates[(4 * line + k) * width + c] = gate[k];
        if (kept) memory[line * width + c] = m[c];
      }
      seen = next;
    }
    for (int64_t c = 0; c < width; ++c)
      last[b * width + c] = h[c], last[(test.batch + b) * width + c] = m[c];
  }
  test.run(call);
}

void lstm_backward(Case& test) {
  const int64_t width = test.width;
  test.number(RECURRA_LSTM, 1 << 30, recurra::UNKNOWN_CELL);
  Operands operands(test);
  const Inputs inputs(test, 4, 4);
  Array &weight = operands.rounds(test.reads_weight(4 * width)), &initial = test.reads(2 * test.batch * width);
  Array &y = test.reads_lines(width), &gates = test.reads_lines(4 * width, 0, 1);
  Array& memory = test.reads_lines(width, -2, 2);
  Array &grad_y = test.reads_lines(width), &grad_last = test.reads(2 * test.batch * width);
  Array& grad_u =
      test.random.one_in(2) ? test.changes(gates) : test.writes(test.lines() * 4 * width);
  Array& grad_initial = test.writes(2 * test.batch * width);
  Gradients given(test, inputs, 4, 1, 4);
  const auto call = [&] {
    return recurra_recurrent_backward(test.rows(), test.given.width, test.given.threads,
                                      test.given.number, 1, test.given.format,
                                      inputs.count(), inputs.x.data(),
                                      inputs.from_input(), weight.data(), initial.data(), y.data(),
                                      gates.data(), memory.data(), grad_y.data(), grad_last.data(),
                                      grad_u.data(), grad_initial.data(), given.x(),
                                      given.from_input(), given.from_state(), given.bias());
  };
  operands.watch(call, grad_u);
  for (int64_t b = 0; b < test.batch; ++b) {
    std::vector<double> carried = state_of(grad_last, b, width);
    std::vector<double> of_memory = state_of(grad_last, test.batch + b, width);
    std::vector<double> inner(static_cast<size_t>(4 * width));
    for (int64_t t = test.layout.length[b] - 1; t >= 0; --t) {
      const int64_t line = test.layout.line(b, t);
      for (int64_t c = 0; c < width; ++c) {
        const double i = gates[4 * line * width + c], f = gates[(4 * line + 1) * width + c];
        const double n = gates[(4 * line + 2) * width + c], o = gates[(4 * line + 3) * width + c];
        const double read = tanh(memory[line * width + c]);
        const double before =
            t ? memory[test.layout.line(b, t - 1) * width + c] : initial[(test.batch + b) * width + c];
        const double g = grad_y[line * width + c] + carried[c];
        const double m = of_memory[c] + g * o * (1 - read * read);
        const double grads[] = {m * n * i * (1 - i), m * before * f * (1 - f), m * i * (1 - n * n),
                                g * read * o * (1 - o)};
        for (int k = 0; k < 4; ++k) {
          const int64_t place = (4 * line + k) * width + c;
          grad_u[place] = grads[k];
          inner[k * width + c] = operands.seen(place, grads[k]);
        }
        of_memory[c] = m * f;
      }
      const auto of_u = [&](int64_t n) { return inner[n]; };
      given.add(line, of_u, of_u, before_of(test, y, initial, b, t));
      carried = transposed_product(weight, inner, width);
    }
    for (int64_t c = 0; c < width; ++c) {
      grad_initial[b * width + c] = carried[c];
      grad_initial[(test.batch + b) * width + c] = of_memory[c];
    }
  }
  test.run(call);
}
