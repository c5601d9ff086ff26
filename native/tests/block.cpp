#include "block.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#endif

namespace {

constexpr unsigned char PATTERN = 0xab;

[[noreturn]] void no_memory() {
  perror("the test has not enough memory");
  exit(2);
}

}  // namespace

Block::Block(size_t bytes, Guard guard, bool flush_right) : bytes_(bytes) {
  if (guard == Guard::exact) {
    data_ = static_cast<char*>(malloc(bytes));
    if (!data_ && bytes) no_memory();
    return;
  }
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const size_t inner = (bytes + page) / page * page;
  mapped_ = inner + 2 * page;
  void* mapped = mmap(nullptr, mapped_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) no_memory();
  pages_ = static_cast<char*>(mapped);
  if (mprotect(pages_ + page, inner, PROT_READ | PROT_WRITE)) no_memory();
  memset(pages_ + page, PATTERN, inner);
  data_ = pages_ + page + (flush_right ? inner - bytes : 0);
}

Block::~Block() {
  if (pages_) {
    munmap(pages_, mapped_);
  } else {
    free(data_);
  }
}

bool Block::neighbours_intact() const {
  if (!pages_) return true;
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  for (const char* at = pages_ + page; at < pages_ + mapped_ - page; ++at) {
    if (at == data_) at += bytes_;
    if (at < pages_ + mapped_ - page && static_cast<unsigned char>(*at) != PATTERN) return false;
  }
  return true;
}

void Block::forget([[maybe_unused]] void* from, [[maybe_unused]] size_t bytes) {
#ifdef VALGRIND_MAKE_MEM_UNDEFINED
  VALGRIND_MAKE_MEM_UNDEFINED(from, bytes);
#endif
}

void Block::allow([[maybe_unused]] void* from, [[maybe_unused]] size_t bytes) {
#ifdef VALGRIND_MAKE_MEM_DEFINED
  VALGRIND_MAKE_MEM_DEFINED(from, bytes);
#endif
}
