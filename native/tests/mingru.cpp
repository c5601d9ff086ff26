// z = sigma(u_z), h_t = (1 - z) h_{t-1} + z g(u_h); g(a) = a + 1/2 where a >= 0, else sigma(a).
#include "functions.h"
#include "reference.h"

void mingru_forward(Case& test) {
  const int64_t width = test.width;
  Array &u = test.reads_lines(2 * width, -4, 4), &initial = test.reads(test.batch * width);
  Array &h = test.writes(test.lines() * width), &last = test.writes(test.batch * width);
  for (int64_t b = 0; b < test.batch; ++b) {
    for (int64_t c = 0; c < width; ++c) {
      double state = initial[b * width + c];
      for (int64_t t = 0; t < test.layout.length[b]; ++t) {
        const int64_t line = test.layout.line(b, t);
        const double z = sigmoid(u[2 * line * width + c]), a = u[(2 * line + 1) * width + c];
        h[line * width + c] = state = (1 - z) * state + z * (a >= 0 ? a + 0.5 : sigmoid(a));
      }
      last[b * width + c] = state;
    }
  }
  test.run([&] {
    return recurra_mingru_forward(test.rows(), test.given.width, test.given.threads, u.data(),
                                  initial.data(), h.data(), last.data());
  });
}

void mingru_backward(Case& test) {
  const int64_t width = test.width;
  Array &u = test.reads_lines(2 * width, -4, 4), &h = test.reads_lines(width);
  Array& initial = test.reads(test.batch * width);
  Array &grad_h = test.reads_lines(width), &grad_last = test.reads(test.batch * width);
  Array& grad_u = test.writes(test.lines() * 2 * width);
  Array& grad_initial = test.writes(test.batch * width);
  for (int64_t b = 0; b < test.batch; ++b) {
    for (int64_t c = 0; c < width; ++c) {
      double g = grad_last[b * width + c];
      for (int64_t t = test.layout.length[b] - 1; t >= 0; --t) {
        const int64_t line = test.layout.line(b, t);
        const double z = sigmoid(u[2 * line * width + c]), a = u[(2 * line + 1) * width + c];
        const double before =
            t ? h[test.layout.line(b, t - 1) * width + c] : initial[b * width + c];
        const double candidate = a >= 0 ? a + 0.5 : sigmoid(a);
        g += grad_h[line * width + c];
        grad_u[2 * line * width + c] = g * (candidate - before) * z * (1 - z);
        grad_u[(2 * line + 1) * width + c] =
            g * z * (a >= 0 ? 1 : candidate * (1 - candidate));
        g *= 1 - z;
      }
      grad_initial[b * width + c] = g;
    }
  }
  test.run([&] {
    return recurra_mingru_backward(test.rows(), test.given.width, test.given.threads, u.data(),
                                   h.data(), initial.data(), grad_h.data(), grad_last.data(),
                                   grad_u.data(), grad_initial.data());
  });
}
