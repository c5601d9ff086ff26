// The part of GCC's OpenMP that the kernels call, on threads that ThreadSanitizer understands.
//
// libgomp synchronises by futexes that ThreadSanitizer does not see, so every correct program is
// accused. Linked instead of it, these few functions give the compiled kernels what OpenMP promises
// (fork, join, barriers, iterations dealt out) and no order beyond it. What another construct needs
// is an undefined symbol at link time.
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

namespace {

// Iterations dealt out to whoever asks.
struct Loop {
  long end, step;
  std::atomic<long> next;

  Loop(long end, long step, long start) : end(end), step(step), next(start) {}

  bool take(long* from, long* to) {
    // relaxed: OpenMP promises no order between iterations
    *from = next.fetch_add(step, std::memory_order_relaxed);
    *to = *from + step < end ? *from + step : end;
    return *from < end;
  }
};

struct Team {
  int size;
  std::mutex mutex;
  std::condition_variable passed;
  int waiting = 0;
  long barriers = 0;
  std::deque<Loop> loops;  // in the order in which each of the team comes to them
};

thread_local Team* team = nullptr;
thread_local int number = 0;
thread_local size_t loops_begun = 0;
thread_local Loop* loop = nullptr;

void run(void (*body)(void*), void* data, Team& own) {
  const auto member = [&](int i) {
    Team* const outer = team;
    const int outer_number = number;
    const size_t outer_loops = loops_begun;
    team = &own, number = i, loops_begun = 0;
    body(data);
    team = outer, number = outer_number, loops_begun = outer_loops;
  };
  std::vector<std::thread> others;
  for (int i = 1; i < own.size; ++i) others.emplace_back(member, i);
  member(0);
  for (std::thread& other : others) other.join();
}

}  // namespace

extern "C" {

int omp_get_num_threads() { return team ? team->size : 1; }
int omp_get_thread_num() { return number; }

void GOMP_parallel(void (*body)(void*), void* data, unsigned size, unsigned) {
  Team own;
  own.size = static_cast<int>(size ? size : 1);
  run(body, data, own);
}

void GOMP_barrier() {
  if (!team || team->size == 1) return;
  std::unique_lock<std::mutex> lock(team->mutex);
  const long barrier = team->barriers;
  if (++team->waiting == team->size) {
    team->waiting = 0, ++team->barriers;
    team->passed.notify_all();
  } else {
    team->passed.wait(lock, [&] { return team->barriers != barrier; });
  }
}

bool GOMP_loop_nonmonotonic_dynamic_start(long start, long end, long increment, long chunk,
                                          long* from, long* to) {
  {
    const std::lock_guard<std::mutex> lock(team->mutex);
    if (loops_begun == team->loops.size())
      team->loops.emplace_back(end, increment * chunk, start);
    loop = &team->loops[loops_begun++];
  }
  return loop->take(from, to);
}

bool GOMP_loop_nonmonotonic_dynamic_next(long* from, long* to) { return loop->take(from, to); }

void GOMP_loop_end_nowait() {}

}  // extern "C"
