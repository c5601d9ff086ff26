// AMX's tile instructions in plain C++, after Intel's Software Developer's Manual, volume 2: what the
// kernels do with tiles is tested where there are none. What would be an exception ends the program.
#pragma once

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

namespace {

struct EmulatedTiles {
  uint8_t shapes[64];  // palette, start row, 14 unused, bytes of a row (16 bits) and rows of 16 tiles
  uint8_t data[8][16][64];

  int rows(int tile) const { return shapes[48 + tile]; }
  int bytes(int tile) const { return shapes[16 + 2 * tile] | shapes[17 + 2 * tile] << 8; }
  bool configured() const { return shapes[0] == 1; }
  void need(bool condition) const {
    if (!condition || !configured()) abort();
  }
};

thread_local EmulatedTiles emulated{};

inline void RECURRA_TILE_SHAPES(const void* from) {
  memcpy(emulated.shapes, from, sizeof emulated.shapes);
  memset(emulated.data, 0, sizeof emulated.data);
  for (int tile = 0; tile < 8; ++tile)
    emulated.need(emulated.rows(tile) <= 16 && emulated.bytes(tile) <= 64);
}

inline void RECURRA_TILE_RELEASE() { memset(&emulated, 0, sizeof emulated); }

inline void RECURRA_TILE_ZERO(int tile) {
  emulated.need(emulated.rows(tile) > 0);
  memset(emulated.data[tile], 0, sizeof emulated.data[tile]);
}

inline void RECURRA_TILE_LOAD(int tile, const void* from, size_t stride) {
  RECURRA_TILE_ZERO(tile);
  for (int row = 0; row < emulated.rows(tile); ++row)
    memcpy(emulated.data[tile][row], static_cast<const char*>(from) + row * stride,
           static_cast<size_t>(emulated.bytes(tile)));
}

inline void RECURRA_TILE_STORE(int tile, void* to, size_t stride) {
  emulated.need(emulated.rows(tile) > 0);
  for (int row = 0; row < emulated.rows(tile); ++row)
    memcpy(static_cast<char*>(to) + row * stride, emulated.data[tile][row],
           static_cast<size_t>(emulated.bytes(tile)));
}

// TDPBF16PS
inline void RECURRA_TILE_MULTIPLY(int sums, int rows, int weights) {
  const int pairs = emulated.bytes(rows) / 4;
  emulated.need(emulated.rows(sums) > 0 && emulated.rows(sums) == emulated.rows(rows) &&
                emulated.bytes(sums) == emulated.bytes(weights) &&
                emulated.rows(weights) == pairs);
  const auto value = [](const uint8_t* at) {
    const uint32_t bits = static_cast<uint32_t>(at[0] | at[1] << 8) << 16;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
  };
  for (int m = 0; m < emulated.rows(sums); ++m) {
    for (int k = 0; k < pairs; ++k) {
      for (int n = 0; n < emulated.bytes(sums) / 4; ++n) {
        float sum;
        memcpy(&sum, &emulated.data[sums][m][4 * n], sizeof sum);
        for (int half = 0; half < 4; half += 2)
          sum += value(&emulated.data[rows][m][4 * k + half]) *
                 value(&emulated.data[weights][k][4 * n + half]);
        memcpy(&emulated.data[sums][m][4 * n], &sum, sizeof sum);
      }
    }
  }
}

}  // namespace
