// h_t = decay_t h_{t-1} + inject_t of every kind, its fields in lines, constants, both or absent.
#include "functions.h"
#include "linear.h"
#include "status.h"

namespace {

// Fields as a call takes them: lines of one wider array, and constants.
struct GivenFields {
  const Linear& cell;
  Array *lines = nullptr, *constants[4] = {};
  bool in_lines[4] = {};

  GivenFields(Case& test, const Linear& cell) : cell(cell) {
    lines = &test.optional(test.reads_lines(cell.fields * test.width));
    for (int k = 0; k < cell.fields; ++k) {
      // lines and constant of a field that has both are half of it each
      in_lines[k] = test.random.one_in(2);
      const bool constant = !in_lines[k] || (cell.biased && test.random.one_in(2));
      const double share = in_lines[k] && constant ? 0.5 : 1;
      if (constant)
        constants[k] = &test.optional(
            test.reads(test.width, share * cell.low[k], share * cell.high[k]));
      if (in_lines[k]) scale(test, k, share);
    }
  }

  // From [-1, 1] to the field's range.
  void scale(Case& test, int k, double share) {
    for (int64_t i = 0; i < test.lines(); ++i)
      for (int64_t c = 0; c < test.width; ++c) {
        const int64_t at = (i * cell.fields + k) * test.width + c;
        const double x = ((*lines)[at] + 1) / 2;
        lines->put(at, share * (cell.low[k] + x * (cell.high[k] - cell.low[k])));
      }
  }

  void at(int64_t line, int64_t c, int64_t width, double* f) const {
    for (int k = 0; k < cell.fields; ++k) {
      f[k] = in_lines[k] ? (*lines)[(line * cell.fields + k) * width + c] : 0;
      if (constants[k]) f[k] += (*constants[k])[c];
    }
  }

  void fill(recurra_field* to, int64_t width) const {
    for (int k = 0; k < cell.fields; ++k)
      to[k] = {in_lines[k] ? lines->data() + k * width : nullptr,
               in_lines[k] ? cell.fields * width : 0,
               constants[k] ? constants[k]->data() : nullptr};
  }
};

// Numbers of lines or rows: real, or real parts before imaginary ones.
Complex get(Array& array, const Linear& cell, int64_t line, int64_t c, int64_t width) {
  const int64_t at = line * cell.parts * width + c;
  return {array[at], cell.parts == 2 ? array[at + width] : 0};
}

void put(Array& array, const Linear& cell, int64_t line, int64_t c, int64_t width, Complex x) {
  const int64_t at = line * cell.parts * width + c;
  array[at] = x.real();
  if (cell.parts == 2) array[at + width] = x.imag();
}

void forward(Case& test, const Linear& cell) {
  const int64_t width = test.width, state = cell.parts * width;
  test.number(cell.code, RECURRA_SCANS, recurra::UNKNOWN_CELL);
  const GivenFields given(test, cell);
  Array& initial = test.reads(test.batch * state);
  Array &h = test.writes(test.lines() * state), &last = test.writes(test.batch * state);
  for (int64_t b = 0; b < test.batch; ++b) {
    for (int64_t c = 0; c < width; ++c) {
      Complex now = get(initial, cell, b, c, width), decay, inject;
      for (int64_t t = 0; t < test.layout.length[b]; ++t) {
        double f[4];
        const int64_t line = test.layout.line(b, t);
        given.at(line, c, width, f);
        cell.step(f, decay, inject);
        put(h, cell, line, c, width, now = decay * now + inject);
      }
      put(last, cell, b, c, width, now);
    }
  }
  test.run([&] {
    recurra_field fields[4];
    given.fill(fields, width);
    return recurra_scan_forward(test.rows(), test.given.width, test.given.threads,
                                test.given.number, fields, initial.data(), h.data(), last.data());
  });
}

void backward(Case& test, const Linear& cell) {
  const int64_t width = test.width, state = cell.parts * width;
  test.number(cell.code, RECURRA_SCANS, recurra::UNKNOWN_CELL);
  const GivenFields given(test, cell);
  Array &initial = test.reads(test.batch * state), &h = test.reads_lines(state);
  Array &grad_h = test.reads_lines(state), &grad_last = test.reads(test.batch * state);
  Array& grad_initial = test.writes(test.batch * state);
  Array& grads = test.optional(test.writes(test.lines() * cell.fields * width));
  Array* sums[4];
  bool wanted[4], summed[4];
  for (int k = 0; k < cell.fields; ++k) {
    wanted[k] = test.random.one_in(2), summed[k] = test.random.one_in(2);
    sums[k] = &test.optional(test.writes(width));
    for (int64_t c = 0; c < width && summed[k]; ++c) (*sums[k])[c] = 0;
  }
  for (int64_t b = 0; b < test.batch; ++b) {
    for (int64_t c = 0; c < width; ++c) {
      Complex g = get(grad_last, cell, b, c, width), decay, inject;
      for (int64_t t = test.layout.length[b] - 1; t >= 0; --t) {
        double f[4], to[4];
        const int64_t line = test.layout.line(b, t);
        const Complex before = t ? get(h, cell, test.layout.line(b, t - 1), c, width)
                                 : get(initial, cell, b, c, width);
        given.at(line, c, width, f);
        cell.step(f, decay, inject);
        g += get(grad_h, cell, line, c, width);
        cell.back(f, g * conj(before), g, to);
        for (int k = 0; k < cell.fields; ++k) {
          if (wanted[k]) grads[(line * cell.fields + k) * width + c] = to[k];
          if (summed[k]) (*sums[k])[c] += to[k];
        }
        g *= conj(decay);
      }
      put(grad_initial, cell, b, c, width, g);
    }
  }
  test.run([&] {
    recurra_field fields[4];
    recurra_gradient gradients[4];
    given.fill(fields, width);
    for (int k = 0; k < cell.fields; ++k)
      gradients[k] = {wanted[k] ? grads.data() + k * width : nullptr, cell.fields * width,
                      summed[k] ? sums[k]->data() : nullptr};
    return recurra_scan_backward(test.rows(), test.given.width, test.given.threads,
                                 test.given.number, fields, initial.data(), h.data(),
                                 grad_h.data(), grad_last.data(), gradients, grad_initial.data());
  });
}

}  // namespace

void affine_forward(Case& test) { forward(test, AFFINE); }
void affine_backward(Case& test) { backward(test, AFFINE); }
void rotation_forward(Case& test) { forward(test, ROTATION); }
void rotation_backward(Case& test) { backward(test, ROTATION); }
void mingru_forward(Case& test) { forward(test, MINGRU); }
void mingru_backward(Case& test) { backward(test, MINGRU); }
void minlstm_forward(Case& test) { forward(test, MINLSTM); }
void minlstm_backward(Case& test) { backward(test, MINLSTM); }
void rglru_forward(Case& test) { forward(test, RGLRU); }
void rglru_backward(Case& test) { backward(test, RGLRU); }
