// Random numbers that are the same on every machine; the standard's distributions are not.
#pragma once

#include <stdint.h>

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  // SplitMix64, Steele, Lea and Flood 2014.
  uint64_t bits() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  // From low to high, both among them.
  int64_t whole(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(bits() % static_cast<uint64_t>(high - low + 1));
  }

  double real(double low, double high) {
    return low + (high - low) * static_cast<double>(bits() >> 11) * 0x1p-53;
  }

  bool one_in(int64_t n) { return whole(1, n) == 1; }

 private:
  uint64_t state_;
};
