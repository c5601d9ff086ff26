#include "stream.h"

#include <math.h>

#include <deque>

#include "reference.h"
#include "status.h"

namespace {

using Doubles = std::vector<double>;

constexpr int GATES[] = {1, 1, 3, 4, 1, 2, 3};  // of each cell, in the order of recurra.h

struct Floats {
  Floats(Random& random, int64_t count, double bound, Guard guard)
      : count(count), block(static_cast<size_t>(count) * sizeof(float), guard, random.one_in(2)) {
    for (int64_t i = 0; i < count; ++i) data()[i] = static_cast<float>(random.real(-bound, bound));
  }
  float* data() const { return static_cast<float*>(block.data()); }
  int64_t count;
  Block block;
};

// What `bits` significant bits leave of x, as a multiple of no less than `least`.
double rounded(double x, int bits, double least) {
  int exponent;
  frexp(x, &exponent);
  const double unit = fmax(ldexp(1, exponent - bits), least);
  return nearbyint(x / unit) * unit;
}

// A matrix as the stream keeps it.
Doubles kept(const Floats& matrix, int64_t depth, int format) {
  Doubles all(matrix.data(), matrix.data() + matrix.count);
  for (size_t line = 0; line < all.size(); line += static_cast<size_t>(depth)) {
    float largest = 0;
    for (int64_t k = 0; k < depth; ++k) largest = fmaxf(largest, fabsf(matrix.data()[line + k]));
    const float scale = largest / 127.0f;
    for (size_t i = line; i < line + static_cast<size_t>(depth); ++i) {
      if (format == RECURRA_FLOAT16) all[i] = rounded(all[i], 11, 0x1p-24);
      if (format == RECURRA_BFLOAT16) all[i] = rounded(all[i], 8, 0);
      if (format == RECURRA_INT8)
        all[i] = scale > 0 ? rintf(matrix.data()[i] / scale) * double(scale) : 0;
    }
  }
  return all;
}

Doubles multiply(const Doubles& matrix, const Doubles& x) {
  Doubles sums(matrix.size() / x.size());
  for (size_t line = 0; line < sums.size(); ++line)
    for (size_t k = 0; k < x.size(); ++k) sums[line] += matrix[line * x.size() + k] * x[k];
  return sums;
}

struct Layer {
  recurra_layer given;
  Floats from_input, bias, from_state, within;
  Doubles W, U;
  std::vector<Doubles> h, c;  // of each row

  Layer(Random& random, int cell, int64_t inputs, int64_t width, int64_t rows, Guard guard)
      : from_input(random, GATES[cell] * width * inputs, 1 / sqrt(double(inputs)), guard),
        bias(random, GATES[cell] * width, 1, guard),
        from_state(random, GATES[cell] * width * width, 1 / sqrt(double(width)), guard),
        within(random, width, 1, guard),
        h(static_cast<size_t>(rows), Doubles(static_cast<size_t>(width))),
        c(h) {
    const int format = static_cast<int>(random.whole(0, RECURRA_FORMATS - 1));
    const bool matrix = cell <= RECURRA_STREAM_LSTM;
    const bool vector = cell == RECURRA_STREAM_GRU || cell == RECURRA_STREAM_INDRNN;
    given = {cell, format, inputs, width, from_input.data(), bias.data(),
             matrix ? from_state.data() : nullptr, vector ? within.data() : nullptr};
    W = kept(from_input, inputs, format), U = kept(from_state, width, format);
  }

  // Steps a row and returns its output.
  Doubles step(int64_t row, const Doubles& x) {
    const size_t n = static_cast<size_t>(given.width);
    Doubles a = multiply(W, x), u = multiply(U, h[row]), next(n);
    for (size_t i = 0; i < a.size(); ++i) a[i] += bias.data()[i];
    for (size_t i = 0; i < n; ++i) {
      const auto sum = [&](size_t gate) { return a[gate * n + i] + u[gate * n + i]; };
      const auto alone = [&](size_t gate) { return a[gate * n + i]; };
      const auto positive = [](double v) { return v >= 0 ? v + 0.5 : sigmoid(v); };
      const double before = h[row][i], beside = within.data()[i];
      switch (given.cell) {
        case RECURRA_STREAM_ELMAN_TANH: next[i] = tanh(sum(0)); break;
        case RECURRA_STREAM_ELMAN_RELU: next[i] = fmax(sum(0), 0); break;
        case RECURRA_STREAM_INDRNN: next[i] = fmax(alone(0) + beside * before, 0); break;
        case RECURRA_STREAM_GRU: {
          const double z = sigmoid(sum(1));
          const double n_gate = tanh(alone(2) + sigmoid(sum(0)) * (u[2 * n + i] + beside));
          next[i] = (1 - z) * n_gate + z * before;
          break;
        }
        case RECURRA_STREAM_LSTM:
          c[row][i] = sigmoid(sum(1)) * c[row][i] + sigmoid(sum(0)) * tanh(sum(2));
          next[i] = sigmoid(sum(3)) * tanh(c[row][i]);
          break;
        case RECURRA_STREAM_MINGRU: {
          const double z = sigmoid(alone(0));
          next[i] = (1 - z) * before + z * positive(alone(1));
          break;
        }
        default: {
          const double f = sigmoid(alone(0)), in = sigmoid(alone(1));
          next[i] = (f * before + in * positive(alone(2))) / (f + in);
        }
      }
    }
    return h[row] = next;
  }
};

std::vector<int64_t> draw_rows(Random& random, int64_t capacity) {
  std::vector<int64_t> rows(static_cast<size_t>(capacity));
  for (int64_t i = 0; i < capacity; ++i) rows[i] = i;
  for (int64_t i = capacity - 1; i > 0; --i) std::swap(rows[i], rows[random.whole(0, i)]);
  rows.resize(static_cast<size_t>(random.whole(0, capacity)));
  return rows;
}

}  // namespace

std::vector<std::string> stream_complaints(Random& random, Guard guard) {
  std::vector<std::string> complaints;
  const auto expect = [&](int code, int wanted, const char* text) {
    if (code != wanted) complaints.push_back(std::string(text) + ": " + recurra_text(code));
  };
  const int64_t capacity = random.whole(1, random.one_in(8) ? 80 : 9);
  int64_t inputs = random.whole(1, 40);
  std::deque<Layer> layers;
  std::vector<recurra_layer> given;
  const int64_t first = inputs;
  for (int64_t l = random.whole(1, 3); l > 0; --l) {
    const int64_t width = random.whole(1, random.one_in(5) ? 70 : 20);
    const int cell = static_cast<int>(random.whole(0, RECURRA_STREAM_CELLS - 1));
    layers.emplace_back(random, cell, inputs, width, capacity, guard);
    given.push_back(layers.back().given);
    inputs = width;
  }
  recurra_stream* stream = nullptr;
  const int64_t count = static_cast<int64_t>(given.size());
  const int threads = static_cast<int>(random.whole(1, 3));
  expect(recurra_stream_open(given.data(), count, 0, threads, &stream), recurra::BAD_SIZE, "none");
  expect(recurra_stream_open(given.data(), count, capacity, threads, &stream), recurra::OK, "open");
  if (!stream) return complaints;
  for (int t = 0; t < 5; ++t) {
    std::vector<int64_t> rows = draw_rows(random, capacity);
    const int64_t size = static_cast<int64_t>(rows.size()), x_stride = first + random.whole(0, 3);
    const int64_t y_stride = inputs + random.whole(0, 3);
    // the last row needs no more than its numbers
    Floats x(random, size ? (size - 1) * x_stride + first : 0, 1, guard);
    Floats y(random, size ? (size - 1) * y_stride + inputs : 0, 1, guard);
    const recurra_frames frames{size, rows.data(), x_stride, y_stride};
    if (size) {
      std::vector<int64_t> wrong = rows;
      wrong[0] = random.one_in(2) ? capacity : -1;
      const recurra_frames bad{size, wrong.data(), x_stride, y_stride};
      expect(recurra_stream_step(stream, &bad, x.data(), y.data()), recurra::BAD_ROW, "a wrong row");
      expect(recurra_stream_step(stream, &frames, x.data(), nullptr), recurra::NULL_POINTER, "no y");
    }
    if (t == 2) {  // go on with a copy, after another step of what it was made from
      recurra_stream* copy = nullptr;
      expect(recurra_stream_copy(nullptr, &copy), recurra::NULL_POINTER, "a copy of nothing");
      expect(recurra_stream_copy(stream, &copy), recurra::OK, "copy");
      if (!copy) break;
      expect(recurra_stream_step(stream, &frames, x.data(), y.data()), recurra::OK, "step");
      recurra_stream_close(stream);
      stream = copy;
    }
    expect(recurra_stream_step(stream, &frames, x.data(), y.data()), recurra::OK, "step");
    for (int64_t i = 0; i < size; ++i) {
      Doubles out(x.data() + i * x_stride, x.data() + i * x_stride + first);
      for (Layer& layer : layers) out = layer.step(rows[i], out);
      for (int64_t k = 0; k < inputs; ++k)
        if (!(fabs(y.data()[i * y_stride + k] - out[k]) <= 1e-5 * (1 + fabs(out[k]))))
          complaints.push_back("a number of a step is wrong");
    }
    if (!x.block.neighbours_intact() || !y.block.neighbours_intact())
      complaints.push_back("a step wrote beside its arrays");
  }
  Layer& last = layers.back();
  const bool memory = last.given.cell == RECURRA_STREAM_LSTM;
  Floats h(random, capacity * inputs, 1, guard), c(random, capacity * inputs, 1, guard);
  float* place = memory ? c.data() : nullptr;
  expect(recurra_stream_read(stream, count, capacity, nullptr, h.data(), place), recurra::BAD_SIZE,
         "no such layer");
  expect(recurra_stream_read(stream, count - 1, capacity, nullptr, h.data(), place), recurra::OK,
         "read");
  for (int64_t i = 0; i < capacity * inputs; ++i) {
    const bool same = fabs(h.data()[i] - last.h[i / inputs][i % inputs]) <= 1e-4 &&
                      (!memory || fabs(c.data()[i] - last.c[i / inputs][i % inputs]) <= 1e-4);
    if (!same) complaints.push_back("a number of a state is wrong");
  }
  expect(recurra_stream_write(stream, count - 1, capacity, nullptr, nullptr, nullptr), recurra::OK,
         "reset");
  expect(recurra_stream_read(stream, count - 1, 1, nullptr, h.data(), place), recurra::OK, "read");
  for (int64_t i = 0; i < inputs; ++i)
    if (h.data()[i] != 0 || (memory && c.data()[i] != 0)) complaints.push_back("a reset is none");
  recurra_stream_close(stream);
  return complaints;
}
