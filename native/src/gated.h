// Cells whose decay and inject are made of gates on the way: MinGRU, MinLSTM, RGLRU.
#pragma once

#include "fields.h"

namespace {

// g(a) = a + 1/2 where a >= 0, else sigma(a); and its slope.
struct Candidate {
  Vec value, slope;
};

RECURRA_INLINE Candidate candidate(Vec a) {
  Vec closing = sigmoid(a);
  return {a >= Vec{} ? a + 0.5f : closing, a >= Vec{} ? all(1.0f) : closing * (1.0f - closing)};
}

// Fields: gate z, candidate.
struct MinGRU {
  static constexpr int fields = 2, parts = 1;
  static constexpr bool biased = true;

  static RECURRA_INLINE Step<1> step(const Vec* field) {
    Gate z = gate(field[0]);
    return {{{z.shut}}, {{z.open * candidate(field[1]).value}}};
  }

  static RECURRA_INLINE Real back(const Vec* field, Real g, Real before, Vec* gradient) {
    Gate z = gate(field[0]);
    Candidate now = candidate(field[1]);
    Vec opened = g.part[0] * z.open;
    gradient[0] = opened * z.shut * (now.value - before.part[0]);
    gradient[1] = opened * now.slope;
    return {{z.shut}};
  }
};

// Fields: gates f, i, candidate.
struct MinLSTM {
  static constexpr int fields = 3, parts = 1;
  static constexpr bool biased = true;

  struct Gates {
    Vec keep, take;      // f/(f + i), i/(f + i)
    Vec f_shut, i_shut;  // sigma(-f), sigma(-i)
  };

  // sigma(a) = e^min(a, 0) / (1 + e^-|a|). Only the difference of the two exponents is formed, so
  // the quotient stands where both gates are too small for a number.
  static RECURRA_INLINE Gates gates(Vec f, Vec i) {
    Vec f_far = exponential(-absolute(f)), i_far = exponential(-absolute(i));
    Vec f_sum = 1.0f + f_far, i_sum = 1.0f + i_far;
    Vec exponent = (f < Vec{} ? f : Vec{}) - (i < Vec{} ? i : Vec{});
    Vec less = exponential(-absolute(exponent));
    Vec f_share = i_sum * (exponent < Vec{} ? less : all(1.0f));
    Vec i_share = f_sum * (exponent < Vec{} ? all(1.0f) : less);
    Vec scale = 1.0f / (f_share + i_share);
    return {f_share * scale, i_share * scale, (f < Vec{} ? all(1.0f) : f_far) / f_sum,
            (i < Vec{} ? all(1.0f) : i_far) / i_sum};
  }

  static RECURRA_INLINE Step<1> step(const Vec* field) {
    Gates now = gates(field[0], field[1]);
    return {{{now.keep}}, {{now.take * candidate(field[2]).value}}};
  }

  static RECURRA_INLINE Real back(const Vec* field, Real g, Real before, Vec* gradient) {
    Gates now = gates(field[0], field[1]);
    Candidate taken = candidate(field[2]);
    Vec of_take = g.part[0] * now.take;
    Vec of_exponent = of_take * now.keep * (before.part[0] - taken.value);
    gradient[0] = of_exponent * now.f_shut;
    gradient[1] = -of_exponent * now.i_shut;
    gradient[2] = of_take * taken.slope;
    return {{now.keep}};
  }
};

// Fields: v, gates r and i, and log sigma(Lambda)^8.
struct RGLRU {
  static constexpr int fields = 4, parts = 1;
  static constexpr bool biased = true;

  struct Gates {
    Gate r, i;
    Vec decay, rest, root;  // rest = 1 - decay^2, at least the least number
  };

  static RECURRA_INLINE Gates gates(const Vec* field) {
    Gates now;
    now.r = gate(field[1]), now.i = gate(field[2]);
    Vec log_decay = field[3] * now.r.open;
    now.decay = exponential(log_decay);
    // near 1 the square would cancel: there the series of e^x - 1
    Vec twice = 2.0f * log_decay;
    Vec rest = twice > all(-0.34f) ? -exponential_beyond_line(twice) - twice
                                   : 1.0f - now.decay * now.decay;
    now.rest = rest < all(least) ? all(least) : rest;
    now.root = square_root(now.rest);
    return now;
  }

  static RECURRA_INLINE Step<1> step(const Vec* field) {
    Gates now = gates(field);
    return {{{now.decay}}, {{now.root * now.i.open * field[0]}}};
  }

  static RECURRA_INLINE Real back(const Vec* field, Real g, Real before, Vec* gradient) {
    Gates now = gates(field);
    Vec through = g.part[0] * now.root, taken = now.i.open * field[0];
    // the root stands still where its argument is held at the least number
    Vec slope = now.rest > all(least) ? taken * now.decay / now.root : Vec{};
    Vec of_log = g.part[0] * now.decay * (before.part[0] - slope);
    gradient[0] = through * now.i.open;
    gradient[1] = of_log * field[3] * now.r.open * now.r.shut;
    gradient[2] = through * taken * now.i.shut;
    gradient[3] = of_log * now.r.open;
    return {{now.decay}};
  }

  static constexpr float least = 1.17549435e-38f;
};

}  // namespace
