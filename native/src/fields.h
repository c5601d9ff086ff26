// What the steps of a scan are made of, line by line.
#pragma once

#include "kernels.h"
#include "line.h"
#include "number.h"

namespace {

using recurra::Chunk;
using recurra::Scan;

// One step: h after = decay h before + inject.
template <int parts>
struct Step {
  Number<parts> decay, inject;
};

RECURRA_INLINE int64_t line_at(const Scan& scan, int64_t row, int64_t t) {
  return scan.rows->offset[row] + t * scan.rows->stride;
}

// The fields of one line, of a cell that is arithmetic alone: Cell::step(values) makes a step of
// them; Cell::back(values, g, h before, gradients) writes their gradients and returns decay.
template <class Cell>
struct Fields {
  const float* at[Cell::fields];
  const float* constant[Cell::fields];

  RECURRA_INLINE Fields(const Scan& scan, int64_t line) {
    for (int k = 0; k < Cell::fields; ++k) {
      at[k] = scan.fields[k].at + line * scan.fields[k].stride;
      constant[k] = scan.fields[k].constant;
    }
  }

  template <class Lane>
  RECURRA_INLINE void get(int64_t c, Lane lane, Vec* values) const {
    for (int k = 0; k < Cell::fields; ++k)
      values[k] = Cell::biased ? lane.get(at[k] + c) + lane.get(constant[k] + c) : lane.get(at[k] + c);
  }

  template <class Lane>
  RECURRA_INLINE Step<Cell::parts> step(int64_t c, Lane lane) const {
    Vec values[Cell::fields];
    get(c, lane, values);
    return Cell::step(values);
  }

  template <class Lane>
  RECURRA_INLINE Number<Cell::parts> back(int64_t c, Lane lane, Number<Cell::parts> g,
                                          Number<Cell::parts> before, Vec* gradients) const {
    Vec values[Cell::fields];
    get(c, lane, values);
    return Cell::back(values, g, before, gradients);
  }
};

}  // namespace
