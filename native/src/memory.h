// All memory of one call, taken once before the first step.
#pragma once

#include <stdint.h>
#include <stdlib.h>

namespace recurra {

class Memory {
 public:
  explicit Memory(int64_t bytes) : start_(malloc(static_cast<size_t>(bytes) + 64)) {
    next_ = reinterpret_cast<char*>((reinterpret_cast<uintptr_t>(start_) + 63) & ~uintptr_t{63});
  }
  ~Memory() { free(start_); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  explicit operator bool() const { return start_ != nullptr; }

  template <class T>
  T* take(int64_t count) {
    T* taken = reinterpret_cast<T*>(next_);
    next_ += bytes<T>(count);
    return taken;
  }
  template <class T>
  static int64_t bytes(int64_t count) {
    return (count * static_cast<int64_t>(sizeof(T)) + 63) / 64 * 64;
  }

 private:
  void* start_;
  char* next_;
};

}  // namespace recurra
