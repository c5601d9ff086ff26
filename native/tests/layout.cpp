#include "layout.h"

Layout draw_layout(Random& random, int64_t batch, int64_t time) {
  Layout layout{};
  layout.offset.resize(batch), layout.length.resize(batch);
  const bool ragged = random.one_in(2);
  for (int64_t& length : layout.length) length = ragged ? random.whole(0, time) : time;
  if (batch && ragged) layout.length[random.whole(0, batch - 1)] = time;
  const int64_t before = random.one_in(3) ? random.whole(0, 3) : 0;  // lines that belong to no row
  const int64_t behind = random.one_in(3) ? random.whole(0, 3) : 0;
  const int64_t kind = random.whole(0, 2);
  int64_t lines = 0;
  if (kind == 0) {  // one row after the other, each as long as it is or all as long as the longest
    layout.stride = random.one_in(4) ? 2 : 1;
    const bool padded = random.one_in(2);
    for (int64_t b = 0; b < batch; ++b) {
      layout.offset[b] = lines;
      lines += (padded ? time : layout.length[b]) * layout.stride;
    }
  } else {  // one step of all rows after the other, the rows in order or, here and there, with gaps
    layout.stride = batch + (kind == 2 ? random.whole(0, 2) : 0);
    for (int64_t b = 0; b < batch; ++b) layout.offset[b] = b;
    lines = layout.stride * time;
  }
  const bool reversed = random.one_in(3);
  for (int64_t b = 0; b < batch; ++b) {
    layout.offset[b] += before;
    if (reversed && layout.length[b]) layout.offset[b] += (layout.length[b] - 1) * layout.stride;
    // a row without steps may lie anywhere
    if (!layout.length[b]) layout.offset[b] = static_cast<int64_t>(random.bits());
  }
  if (reversed) layout.stride = -layout.stride;
  layout.lines = before + lines + behind;
  return layout;
}
