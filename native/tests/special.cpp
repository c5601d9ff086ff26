#include "special.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "reference.h"
#include "status.h"

namespace {

using Floats = std::vector<float>;

float of_bits(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

// Of NaNs several: their last bits may be anything.
const Floats VALUES = {
    of_bits(0x7fc00000), of_bits(0xffc00000), of_bits(0xffffffff), of_bits(0x7fc00001),
    of_bits(0x7fc000ff), of_bits(0x7f800001), INFINITY,            -INFINITY,
    0.0f,                -0.0f,               1e-40f,              -1e-40f,
    1e-30f,              -1e-30f,             3.4e38f,             -3.4e38f,
    88.0f,               -88.0f,              100.0f,              -100.0f,
    0.6249f,             -0.6251f,            9.1f,                -9.1f,
    1e9f};

// `gates` vectors side by side, of the values or of one constant where `constant` says.
Floats side_by_side(int gates, int constant, float value) {
  Floats u;
  for (int k = 0; k < gates; ++k)
    for (float x : VALUES) u.push_back(k == constant ? value : x);
  return u;
}

void compare(const char* name, const Floats& got, double (*wanted)(double),
             std::vector<std::string>& complaints) {
  for (size_t i = 0; i < VALUES.size(); ++i) {
    const double want = wanted(VALUES[i]);
    if (isnan(want) ? isnan(got[i]) : got[i] == want) continue;
    if (fabs(got[i] - want) <= 1e-6 * fabs(want) + 1e-37) continue;
    char text[120];
    uint32_t bits;
    memcpy(&bits, &VALUES[i], sizeof bits);
    snprintf(text, sizeof text, "%s of %g (%08x) is %.9g, should be %.9g", name, VALUES[i], bits,
             got[i], want);
    complaints.emplace_back(text);
  }
}

// A width of 1, h or its weight 1: what a product makes of the other.
void round(std::vector<std::string>& complaints) {
  const int64_t offset = 0, length = 1;
  const recurra_rows rows{1, 1, 1, &offset, &length};
  const float one = 1, zero = 0;
  const auto compare = [&](float x, float wanted) {
    for (int side = 0; side < 2; ++side) {
      float y = 0, last = 0;
      if (recurra_recurrent_forward(&rows, 1, 1, RECURRA_ELMAN_RELU, 1, RECURRA_BFLOAT16, 0, 1,
                                    &zero, nullptr, side ? &x : &one, &zero, side ? &one : &x,
                                    nullptr, nullptr, &y, &last) ||
          !(isnan(wanted) ? isnan(y) : y == wanted)) {
        char text[80];
        snprintf(text, sizeof text, "%.9g in bfloat16 is %.9g, should be %.9g", x, y, wanted);
        complaints.emplace_back(text);
      }
    }
  };
  // 8 bits: halfway to the even neighbour, a little more, and what becomes infinite
  compare(1 + 0x1p-8f, 1), compare(1 + 0x3p-8f, 1 + 0x1p-6f);
  compare(1 + 0x1p-8f + 0x1p-20f, 1 + 0x1p-7f), compare(0x1p-120f, 0x1p-120f);
  compare(3.4e38f, INFINITY), compare(INFINITY, INFINITY);
  for (float x : VALUES)
    if (isnan(x)) compare(x, x);
}

}  // namespace

// One row of one step, all weights and the state zero.
std::vector<std::string> special_complaints() {
  const auto width = static_cast<int64_t>(VALUES.size());
  const int64_t offset = 0, length = 1;
  const recurra_rows rows{1, 1, 1, &offset, &length};
  const Floats zeros(4 * VALUES.size()), weight(4 * VALUES.size() * VALUES.size());
  Floats y(VALUES.size()), last(2 * VALUES.size());
  std::vector<std::string> complaints;
  const auto recurrent = [&](const char* name, int cell, Floats u, double (*wanted)(double)) {
    const float one = 1;  // W is u itself
    u.resize(4 * VALUES.size());
    for (int format : {RECURRA_FLOAT32, RECURRA_BFLOAT16}) {
      const bool narrow = format == RECURRA_BFLOAT16;
      if (recurra_recurrent_forward(&rows, width, 1, cell, 1, format, 0,
                                    narrow ? static_cast<int>(4 * width) : 1,
                                    narrow ? u.data() : &one, narrow ? nullptr : u.data(),
                                    weight.data(), zeros.data(), zeros.data(), nullptr, nullptr,
                                    y.data(), last.data()))
        complaints.emplace_back(name);
      compare(name, y, wanted, complaints);
    }
  };
  const auto mingru = [&](const char* name, const Floats& u, double (*wanted)(double)) {
    const recurra_field fields[] = {{u.data(), 2 * width, nullptr},
                                    {u.data() + width, 2 * width, nullptr}};
    if (recurra_scan_forward(&rows, width, 1, RECURRA_MINGRU, fields, zeros.data(), y.data(),
                             last.data()))
      complaints.emplace_back(name);
    compare(name, y, wanted, complaints);
  };
  recurrent("tanh", RECURRA_ELMAN_TANH, side_by_side(1, -1, 0), [](double x) { return tanh(x); });
  recurrent("relu", RECURRA_ELMAN_RELU, side_by_side(1, -1, 0),
            [](double x) { return x < 0 ? 0 : x; });
  recurrent("GRU", RECURRA_GRU, side_by_side(3, -1, 0),
            [](double x) { return sigmoid(-x) * tanh(x); });
  recurrent("GRU's z", RECURRA_GRU, side_by_side(3, 2, 30), [](double x) { return sigmoid(-x); });
  recurrent("LSTM", RECURRA_LSTM, side_by_side(4, -1, 0),
            [](double x) { return sigmoid(x) * tanh(sigmoid(x) * tanh(x)); });
  round(complaints);
  mingru("MinGRU's z", side_by_side(2, 1, 0.5), [](double x) { return sigmoid(x); });
  mingru("MinGRU's candidate", side_by_side(2, 0, 0),
         [](double x) { return (x >= 0 ? x + 0.5 : sigmoid(x)) / 2; });
  return complaints;
}
