// The linear recurrences in double: what a step and its gradients are.
#pragma once

#include <complex>

#include "recurra.h"
#include "reference.h"

using Complex = std::complex<double>;

struct Linear {
  int code, fields, parts;
  bool biased;                       // a field may have lines and a constant
  double low[4], high[4];            // of the fields
  void (*step)(const double* f, Complex& decay, Complex& inject);
  // gradients of the fields, from those of decay and inject
  void (*back)(const double* f, Complex of_decay, Complex of_inject, double* gradients);
};

inline double candidate(double a) { return a >= 0 ? a + 0.5 : sigmoid(a); }
inline double candidate_slope(double a) { return a >= 0 ? 1 : sigmoid(a) * sigmoid(-a); }

constexpr Linear AFFINE{
    RECURRA_AFFINE, 2, 1, false, {-1, -1}, {1, 1},
    [](const double* f, Complex& decay, Complex& inject) { decay = f[0], inject = f[1]; },
    [](const double*, Complex of_decay, Complex of_inject, double* to) {
      to[0] = of_decay.real(), to[1] = of_inject.real();
    }};

constexpr Linear ROTATION{
    RECURRA_ROTATION, 4, 2, false, {-0.7, -0.7, -1, -1}, {0.7, 0.7, 1, 1},
    [](const double* f, Complex& decay, Complex& inject) {
      decay = {f[0], f[1]}, inject = {f[2], f[3]};
    },
    [](const double*, Complex of_decay, Complex of_inject, double* to) {
      to[0] = of_decay.real(), to[1] = of_decay.imag();
      to[2] = of_inject.real(), to[3] = of_inject.imag();
    }};

// z = sigma(f_0): decay 1 - z, inject z g(f_1); g(a) = a + 1/2 where a >= 0, else sigma(a).
constexpr Linear MINGRU{
    RECURRA_MINGRU, 2, 1, true, {-2, -2}, {2, 2},
    [](const double* f, Complex& decay, Complex& inject) {
      decay = sigmoid(-f[0]), inject = sigmoid(f[0]) * candidate(f[1]);
    },
    [](const double* f, Complex of_decay, Complex of_inject, double* to) {
      const double z = sigmoid(f[0]);
      to[0] = z * (1 - z) * (of_inject.real() * candidate(f[1]) - of_decay.real());
      to[1] = of_inject.real() * z * candidate_slope(f[1]);
    }};

// keep = sigma(f_0) / (sigma(f_0) + sigma(f_1)): decay keep, inject (1 - keep) g(f_2).
constexpr Linear MINLSTM{
    RECURRA_MINLSTM, 3, 1, true, {-2, -2, -2}, {2, 2, 2},
    [](const double* f, Complex& decay, Complex& inject) {
      decay = sigmoid(f[0]) / (sigmoid(f[0]) + sigmoid(f[1]));
      inject = (1.0 - decay) * candidate(f[2]);
    },
    [](const double* f, Complex of_decay, Complex of_inject, double* to) {
      const double keep = sigmoid(f[0]) / (sigmoid(f[0]) + sigmoid(f[1]));
      const double of_keep = of_decay.real() - of_inject.real() * candidate(f[2]);
      to[0] = of_keep * keep * (1 - keep) * sigmoid(-f[0]);
      to[1] = -of_keep * keep * (1 - keep) * sigmoid(-f[1]);
      to[2] = of_inject.real() * (1 - keep) * candidate_slope(f[2]);
    }};

// a = e^(f_3 sigma(f_1)): decay a, inject sqrt(1 - a^2) sigma(f_2) f_0.
constexpr Linear RGLRU{
    RECURRA_RGLRU, 4, 1, true, {-1, -2, -2, -1}, {1, 2, 2, -0.001},
    [](const double* f, Complex& decay, Complex& inject) {
      decay = exp(f[3] * sigmoid(f[1]));
      inject = sqrt(-expm1(2 * f[3] * sigmoid(f[1]))) * sigmoid(f[2]) * f[0];
    },
    [](const double* f, Complex of_decay, Complex of_inject, double* to) {
      const double r = sigmoid(f[1]), i = sigmoid(f[2]), a = exp(f[3] * r);
      const double root = sqrt(-expm1(2 * f[3] * r)), g = of_inject.real();
      const double of_log = a * of_decay.real() - g * i * f[0] * a * a / root;
      to[0] = g * root * i, to[1] = of_log * f[3] * r * (1 - r);
      to[2] = g * root * f[0] * i * (1 - i), to[3] = of_log * r;
    }};
