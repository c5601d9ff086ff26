// One call of a function: its rows, its arrays, what they must hold afterwards.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "block.h"
#include "layout.h"

// An array handed to a function, and in double what it must hold after the call; NaN where it must
// not be written. Numbers that nobody may read are NaN.
class Array {
 public:
  Array(size_t size, Guard guard, bool flush_right);

  double& operator[](int64_t i) { return wanted_[static_cast<size_t>(i)]; }
  void put(int64_t i, double value);  // what is read there
  template <class Function>
  void expect(Function function) {
    for (double& wanted : wanted_) wanted = function(wanted);
  }
  float* data() const { return taken_away_ ? nullptr : numbers(); }

 private:
  friend class Case;
  float* numbers() const { return static_cast<float*>(block_.data()); }
  void restore();
  bool untouched() const;

  std::vector<double> wanted_;
  std::vector<float> start_;
  Block block_;
  bool written_ = false, optional_ = false, taken_away_ = false;
};

// What is passed beside the arrays. Wrong calls change it.
struct Given {
  recurra_rows rows;
  const recurra_rows* rows_pointer;
  int64_t width;
  int threads, number, format;
};

class Case {
 public:
  Case(Random& random, Guard guard, const Shape& shape);

  Random& random;
  const int64_t batch, width;
  const Layout layout;
  int64_t lines() const { return layout.lines; }

  // An array of [lines, per_line], with numbers on the lines of rows alone.
  Array& reads_lines(int64_t per_line, double low = -1, double high = 1);
  Array& reads(int64_t size, double low = -1, double high = 1);
  Array& reads_weight(int64_t height);  // [height, width], small enough for states to stay small
  Array& writes(int64_t size);
  Array& holds(Array& array);     // it is only read: what the test has put there
  Array& changes(Array& array);   // it is read and written: what it starts with stays to be read
  Array& optional(Array& array);  // NULL would not be refused
  // `good`, or in a wrong call something that is refused with `code`.
  void number(int good, int bad, int code);
  void format(int good);

  // What a call leaves in an array, all of which then hold what they did.
  std::vector<float> foresee(const std::function<int()>& call, const Array& array);

  Given given;
  const recurra_rows* rows() const { return given.rows_pointer ? &given.rows : nullptr; }

  // Calls it wrongly in some ways, which must be refused without writing; then rightly, twice.
  void run(const std::function<int()>& call);

  std::vector<std::string> complaints;

 private:
  struct Fault {
    const char* text;
    int code;
    std::function<void()> make;
  };
  std::vector<Fault> faults();
  void refuse(const std::function<int()>& call);
  void compare();
  void complain(const char* format, ...) __attribute__((format(printf, 2, 3)));

  Guard guard_;
  Block offsets_, lengths_;
  std::deque<Array> arrays_;
  int bad_number_ = 0, bad_number_code_ = 0;
  bool has_format_ = false;
};
