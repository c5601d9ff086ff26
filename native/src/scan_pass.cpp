// Where there are rows enough, a thread takes a row, through all its chunks. Where there are fewer
// rows than threads, a thread takes a chunk: it joins the chunk's steps into one, waits for the
// state that the chunk before leaves, says what it leaves itself, and only then runs the steps,
// whose fields are still in its cache.
#include "scan_pass.h"

#include <string.h>

#include <atomic>
#include <new>
#include <thread>

#include "memory.h"

namespace recurra {
namespace {

// Numbers of a state in one chunk: a few such arrays fit into the second cache.
constexpr int64_t CHUNK = 1 << 14;
constexpr int64_t SHORTEST = 8, LONGEST = 256;  // steps of a chunk
// Numbers below which a second thread costs more than it brings.
constexpr int64_t SMALL = 1 << 14;

using Flag = std::atomic<int>;

struct Work {
  const Scan& scan;
  const Pass& pass;
  int64_t state, scratch;  // floats
  int64_t count;           // of chunks
  int64_t* first;          // of each row, and, at the end, `count`
  Chunk* chunks;
  float* memory;   // of each thread, `scratch`
  float* carried;  // states between chunks, where threads take chunks
  Flag* ready;     // whether they are there
  std::atomic<int64_t> next{0};
};

int64_t steps_of_chunk(int64_t state) {
  const int64_t steps = CHUNK / state;
  return steps < SHORTEST ? SHORTEST : steps > LONGEST ? LONGEST : steps;
}

int64_t count_chunks(const recurra_rows& rows, int64_t size) {
  int64_t count = 0;
  for (int64_t b = 0; b < rows.rows; ++b) count += (rows.length[b] + size - 1) / size;
  return count;
}

void cut(const recurra_rows& rows, int64_t size, Work& work) {
  int64_t i = 0;
  for (int64_t b = 0; b < rows.rows; ++b) {
    work.first[b] = i;
    for (int64_t t = 0; t < rows.length[b]; t += size, ++i)
      work.chunks[i] = {b, t, t + size < rows.length[b] ? t + size : rows.length[b], i};
  }
  work.first[rows.rows] = i;
}

void copy_state(const Work& work, float* to, const float* from) {
  memcpy(to, from, static_cast<size_t>(work.state) * sizeof *to);
}

void take_rows(Work& work, float* memory) {
  const Pass& pass = work.pass;
  const ScanKernel kernel = pass.backward ? pass.kernels.backward : pass.kernels.forward;
  float *state = memory, *scratch = memory + work.state;
  for (int64_t row; (row = work.next++) < work.scan.rows->rows;) {
    copy_state(work, state, pass.start + row * work.state);
    const int64_t first = work.first[row], end = work.first[row + 1];
    for (int64_t i = first; i < end; ++i)
      kernel(work.scan, work.chunks[pass.backward ? end - 1 - (i - first) : i], state, scratch);
    copy_state(work, pass.end + row * work.state, state);
  }
}

void wait_for(const Flag& flag) {
  for (int tries = 0; !flag.load(std::memory_order_acquire); ++tries)
    if (tries > 100) std::this_thread::yield();
}

void take_chunks(Work& work, float* memory) {
  const Pass& pass = work.pass;
  const ScanKernel kernel = pass.backward ? pass.kernels.backward : pass.kernels.forward;
  const ScanKernel join = pass.backward ? pass.kernels.join_backward : pass.kernels.join_forward;
  float *state = memory, *scratch = memory + work.state;
  // Whoever took an earlier chunk runs: nobody waits for one that has not begun.
  for (int64_t turn; (turn = work.next++) < work.count;) {
    const int64_t i = pass.backward ? work.count - 1 - turn : turn;
    const Chunk& chunk = work.chunks[i];
    const bool begins = pass.backward ? i + 1 == work.first[chunk.row + 1]
                                      : i == work.first[chunk.row];
    const bool ends = pass.backward ? i == work.first[chunk.row]
                                    : i + 1 == work.first[chunk.row + 1];
    if (!ends) join(work.scan, chunk, scratch, scratch + work.state);
    const int64_t before = pass.backward ? i + 1 : i - 1;
    if (!begins) wait_for(work.ready[before]);
    const float* from = begins ? pass.start + chunk.row * work.state
                               : work.carried + before * work.state;
    if (!ends) {
      pass.kernels.apply(work.scan.width, scratch, scratch + work.state, from,
                         work.carried + i * work.state);
      work.ready[i].store(1, std::memory_order_release);
    }
    copy_state(work, state, from);
    kernel(work.scan, chunk, state, scratch);
    if (ends) copy_state(work, pass.end + chunk.row * work.state, state);
  }
}

// Sums that of each chunk, in the order of chunks.
void sum_gradients(const Work& work) {
  constexpr int64_t SPAN = 64;
  const Scan& scan = work.scan;
  const int fields = work.pass.kernels.fields;
  for (int k = 0; k < fields; ++k) {
    if (!scan.gradients[k].sum) continue;
    for (int64_t begin = 0; begin < scan.width; begin += SPAN) {
      const int64_t size = begin + SPAN < scan.width ? SPAN : scan.width - begin;
      double total[SPAN] = {};
      for (int64_t i = 0; i < work.count; ++i) {
        const float* of_chunk = scan.sums + (i * fields + k) * scan.width + begin;
        for (int64_t c = 0; c < size; ++c) total[c] += of_chunk[c];
      }
      for (int64_t c = 0; c < size; ++c)
        scan.gradients[k].sum[begin + c] = static_cast<float>(total[c]);
    }
  }
}

}  // namespace

Status run(Scan& scan, const Pass& pass, int threads) {
  const recurra_rows& rows = *scan.rows;
  const int64_t width = scan.width, fields = pass.kernels.fields;
  Work work{scan, pass, pass.kernels.parts * width, 0, 0, nullptr, nullptr, nullptr, nullptr,
            nullptr};
  const int64_t size = steps_of_chunk(work.state);
  work.count = count_chunks(rows, size);
  const int64_t team = rows.lines * work.state < SMALL ? 1 : threads;
  const bool by_chunks = rows.rows < team && work.count > rows.rows;
  const int64_t tasks = by_chunks ? work.count : rows.rows;
  const int64_t workers = team < tasks ? team : tasks;
  // state; then decays and, of each field, two lines; or decays and injects
  work.scratch = (2 * work.state + (2 * fields + 1) * width + 15) / 16 * 16;
  bool summed = false;
  for (int k = 0; k < fields; ++k) summed |= scan.gradients[k].sum != nullptr;
  const int64_t sums = summed ? work.count * fields * width : 0;
  const int64_t carried = by_chunks ? work.count * work.state : 0;
  const int64_t flags = by_chunks ? work.count : 0;
  Memory memory(Memory::bytes<int64_t>(rows.rows + 1) + Memory::bytes<Chunk>(work.count) +
                Memory::bytes<float>(width) + Memory::bytes<float>(workers * work.scratch) +
                Memory::bytes<float>(sums) + Memory::bytes<float>(carried) +
                Memory::bytes<Flag>(flags));
  if (!memory) return NO_MEMORY;
  work.first = memory.take<int64_t>(rows.rows + 1);
  work.chunks = memory.take<Chunk>(work.count);
  float* zeros = memory.take<float>(width);
  work.memory = memory.take<float>(workers * work.scratch);
  scan.sums = memory.take<float>(sums);
  work.carried = memory.take<float>(carried);
  work.ready = memory.take<Flag>(flags);
  if (!summed) scan.sums = nullptr;
  for (int64_t i = 0; i < flags; ++i) new (work.ready + i) Flag(0);
  memset(zeros, 0, static_cast<size_t>(width) * sizeof *zeros);
  for (int k = 0; k < fields; ++k) {
    recurra_field& field = scan.fields[k];
    if (!field.constant) field.constant = zeros;
    if (!field.at) field = {field.constant, 0, zeros};
  }
  cut(rows, size, work);
#pragma omp parallel for num_threads(static_cast<int>(workers)) schedule(static, 1) if (workers > 1)
  for (int64_t i = 0; i < workers; ++i) {
    if (by_chunks) {
      take_chunks(work, work.memory + i * work.scratch);
    } else {
      take_rows(work, work.memory + i * work.scratch);
    }
  }
  if (by_chunks)
    for (int64_t b = 0; b < rows.rows; ++b)
      if (rows.length[b] == 0)
        copy_state(work, pass.end + b * work.state, pass.start + b * work.state);
  sum_gradients(work);
  return OK;
}

}  // namespace recurra
