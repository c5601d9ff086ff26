// Memory whose neighbours nobody may touch.
#pragma once

#include <stddef.h>
#include <stdint.h>

// exact: what malloc gives for exactly these bytes, for AddressSanitizer and valgrind, which see one
// byte beyond. pages: pages that cannot be accessed lie before and behind, for runs without them.
enum class Guard { exact, pages };

class Block {
 public:
  // With Guard::pages, the last byte lies before the page behind, or the first one after the page
  // before; the rest of the pages in between is filled with a pattern.
  Block(size_t bytes, Guard guard, bool flush_right);
  ~Block();
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  void* data() const { return data_; }
  bool neighbours_intact() const;

  // Tells valgrind, where it runs, that these bytes were not written yet, or that they may be read.
  static void forget(void* from, size_t bytes);
  static void allow(void* from, size_t bytes);

 private:
  size_t bytes_, mapped_ = 0;
  char *data_ = nullptr, *pages_ = nullptr;
};
