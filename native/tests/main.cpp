// The kernels' own test: random calls of every function of recurra.h on every instruction set here,
// right and wrong ones, compared with a scalar computation in double.
//
//   recurra_check [--calls N] [--seed S] [--isa NAME] [--memory exact|pages] [--short]
//
// Call i has the seed S + i, so `--seed` of a call that failed and `--calls 1` repeat it.
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "functions.h"
#include "random.h"
#include "special.h"
#include "status.h"
#include "stream.h"

namespace {

struct Options {
  int64_t calls = 10000;
  uint64_t seed = 1;
  const char* isa = nullptr;
  Guard guard = Guard::pages;
  bool brief = false;
};

constexpr int64_t COUNT = sizeof FUNCTIONS / sizeof *FUNCTIONS;

constexpr const char* ISAS[] = {"baseline", "avx2", "avx512", "avx512bf16", "amx", "emulated", "neon"};

std::atomic<int> wrong{0};
thread_local char current[160];  // what a signal is told to have interrupted

void interrupted(int signal) {
  const char text[] = "a signal (a byte outside of an array?) in ";
  if (write(2, text, sizeof text - 1) < 0 || write(2, current, strlen(current)) < 0 ||
      write(2, "\n", 1) < 0)
    _exit(3);
  ::signal(signal, SIG_DFL);
  raise(signal);
}

void one(const Function& function, const Shape& shape, uint64_t seed, Guard guard) {
  Random random(seed);
  snprintf(current, sizeof current, "%s on %s, seed %llu: %lld rows of %lld steps, width %lld",
           function.name, recurra_selected(), static_cast<unsigned long long>(seed),
           static_cast<long long>(shape.batch), static_cast<long long>(shape.time),
           static_cast<long long>(shape.width));
  Case test(random, guard, shape);
  function.test(test);
  for (const std::string& complaint : test.complaints) {
    fprintf(stderr, "%s: %s\n", current, complaint.c_str());
    if (++wrong == 20) exit(1);
  }
}

// Mostly small; now and then one wide, one long, one large enough for several threads.
Shape draw_shape(Random& random, bool multiplies) {
  Shape shape{random.whole(0, 7), random.whole(1, 12), random.whole(1, 20)};
  if (random.one_in(10)) shape.width = random.whole(1, multiplies ? 70 : 300);
  if (random.one_in(10)) shape.time = random.whole(1, 70);
  if (random.one_in(10)) shape.batch = random.whole(1, 40);
  if (!multiplies && random.one_in(20)) shape = {random.whole(1, 5), 67, random.whole(64, 131)};
  const int64_t work = shape.batch * shape.time * shape.width * (multiplies ? shape.width : 1);
  if (work > (1 << 17)) shape.time = 1 + shape.time * (1 << 17) / work;
  return shape;
}

void call(uint64_t seed, Guard guard) {
  Random random(~seed);
  const Function& function = FUNCTIONS[random.whole(0, COUNT - 1)];
  one(function, draw_shape(random, function.multiplies), seed, guard);
}

// The ends of every range.
void corners(Guard guard, bool brief) {
  const Shape shapes[] = {{1, 1, 1},  {0, 3, 2},  {3, 0, 2},   {1, 1, 67}, {13, 1, 1},
                          {1, 67, 1}, {2, 5, 16}, {17, 3, 64}, {5, 7, 97}, {1, 100003, 3}};
  for (const Shape& shape : shapes) {
    if (brief && shape.time > 1000) continue;
    for (const Function& function : FUNCTIONS) one(function, shape, 7, guard);
  }
}

void several_at_once(const Options& options) {
  std::vector<std::thread> threads;
  for (uint64_t i = 0; i < 4; ++i)
    threads.emplace_back([=] {
      for (uint64_t j = 0; j < 50; ++j) call(options.seed + 1000 * i + j, options.guard);
    });
  for (std::thread& thread : threads) thread.join();
}

void expect(bool condition, const char* text) {
  if (condition) return;
  fprintf(stderr, "not so: %s\n", text);
  ++wrong;
}

void names_and_texts() {
  int64_t zero = 0;
  float x = 0;
  const recurra_rows rows{1, 0, 1, &zero, &zero};
  const recurra_field fields[2] = {{&x, 1, nullptr}, {&x, 1, nullptr}};
  expect(recurra_scan_forward(&rows, 1, 1, RECURRA_AFFINE, fields, &x, &x, &x) ==
             recurra::NOT_SELECTED,
         "a kernel is refused before recurra_select");
  expect(!strcmp(recurra_selected(), ""), "nothing is selected at first");
  expect(recurra_select("sparc") == recurra::UNKNOWN_ISA, "another name is unknown");
  for (int code = recurra::OK; code <= recurra::BAD_FIELD; ++code)
    expect(strcmp(recurra_text(code), "unknown code") != 0, "every code has a text");
  for (int code : {-1, recurra::BAD_FIELD + 1, 1 << 30})
    expect(!strcmp(recurra_text(code), "unknown code"), "another code has none");
  for (const char* isa : ISAS) {
    const int code = recurra_select(isa);
    expect(code == recurra::OK || code == recurra::ABSENT_ISA, "a known name runs or is absent");
  }
  expect(recurra_select(nullptr) == recurra::OK, "some instruction set runs");
}

void special_values() {
  for (const std::string& complaint : special_complaints()) {
    fprintf(stderr, "%s: %s\n", recurra_selected(), complaint.c_str());
    ++wrong;
  }
}

void stream(uint64_t seed, Guard guard) {
  Random random(seed);
  snprintf(current, sizeof current, "a stream on %s, seed %llu", recurra_selected(),
           static_cast<unsigned long long>(seed));
  for (const std::string& complaint : stream_complaints(random, guard)) {
    fprintf(stderr, "%s: %s\n", current, complaint.c_str());
    if (++wrong == 20) exit(1);
  }
}

// Fields that no cell, or not this one, can have.
void wrong_fields() {
  const int64_t first = 0, length = 1;
  const recurra_rows rows{1, 1, 1, &first, &length};
  float x = 0, y = 0;
  const auto refused = [&](int cell, recurra_field field, recurra_gradient gradient, int code) {
    const recurra_field fields[] = {field, {}, {}, {}};
    const recurra_gradient gradients[] = {gradient, {}, {}, {}};
    expect(recurra_scan_backward(&rows, 1, 1, cell, fields, &x, &x, &x, &x, gradients, &y) == code,
           "a wrong field is refused");
  };
  refused(RECURRA_AFFINE, {&x, 1, &x}, {}, recurra::BAD_FIELD);
  refused(RECURRA_MINGRU, {&x, 1, &x}, {}, recurra::OK);
  refused(RECURRA_MINGRU, {&x, -1, nullptr}, {}, recurra::BAD_SIZE);
  refused(RECURRA_MINGRU, {&x, INT64_MAX, nullptr}, {}, recurra::BAD_SIZE);
  refused(RECURRA_MINGRU, {}, {&y, 0, nullptr}, recurra::BAD_SIZE);
  refused(-1, {}, {}, recurra::UNKNOWN_CELL);
  expect(recurra_scan_forward(&rows, 1, 1, RECURRA_AFFINE, nullptr, &x, &y, &y) ==
             recurra::NULL_POINTER, "fields are needed");
}

// The measure of bandwidth, at sizes around a vector's and a thread's share.
void triad() {
  for (int64_t count : {0, 1, 7, 16, 1023, 5000}) {
    std::vector<float> a(static_cast<size_t>(count) + 1, 0.0f), b(a.size(), 1.0f), c(a.size(), 3.0f);
    expect(recurra_triad(count, 3, 2.0f, b.data(), c.data(), a.data()) == recurra::OK, "triad runs");
    for (int64_t i = 0; i <= count; ++i)
      expect(a[static_cast<size_t>(i)] == (i < count ? 7.0f : 0.0f), "a = b + 2 c");
  }
}

// a^T b at sizes around a tile's, a panel's and a block of lines; what lies between lines is NaN.
void transposed_product(uint64_t seed) {
  Random random(seed);
  const int64_t sizes[] = {1, 5, 6, 7, 16, 31, 33, 64, 65}, lengths[] = {0, 1, 255, 256, 257, 600};
  for (int64_t lines : lengths) {
    const int64_t height = sizes[random.whole(0, 8)], width = sizes[random.whole(0, 8)];
    const int64_t strides[] = {height + random.whole(0, 2), width + random.whole(0, 2)};
    std::vector<float> side[2];
    for (int k = 0; k < 2; ++k) {
      const int64_t columns = k ? width : height;
      side[k].assign(static_cast<size_t>(lines ? (lines - 1) * strides[k] + columns : 1), NAN);
      for (int64_t i = 0; i < lines; ++i)
        for (int64_t c = 0; c < columns; ++c)
          side[k][static_cast<size_t>(i * strides[k] + c)] = static_cast<float>(random.real(-1, 1));
    }
    std::vector<float> out(static_cast<size_t>(height * width), NAN);
    const auto call = [&](int64_t a_stride, int threads) {
      return recurra_transposed_product(lines, threads, side[0].data(), a_stride, height,
                                        side[1].data(), strides[1], width, out.data());
    };
    expect(call(height - 1, 1) == recurra::BAD_SIZE, "lines that overlap are refused");
    expect(call(strides[0], 0) == recurra::BAD_SIZE, "no threads are refused");
    expect(call(strides[0], 1 + static_cast<int>(random.whole(0, 3))) == recurra::OK, "a^T b runs");
    for (int64_t i = 0; i < height; ++i) {
      for (int64_t j = 0; j < width; ++j) {
        double sum = 0;
        for (int64_t k = 0; k < lines; ++k)
          sum += static_cast<double>(side[0][static_cast<size_t>(k * strides[0] + i)]) *
                 side[1][static_cast<size_t>(k * strides[1] + j)];
        expect(fabs(out[static_cast<size_t>(i * width + j)] - sum) < 1e-4, "out = a^T b");
      }
    }
  }
}

// Sizes that pass the checks, and for which no machine has the memory.
void too_large() {
  const int64_t first = 0, none = 0, wide = int64_t{1} << 18, widest = int64_t{1} << 37;
  const recurra_rows rows{1, 1, 1, &first, &none};
  float x = 0;
  const recurra_field fields[2] = {};
  const recurra_gradient gradients[2] = {};
  expect(recurra_scan_backward(&rows, widest, 1, RECURRA_AFFINE, fields, &x, &x, &x, &x, gradients,
                               &x) == recurra::NO_MEMORY,
         "a scan says that there is no memory");
  expect(recurra_recurrent_forward(&rows, wide, 1, RECURRA_LSTM, 1, 0, 0, 1, &x, &x, &x, &x, &x,
                                   nullptr, nullptr, &x, &x) == recurra::NO_MEMORY,
         "a cell says that there is no memory");
  for (int inputs : {0, -1, INT32_MAX})
    expect(recurra_recurrent_forward(&rows, 1, 1, RECURRA_LSTM, 1, 0, 0, inputs, &x, &x, &x, &x, &x,
                                     nullptr, nullptr, &x, &x) == recurra::BAD_SIZE,
           "a number of inputs is refused");
  expect(recurra_recurrent_forward(&rows, 2, 1, RECURRA_LSTM, 1, RECURRA_BFLOAT16, 0, 7, &x,
                                   nullptr, &x, &x, &x, nullptr, nullptr, &x, &x) ==
             recurra::BAD_SIZE,
         "W x has all gates");
  expect(recurra_recurrent_backward(&rows, 1, 1, RECURRA_ELMAN_TANH, 1, RECURRA_BFLOAT16, 1,
                                    nullptr, nullptr, &x, &x, &x, nullptr, nullptr, &x, &x, &x, &x,
                                    &x, nullptr, nullptr, nullptr) == recurra::UNKNOWN_FORMAT,
         "in bfloat16 the gradient of x is the caller's");
  expect(recurra_mlstm_forward(&rows, widest >> 14, 1, 1 << 11, 1, &x, &x, &x, &x, &x, &x, &x, &x,
                               nullptr) == recurra::NO_MEMORY,
         "an MLSTM says that there is no memory");
}

Options read(int count, char** words) {
  Options options;
  for (int i = 1; i < count; ++i) {
    const bool last = i + 1 == count;
    if (!strcmp(words[i], "--short")) {
      options.brief = true;
    } else if (last) {
      fprintf(stderr, "unknown, or without its value: %s\n", words[i]), exit(2);
    } else if (!strcmp(words[i], "--calls")) {
      options.calls = strtoll(words[++i], nullptr, 10);
    } else if (!strcmp(words[i], "--seed")) {
      options.seed = strtoull(words[++i], nullptr, 10);
    } else if (!strcmp(words[i], "--isa")) {
      options.isa = words[++i];
    } else if (!strcmp(words[i], "--memory")) {
      options.guard = strcmp(words[++i], "exact") ? Guard::pages : Guard::exact;
    } else {
      fprintf(stderr, "unknown: %s\n", words[i]), exit(2);
    }
  }
  return options;
}

}  // namespace

int main(int count, char** words) {
  const Options options = read(count, words);
  signal(SIGSEGV, interrupted), signal(SIGBUS, interrupted), signal(SIGILL, interrupted);
  names_and_texts();
  too_large();
  std::vector<const char*> isas;
  for (const char* isa : ISAS)
    if ((!options.isa || !strcmp(options.isa, isa)) && recurra_select(isa) == recurra::OK)
      isas.push_back(isa);
  if (isas.empty()) {
    fprintf(stderr, "no such instruction set here\n");
    return 2;
  }
  int64_t done = 0;
  for (const char* isa : isas) {
    recurra_select(isa);
    special_values();
    wrong_fields();
    triad();
    for (uint64_t i = 0; i < (options.brief ? 3 : 20); ++i) transposed_product(options.seed + i);
    corners(options.guard, options.brief);
    const int64_t share = options.calls / static_cast<int64_t>(isas.size());
    for (int64_t i = 0; i < share; ++i) call(options.seed + static_cast<uint64_t>(i), options.guard);
    for (int64_t i = 0; i < share / 10; ++i)
      stream(options.seed + static_cast<uint64_t>(i), options.guard);
    several_at_once(options);
    done += share;
    printf("%s: %lld random calls\n", isa, static_cast<long long>(share));
  }
  for (const char* isa : ISAS)
    if (recurra_select(isa) == recurra::ABSENT_ISA) printf("%s: this machine lacks it\n", isa);
  printf("%lld random calls, %d wrong\n", static_cast<long long>(done), wrong.load());
  return wrong ? 1 : 0;
}
