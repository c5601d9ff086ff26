/** Tensors as plain values: `type` and `data` as ONNX Runtime has them, `dims`. */

const ARRAYS = { float32: Float32Array, int64: BigInt64Array, bool: Uint8Array };

/** Return whole numbers as a tensor. */
export function integers(values, dims) {
  return { type: "int64", data: BigInt64Array.from(values, BigInt), dims };
}

/** Return real numbers as a tensor. */
export function reals(values, dims) {
  return { type: "float32", data: Float32Array.from(values), dims };
}

/** Return so many rows of the value that an input begins with: one number, or those of a row. */
export function begun(value, rows) {
  const dims = [rows, ...value.sizes.slice(1)], size = dims.reduce((a, b) => a * b, 1);
  const row = Array.isArray(value.initial) ? value.initial.flat(Infinity) : [value.initial];
  const data = new ARRAYS[value.type](size);
  const as = value.type === "int64" ? BigInt : Number;
  for (let i = 0; i < size; i++) data[i] = as(row[i % row.length]);
  return { type: value.type, data, dims };
}

/** Return these rows of a tensor. */
export function rows({ type, data, dims }, picks) {
  const size = data.length / dims[0];
  const found = new data.constructor(picks.length * size);
  picks.forEach((pick, i) => found.set(data.subarray(pick * size, (pick + 1) * size), i * size));
  return { type, data: found, dims: [picks.length, ...dims.slice(1)] };
}
