// h_t = decay_t h_{t-1} + inject_t.
#include "functions.h"
#include "reference.h"

void affine_forward(Case& test) {
  const int64_t width = test.width;
  Array &decay = test.reads_lines(width), &inject = test.reads_lines(width);
  Array& initial = test.reads(test.batch * width);
  Array &h = test.writes(test.lines() * width), &last = test.writes(test.batch * width);
  for (int64_t b = 0; b < test.batch; ++b) {
    for (int64_t c = 0; c < width; ++c) {
      double state = initial[b * width + c];
      for (int64_t t = 0; t < test.layout.length[b]; ++t) {
        const int64_t at = test.layout.line(b, t) * width + c;
        h[at] = state = decay[at] * state + inject[at];
      }
      last[b * width + c] = state;
    }
  }
  test.run([&] {
    return recurra_affine_forward(test.rows(), test.given.width, test.given.threads, decay.data(),
                                  inject.data(), initial.data(), h.data(), last.data());
  });
}

void affine_backward(Case& test) {
  const int64_t width = test.width;
  Array &decay = test.reads_lines(width), &h = test.reads_lines(width);
  Array& initial = test.reads(test.batch * width);
  Array &grad_h = test.reads_lines(width), &grad_last = test.reads(test.batch * width);
  Array& grad_decay = test.writes(test.lines() * width);
  Array& grad_inject = test.writes(test.lines() * width);
  Array& grad_initial = test.writes(test.batch * width);
  for (int64_t b = 0; b < test.batch; ++b) {
    for (int64_t c = 0; c < width; ++c) {
      double g = grad_last[b * width + c];
      for (int64_t t = test.layout.length[b] - 1; t >= 0; --t) {
        const int64_t at = test.layout.line(b, t) * width + c;
        g += grad_h[at];
        grad_inject[at] = g;
        grad_decay[at] =
            g * (t ? h[test.layout.line(b, t - 1) * width + c] : initial[b * width + c]);
        g *= decay[at];
      }
      grad_initial[b * width + c] = g;
    }
  }
  test.run([&] {
    return recurra_affine_backward(test.rows(), test.given.width, test.given.threads, decay.data(),
                                   h.data(), initial.data(), grad_h.data(), grad_last.data(),
                                   grad_decay.data(), grad_inject.data(), grad_initial.data());
  });
}
