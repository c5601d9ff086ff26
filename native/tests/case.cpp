#include "case.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "status.h"

namespace {

// Of the largest number of an array, or of 1: sums of some thousand products, and functions to some
// units in the last place.
constexpr double TOLERANCE = 2e-5;

// A NaN with every bit set: wrong arithmetic on its bits shows.
float poison() {
  float nan;
  memset(&nan, 0xff, sizeof nan);
  return nan;
}

bool same_bits(const float* a, const float* b, size_t count) {
  return count == 0 || memcmp(a, b, count * sizeof(float)) == 0;
}

void fill(const Block& block, const std::vector<int64_t>& from) {
  if (!from.empty()) memcpy(block.data(), from.data(), from.size() * sizeof(int64_t));
}

}  // namespace

Array::Array(size_t size, Guard guard, bool flush_right)
    : wanted_(size, NAN), start_(size, poison()), block_(size * sizeof(float), guard, flush_right) {
  restore();
}

void Array::put(int64_t i, double value) {
  const auto at = static_cast<size_t>(i);
  start_[at] = numbers()[at] = static_cast<float>(value);
  wanted_[at] = start_[at];
}

void Array::restore() {
  if (!start_.empty()) memcpy(numbers(), start_.data(), start_.size() * sizeof(float));
}

bool Array::untouched() const { return same_bits(numbers(), start_.data(), start_.size()); }

Case::Case(Random& random, Guard guard, const Shape& shape)
    : random(random),
      batch(shape.batch),
      width(shape.width),
      layout(draw_layout(random, shape.batch, shape.time)),
      guard_(guard),
      offsets_(layout.offset.size() * sizeof(int64_t), guard, true),
      lengths_(layout.length.size() * sizeof(int64_t), guard, true) {
  fill(offsets_, layout.offset), fill(lengths_, layout.length);
  given.rows = {batch, layout.lines, layout.stride, static_cast<int64_t*>(offsets_.data()),
                static_cast<int64_t*>(lengths_.data())};
  given.rows_pointer = &given.rows;
  given.width = width;
  given.threads = static_cast<int>(random.whole(1, 4));
  given.number = given.format = 0;
}

Array& Case::reads(int64_t size, double low, double high) {
  Array& array = arrays_.emplace_back(static_cast<size_t>(size), guard_, random.one_in(2));
  for (int64_t i = 0; i < size; ++i) array.put(i, random.real(low, high));
  return array;
}

Array& Case::reads_lines(int64_t per_line, double low, double high) {
  Array& array = writes(lines() * per_line);
  array.written_ = false;
  for (int64_t b = 0; b < batch; ++b) {
    for (int64_t t = 0; t < layout.length[b]; ++t) {
      const int64_t from = layout.line(b, t) * per_line;
      for (int64_t i = 0; i < per_line; ++i) array.put(from + i, random.real(low, high));
    }
  }
  return array;
}

Array& Case::reads_weight(int64_t height) {
  const double bound = 1 / sqrt(static_cast<double>(width));
  return reads(height * width, -bound, bound);
}

Array& Case::writes(int64_t size) {
  Array& array = arrays_.emplace_back(static_cast<size_t>(size), guard_, random.one_in(2));
  array.written_ = true;
  return array;
}

Array& Case::holds(Array& array) {
  array.written_ = false;
  for (size_t i = 0; i < array.wanted_.size(); ++i)
    if (!isnan(array.wanted_[i])) array.put(static_cast<int64_t>(i), array.wanted_[i]);
  return array;
}

Array& Case::changes(Array& array) {
  array.written_ = true;
  return array;
}

Array& Case::optional(Array& array) {
  array.optional_ = true;
  return array;
}

void Case::number(int good, int bad, int code) {
  given.number = good, bad_number_ = bad, bad_number_code_ = code;
}

void Case::format(int good) { given.format = good, has_format_ = true; }

std::vector<float> Case::foresee(const std::function<int()>& call, const Array& array) {
  call();
  const std::vector<float> found(array.numbers(), array.numbers() + array.start_.size());
  for (Array& each : arrays_)
    if (each.written_) each.restore();
  return found;
}

void Case::run(const std::function<int()>& call) {
  for (int i = 0; i < 2; ++i) refuse(call);
  std::vector<std::vector<float>> first;
  for (int i = 0; i < 2; ++i) {
    for (Array& array : arrays_) {
      if (!array.written_) continue;
      array.restore();
      for (size_t j = 0; j < array.start_.size(); ++j)
        if (array.start_[j] != array.start_[j]) Block::forget(array.numbers() + j, sizeof(float));
    }
    const int code = call();
    if (code) return complain("refused: %s", recurra_text(code));
    compare();
    for (size_t j = 0; j < arrays_.size(); ++j) {
      const Array& array = arrays_[j];
      if (i == 0) {
        first.emplace_back(array.numbers(), array.numbers() + array.start_.size());
      } else if (!same_bits(array.numbers(), first[j].data(), first[j].size())) {
        complain("array %zu differs from one run to the next", j);
      }
    }
  }
}

void Case::compare() {
  for (size_t j = 0; j < arrays_.size(); ++j) {
    Array& array = arrays_[j];
    if (!array.block_.neighbours_intact()) complain("written beside array %zu", j);
    if (!array.written_) {
      if (!array.untouched()) complain("array %zu, which is only read, was written", j);
      continue;
    }
    double largest = 1;
    for (double wanted : array.wanted_) largest = fmax(largest, fabs(wanted));
    for (size_t i = 0; i < array.wanted_.size(); ++i) {
      const double wanted = array.wanted_[i];
      float* got = array.numbers() + i;
      if (isnan(wanted)) {
        Block::allow(got, sizeof *got);
        if (same_bits(got, &array.start_[i], 1)) continue;
        return complain("array %zu [%zu] was written: %g", j, i, *got);
      }
      if (!(fabs(*got - wanted) <= TOLERANCE * largest))
        return complain("array %zu [%zu] is %.9g, should be %.9g", j, i, *got, wanted);
    }
  }
}

void Case::complain(const char* format, ...) {
  char text[200];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  complaints.emplace_back(text);
}
