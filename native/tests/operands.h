// What a product takes: numbers as they are, or rounded to bfloat16.
#pragma once

#include "case.h"
#include "narrow.h"

// Of the library's own numbers, rounding is repeated here bit by bit; from ours, which differ in the
// last bits of float32, some would be rounded the other way. So nothing but float32's errors is left.
class Operands {
 public:
  explicit Operands(Case& test)
      : test_(test), format_(test.random.one_in(2) ? RECURRA_BFLOAT16 : RECURRA_FLOAT32) {
    test.format(format_);
  }

  // What is read rounded.
  Array& rounds(Array& array) {
    if (format_ == RECURRA_BFLOAT16) array.expect([](double x) { return rounded(x); });
    return array;
  }

  // An array that is written: another one, or, in bfloat16, x itself.
  Array& over(Array& x, int64_t size) {
    return format_ == RECURRA_BFLOAT16 && test_.random.one_in(2) ? test_.changes(x)
                                                                 : test_.writes(size);
  }

  // Looks at what a call leaves in an array.
  void watch(const std::function<int()>& call, const Array& array) {
    if (format_ == RECURRA_BFLOAT16) got_ = test_.foresee(call, array);
  }

  // The i-th of them as a product takes it, if it should be `exact`.
  double seen(int64_t i, double exact) const {
    return format_ == RECURRA_BFLOAT16 ? rounded(got_[static_cast<size_t>(i)]) : exact;
  }

  std::vector<double> seen(std::vector<double> exact) const {
    if (format_ == RECURRA_BFLOAT16)
      for (double& x : exact) x = rounded(x);
    return exact;
  }

 private:
  static double rounded(double x) {
    const uint32_t bits = uint32_t{to_brain(static_cast<float>(x)).bits} << 16;
    float narrow;
    memcpy(&narrow, &bits, sizeof narrow);
    return narrow;
  }

  Case& test_;
  int format_;
  std::vector<float> got_;
};
