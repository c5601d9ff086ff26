// The C interface of streams: memory, checks, one step through all layers.
#include "stream.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <atomic>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "kernels.h"
#include "status.h"

namespace {

using recurra::any_null;
using recurra::Status;
using recurra::StreamKernels;
using recurra::StreamLayer;
using recurra::StreamRows;

struct Level {
  const StreamKernels* kernels;
  StreamLayer layer;
};

}  // namespace

struct recurra_stream {
  void* memory;
  std::atomic<bool> busy;
  int64_t capacity, levels, expanded_floats, calls, bytes;
  int threads;
  Level* level;
  int64_t *first_rows, *last_call;  // 0, 1, 2 …; the call in which a row was named last
  const float **x, **h;
  float* expanded;  // of each thread
};

namespace {

constexpr int64_t WIDEST = int64_t{1} << 18, DEEPEST = 1 << 10, MOST = int64_t{1} << 31;
constexpr int64_t ALIGNMENT = 64;

// Deals out one piece of memory; dealt out from nowhere, its end is the size that is needed.
struct Dealer {
  uintptr_t next = ALIGNMENT;

  template <class T>
  T* take(int64_t count) {
    T* taken = reinterpret_cast<T*>(next);
    const uintptr_t bytes = static_cast<uintptr_t>(count) * sizeof(T);
    next += (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    return taken;
  }
};

// Weights are read from end to end at every step: with small pages a look-up and a stop at each.
constexpr size_t LARGE_PAGE = size_t{1} << 21;

void ask_for_large_pages([[maybe_unused]] uintptr_t from, [[maybe_unused]] size_t bytes) {
#if defined(__linux__)
  (void)madvise(reinterpret_cast<void*>(from), bytes, MADV_HUGEPAGE);
#endif
}

// Sets all sizes and places; writes nothing to the memory dealt out before `real`.
void lay_out(recurra_stream& stream, const recurra_layer* layers, Dealer& dealer, bool real) {
  const int64_t capacity = stream.capacity;
  Level* levels = dealer.take<Level>(stream.levels);
  if (real) stream.level = levels;
  stream.first_rows = dealer.take<int64_t>(capacity);
  stream.last_call = dealer.take<int64_t>(capacity);
  stream.x = dealer.take<const float*>(capacity);
  stream.h = dealer.take<const float*>(capacity);
  stream.expanded_floats = 0;
  for (int64_t l = 0; l < stream.levels; ++l) {
    const recurra_layer& from = layers[l];
    Level level{&recurra::selected()->streams->of[from.cell][from.format], {}};
    const StreamKernels& kernels = *level.kernels;
    StreamLayer& layer = level.layer;
    layer.inputs = from.inputs, layer.width = from.width;
    layer.panels = (from.width + kernels.columns - 1) / kernels.columns;
    // one line of cache more than whole panels: rows a power of two apart would evict each other
    layer.stride = layer.panels * kernels.columns + ALIGNMENT / sizeof(float);
    const int64_t depth = from.inputs + (kernels.recurrent ? from.width : 0);
    layer.panel_bytes = depth * kernels.depth_bytes;
    layer.panel_vectors = kernels.panel_vectors;
    layer.weights = dealer.take<char>(layer.panels * layer.panel_bytes);
    layer.vectors = dealer.take<float>(layer.panels * layer.panel_vectors);
    layer.now = dealer.take<float*>(capacity);
    layer.next = dealer.take<float*>(capacity);
    float* h = dealer.take<float>(2 * capacity * layer.stride);
    layer.c = dealer.take<float>(kernels.memory ? capacity * layer.stride : 0);
    const int64_t wide = recurra::selected()->streams->of[from.cell][RECURRA_FLOAT32].depth_bytes;
    const int64_t floats = depth * wide / static_cast<int64_t>(sizeof(float));
    if (from.format != RECURRA_FLOAT32 && floats > stream.expanded_floats)
      stream.expanded_floats = floats;
    if (!real) continue;
    levels[l] = level;
    for (int64_t row = 0; row < capacity; ++row) {
      layer.now[row] = h + row * layer.stride;
      layer.next[row] = h + (capacity + row) * layer.stride;
    }
    for (int64_t panel = 0; panel < layer.panels; ++panel)
      kernels.pack(from, panel, layer.weights + panel * layer.panel_bytes,
                   layer.vectors + panel * layer.panel_vectors);
  }
  stream.expanded = dealer.take<float>(stream.threads * stream.expanded_floats);
  if (!real) return;
  for (int64_t row = 0; row < capacity; ++row) stream.first_rows[row] = row;
}

// Returns where `bytes` begin in memory of zeros, which `memory` is set to, or 0.
uintptr_t allocate(uintptr_t bytes, void*& memory) {
  const size_t alignment = bytes < LARGE_PAGE / 4 ? ALIGNMENT : LARGE_PAGE;
  memory = calloc(bytes + alignment, 1);
  if (!memory) return 0;
  const uintptr_t start =
      (reinterpret_cast<uintptr_t>(memory) + alignment - 1) / alignment * alignment;
  if (alignment == LARGE_PAGE) ask_for_large_pages(start, bytes);
  return start;
}

// Moves pointers into a stream's memory by the distance to the copy of it.
struct Mover {
  uintptr_t distance;

  template <class T>
  void operator()(T*& pointer) const {
    pointer = reinterpret_cast<T*>(reinterpret_cast<uintptr_t>(pointer) + distance);
  }
};

bool all_fit(const float* weights, int64_t count, int format) {
  // what rounds to infinity is as bad as infinity
  const float largest = format == RECURRA_FLOAT16 ? 65519.99f : 3.38e38f;
  if (format == RECURRA_FLOAT32) return true;
  for (int64_t i = 0; i < count; ++i)
    if (!(fabsf(weights[i]) <= largest)) return false;
  return true;
}

Status check(const recurra_layer* layers, int64_t count, int64_t capacity, int threads) {
  if (!recurra::selected()) return recurra::NOT_SELECTED;
  if (!layers) return recurra::NULL_POINTER;
  if (count < 1 || count > DEEPEST || capacity < 1 || capacity > MOST || threads < 1 ||
      threads > recurra::MOST_THREADS)
    return recurra::BAD_SIZE;
  for (int64_t l = 0; l < count; ++l) {
    const recurra_layer& layer = layers[l];
    if (layer.cell < 0 || layer.cell >= RECURRA_STREAM_CELLS) return recurra::UNKNOWN_CELL;
    if (layer.format < 0 || layer.format >= RECURRA_FORMATS) return recurra::UNKNOWN_FORMAT;
    if (layer.inputs < 1 || layer.inputs > WIDEST || layer.width < 1 || layer.width > WIDEST)
      return recurra::BAD_SIZE;
    if (l && layer.inputs != layers[l - 1].width) return recurra::BAD_STACK;
    const StreamKernels& kernels = recurra::selected()->streams->of[layer.cell][layer.format];
    if (any_null(layer.from_input, layer.bias)) return recurra::NULL_POINTER;
    if (kernels.recurrent && !layer.from_state) return recurra::NULL_POINTER;
    const bool within = layer.cell == RECURRA_STREAM_GRU || layer.cell == RECURRA_STREAM_INDRNN;
    if (within && !layer.within) return recurra::NULL_POINTER;
    const int64_t lines = kernels.gates * layer.width;
    if (!all_fit(layer.from_input, lines * layer.inputs, layer.format) ||
        (kernels.recurrent && !all_fit(layer.from_state, lines * layer.width, layer.format)))
      return recurra::BAD_WEIGHT;
  }
  return recurra::OK;
}

// Holds the stream for one call, or says that another thread has it.
class Hold {
 public:
  explicit Hold(recurra_stream* stream)
      : stream_(stream->busy.exchange(true, std::memory_order_acquire) ? nullptr : stream) {}
  ~Hold() {
    if (stream_) stream_->busy.store(false, std::memory_order_release);
  }
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;
  explicit operator bool() const { return stream_ != nullptr; }

 private:
  recurra_stream* stream_;
};

Status check_rows(recurra_stream& stream, int64_t count, const int64_t* rows) {
  if (count < 0 || count > stream.capacity) return recurra::BAD_SIZE;
  if (!rows) return recurra::OK;
  const int64_t call = ++stream.calls;
  for (int64_t i = 0; i < count; ++i) {
    if (rows[i] < 0 || rows[i] >= stream.capacity) return recurra::BAD_ROW;
    if (stream.last_call[rows[i]] == call) return recurra::BAD_ROW;
    stream.last_call[rows[i]] = call;
  }
  return recurra::OK;
}

// Columns of one layer for all rows; then what was next is now.
void step_layer(recurra_stream& stream, Level& level, const StreamRows& rows) {
  const int64_t threads = stream.threads < level.layer.panels ? stream.threads : level.layer.panels;
  StreamLayer& layer = level.layer;
  const auto run = [&](int64_t panel, int64_t thread) {
    level.kernels->step(layer, rows, panel, stream.expanded + thread * stream.expanded_floats);
  };
  if (threads == 1) {
    for (int64_t panel = 0; panel < layer.panels; ++panel) run(panel, 0);
  } else {
#pragma omp parallel for num_threads(static_cast<int>(threads)) schedule(static)
    for (int64_t thread = 0; thread < threads; ++thread) {
      const int64_t end = layer.panels * (thread + 1) / threads;
      for (int64_t panel = layer.panels * thread / threads; panel < end; ++panel)
        run(panel, thread);
    }
  }
  for (int64_t i = 0; i < rows.count; ++i) {
    const int64_t row = rows.places[i];
    float* now = layer.now[row];
    layer.now[row] = layer.next[row];
    layer.next[row] = now;
  }
}

Status check_state(recurra_stream& stream, int64_t layer, int64_t count, const int64_t* rows) {
  if (layer < 0 || layer >= stream.levels) return recurra::BAD_SIZE;
  return check_rows(stream, count, rows);
}

void put(float* to, const float* from, size_t bytes) {
  if (from) {
    memcpy(to, from, bytes);
  } else {
    memset(to, 0, bytes);
  }
}

}  // namespace

extern "C" int recurra_stream_open(const recurra_layer* layers, int64_t count, int64_t capacity,
                                   int threads, recurra_stream** stream) {
  if (!stream) return recurra::NULL_POINTER;
  *stream = nullptr;
  if (const auto status = check(layers, count, capacity, threads)) return status;
  recurra_stream sizes{};
  sizes.capacity = capacity, sizes.levels = count, sizes.threads = threads;
  Dealer counter;
  counter.take<recurra_stream>(1);
  lay_out(sizes, layers, counter, false);
  void* memory;
  Dealer dealer;
  dealer.next = allocate(counter.next, memory);
  if (!dealer.next) return recurra::NO_MEMORY;
  recurra_stream* made = new (dealer.take<recurra_stream>(1)) recurra_stream{};
  made->memory = memory, made->bytes = static_cast<int64_t>(counter.next);
  made->capacity = capacity, made->levels = count, made->threads = threads;
  lay_out(*made, layers, dealer, true);
  *stream = made;
  return recurra::OK;
}

extern "C" int recurra_stream_copy(recurra_stream* stream, recurra_stream** copy) {
  if (!copy) return recurra::NULL_POINTER;
  *copy = nullptr;
  if (!stream) return recurra::NULL_POINTER;
  const Hold hold(stream);
  if (!hold) return recurra::BUSY;
  void* memory;
  const uintptr_t start = allocate(static_cast<uintptr_t>(stream->bytes), memory);
  if (!start) return recurra::NO_MEMORY;
  const uintptr_t from = reinterpret_cast<uintptr_t>(stream);
  // all but its head, which is no plain memory; what is dealt out begins behind it
  const uintptr_t head = (sizeof(recurra_stream) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  memcpy(reinterpret_cast<char*>(start + head), reinterpret_cast<const char*>(from + head),
         static_cast<size_t>(stream->bytes) - ALIGNMENT - head);
  recurra_stream* made = new (reinterpret_cast<void*>(start)) recurra_stream{};
  made->memory = memory, made->bytes = stream->bytes;
  made->capacity = stream->capacity, made->levels = stream->levels;
  made->expanded_floats = stream->expanded_floats, made->calls = stream->calls;
  made->threads = stream->threads;
  made->level = stream->level;
  made->first_rows = stream->first_rows, made->last_call = stream->last_call;
  made->x = stream->x, made->h = stream->h, made->expanded = stream->expanded;
  const Mover move{start - from};
  move(made->level), move(made->first_rows), move(made->last_call);
  move(made->x), move(made->h), move(made->expanded);
  for (int64_t l = 0; l < made->levels; ++l) {
    StreamLayer& layer = made->level[l].layer;
    move(layer.weights), move(layer.vectors), move(layer.now), move(layer.next), move(layer.c);
    for (int64_t row = 0; row < made->capacity; ++row) move(layer.now[row]), move(layer.next[row]);
  }
  *copy = made;
  return recurra::OK;
}

extern "C" void recurra_stream_close(recurra_stream* stream) {
  if (stream) free(stream->memory);
}

extern "C" int recurra_stream_step(recurra_stream* stream, const recurra_frames* frames,
                                   const float* x, float* y) {
  if (!stream || !frames || (frames->count > 0 && any_null(x, y))) return recurra::NULL_POINTER;
  const Hold hold(stream);
  if (!hold) return recurra::BUSY;
  const int64_t count = frames->count, x_stride = frames->x_stride, y_stride = frames->y_stride;
  if (const auto status = check_rows(*stream, count, frames->rows)) return status;
  const int64_t width = stream->level[stream->levels - 1].layer.width;
  if (count > 1 && (x_stride < 0 || y_stride < width)) return recurra::BAD_SIZE;
  if (count == 0) return recurra::OK;
  const int64_t* places = frames->rows ? frames->rows : stream->first_rows;
  for (int64_t i = 0; i < count; ++i) stream->x[i] = x + i * x_stride;
  for (int64_t l = 0; l < stream->levels; ++l) {
    Level& level = stream->level[l];
    for (int64_t i = 0; i < count; ++i) stream->h[i] = level.layer.now[places[i]];
    step_layer(*stream, level, {count, places, stream->x, stream->h});
    for (int64_t i = 0; i < count; ++i) stream->x[i] = level.layer.now[places[i]];
  }
  for (int64_t i = 0; i < count; ++i)
    memcpy(y + i * y_stride, stream->x[i], static_cast<size_t>(width) * sizeof *y);
  return recurra::OK;
}

extern "C" int recurra_stream_read(recurra_stream* stream, int64_t layer, int64_t count,
                                   const int64_t* rows, float* h, float* c) {
  if (!stream) return recurra::NULL_POINTER;
  const Hold hold(stream);
  if (!hold) return recurra::BUSY;
  if (const auto status = check_state(*stream, layer, count, rows)) return status;
  const Level& level = stream->level[layer];
  if (count > 0 && (!h || (level.kernels->memory && !c))) return recurra::NULL_POINTER;
  const int64_t width = level.layer.width;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t row = rows ? rows[i] : i;
    memcpy(h + i * width, level.layer.now[row], static_cast<size_t>(width) * sizeof *h);
    if (level.kernels->memory)
      memcpy(c + i * width, level.layer.c + row * level.layer.stride,
             static_cast<size_t>(width) * sizeof *c);
  }
  return recurra::OK;
}

extern "C" int recurra_stream_write(recurra_stream* stream, int64_t layer, int64_t count,
                                    const int64_t* rows, const float* h, const float* c) {
  if (!stream) return recurra::NULL_POINTER;
  const Hold hold(stream);
  if (!hold) return recurra::BUSY;
  if (const auto status = check_state(*stream, layer, count, rows)) return status;
  const Level& level = stream->level[layer];
  if (count > 0 && h && level.kernels->memory && !c) return recurra::NULL_POINTER;
  const size_t bytes = static_cast<size_t>(level.layer.width) * sizeof *h;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t row = rows ? rows[i] : i, from = i * level.layer.width;
    put(level.layer.now[row], h ? h + from : nullptr, bytes);
    if (level.kernels->memory)
      put(level.layer.c + row * level.layer.stride, h ? c + from : nullptr, bytes);
  }
  return recurra::OK;
}
