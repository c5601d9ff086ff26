// i = exp(a_i), f = sigma or exp(a_f), z = tanh(a_z), o = sigma(a_o); c' = f c + i z, n' = f n + i,
// h' = o c'/n', with c and n kept as c e^-m and n e^-m, m' = max(m + log f, log i).
#include "functions.h"
#include "inputs.h"
#include "operands.h"
#include "reference.h"
#include "status.h"

namespace {

struct Heads {
  int64_t width, count, size;
  // Of weight [gate, head, size, size], where column c of the width meets column k of its head.
  int64_t place(int64_t gate, int64_t c, int64_t k) const {
    return (gate * width + c) * size + k;
  }
  int64_t first(int64_t c) const { return c / size * size; }
};

Heads draw_heads(Case& test) {
  const int64_t width = test.width, count = width % 3 == 0 ? 3 : width % 2 == 0 ? 2 : 1;
  return {width, count, width / count};
}

bool draw_cell(Case& test) {
  const bool exponential = test.random.one_in(2);
  test.number(exponential ? RECURRA_SLSTM_EXP : RECURRA_SLSTM_SIGMOID, -1, recurra::UNKNOWN_CELL);
  return exponential;
}

}  // namespace

void slstm_forward(Case& test) {
  const int64_t width = test.width, leaf = test.batch * width;
  const bool exponential = draw_cell(test), kept = test.random.one_in(2);
  const Heads heads = draw_heads(test);
  Operands operands(test);
  const Inputs inputs(test, 4, 5);
  Array& gates = operands.over(inputs.x, test.lines() * 5 * width);
  Array &weight = operands.rounds(test.reads(4 * width * heads.size, -0.2, 0.2)), &bias = test.reads(4 * width);
  Array &initial = test.reads(4 * leaf, 0.5, 1.5), &last = test.writes(4 * leaf);
  Array &y = test.writes(test.lines() * width), &memory = test.writes(test.lines() * 2 * width);
  if (!kept) test.optional(memory), test.optional(gates);
  const auto call = [&] {
    return recurra_recurrent_forward(
        test.rows(), test.given.width, test.given.threads, test.given.number,
        static_cast<int>(heads.count), test.given.format, kept, inputs.count(), inputs.x.data(), inputs.from_input(),
        weight.data(), bias.data(), initial.data(), kept ? gates.data() : nullptr,
        kept ? memory.data() : nullptr, y.data(), last.data());
  };
  operands.watch(call, y);
  for (int64_t b = 0; b < test.batch; ++b) {
    std::vector<double> state[4];
    for (int64_t k = 0; k < 4; ++k) state[k] = state_of(initial, k * test.batch + b, width);
    std::vector<double> seen = operands.seen(state[0]), next = seen;
    for (int64_t t = 0; t < test.layout.length[b]; ++t) {
      const int64_t line = test.layout.line(b, t);
      for (int64_t c = 0; c < width; ++c) {
        double a[4];
        for (int64_t gate = 0; gate < 4; ++gate) {
          a[gate] = inputs(line, gate * width + c) + bias[gate * width + c];
          for (int64_t k = 0; k < heads.size; ++k)
            a[gate] += weight[heads.place(gate, c, k)] * seen[heads.first(c) + k];
        }
        const double slope = exponential ? 1 : sigmoid(-a[1]);
        const double stays = state[3][c] + (exponential ? a[1] : log(sigmoid(a[1])));
        const double m = fmax(stays, a[0]), z = tanh(a[2]), o = sigmoid(a[3]);
        state[1][c] = exp(stays - m) * state[1][c] + exp(a[0] - m) * z;
        state[2][c] = exp(stays - m) * state[2][c] + exp(a[0] - m);
        state[3][c] = m;
        y[line * width + c] = state[0][c] = o * state[1][c] / state[2][c];
        next[c] = operands.seen(line * width + c, state[0][c]);
        const double keeps[] = {a[0], stays, z, o, slope};
        for (int k = 0; k < 5 && kept; ++k) gates[(5 * line + k) * width + c] = keeps[k];
        for (int k = 0; k < 2 && kept; ++k) memory[(2 * line + k) * width + c] = state[1 + k][c];
      }
      seen = next;
    }
    for (int64_t k = 0; k < 4; ++k)
      for (int64_t c = 0; c < width; ++c) last[k * leaf + b * width + c] = state[k][c];
  }
  test.run(call);
}

void slstm_backward(Case& test) {
  const int64_t width = test.width, leaf = test.batch * width;
  draw_cell(test);
  const Heads heads = draw_heads(test);
  Operands operands(test);
  const Inputs inputs(test, 4, 5);
  Array &gates = test.reads_lines(5 * width, 0, 1), &memory = test.reads_lines(2 * width, 0.5, 1.5);
  Array &weight = operands.rounds(test.reads(4 * width * heads.size, -0.2, 0.2));
  Array &initial = test.reads(4 * leaf, 0.5, 1.5), &y = test.reads_lines(width);
  Array &grad_y = test.reads_lines(width), &grad_last = test.reads(4 * leaf);
  Array& grads =
      test.random.one_in(2) ? test.changes(gates) : test.writes(test.lines() * 5 * width);
  Array& grad_initial = test.writes(4 * leaf);
  Gradients given(test, inputs, 4, heads.count, 4);
  const auto call = [&] {
    return recurra_recurrent_backward(
        test.rows(), test.given.width, test.given.threads, test.given.number,
        static_cast<int>(heads.count), test.given.format, inputs.count(), inputs.x.data(), inputs.from_input(),
        weight.data(), initial.data(), y.data(), gates.data(), memory.data(), grad_y.data(),
        grad_last.data(), grads.data(), grad_initial.data(), given.x(), given.from_input(),
        given.from_state(), given.bias());
  };
  operands.watch(call, grads);
  for (int64_t b = 0; b < test.batch; ++b) {
    std::vector<double> carried[4], inner(static_cast<size_t>(4 * width));
    for (int64_t k = 0; k < 4; ++k) carried[k] = state_of(grad_last, k * test.batch + b, width);
    for (int64_t t = test.layout.length[b] - 1; t >= 0; --t) {
      const int64_t line = test.layout.line(b, t);
      for (int64_t c = 0; c < width; ++c) {
        double kept[5];
        for (int k = 0; k < 5; ++k) kept[k] = gates[(5 * line + k) * width + c];
        const double log_i = kept[0], stays = kept[1], z = kept[2], o = kept[3];
        const double m = fmax(log_i, stays), i = exp(log_i - m), f = exp(stays - m);
        const double n = memory[(2 * line + 1) * width + c], mean = memory[2 * line * width + c] / n;
        double before[2];
        for (int k = 0; k < 2; ++k)
          before[k] = t ? memory[(2 * test.layout.line(b, t - 1) + k) * width + c]
                        : initial[(1 + k) * leaf + b * width + c];
        const double g = grad_y[line * width + c] + carried[0][c];
        const double of_c = carried[1][c] + g * o / n, of_n = carried[2][c] - g * o * mean / n;
        double of_stays = (of_c * before[0] + of_n * before[1]) * f, of_i = (of_c * z + of_n) * i;
        const double of_m = carried[3][c] - of_stays - of_i;
        (stays > log_i ? of_stays : of_i) += of_m;
        const double writes[] = {of_i, of_stays * kept[4], of_c * i * (1 - z * z),
                                 g * mean * o * (1 - o)};
        for (int k = 0; k < 4; ++k) {
          const int64_t place = (5 * line + k) * width + c;
          grads[place] = writes[k];
          inner[k * width + c] = operands.seen(place, writes[k]);
        }
        carried[1][c] = of_c * f, carried[2][c] = of_n * f, carried[3][c] = of_stays;
      }
      const auto of_u = [&](int64_t n) { return inner[n]; };
      given.add(line, of_u, of_u, before_of(test, y, initial, b, t));
      for (int64_t c = 0; c < width; ++c) {
        carried[0][c] = 0;
        for (int64_t gate = 0; gate < 4; ++gate)
          for (int64_t k = 0; k < heads.size; ++k)
            carried[0][c] += weight[heads.place(gate, heads.first(c) + k, c - heads.first(c))] *
                             inner[gate * width + heads.first(c) + k];
      }
    }
    for (int64_t k = 0; k < 4; ++k)
      for (int64_t c = 0; c < width; ++c) grad_initial[k * leaf + b * width + c] = carried[k][c];
  }
  test.run(call);
}
