"""MLSTM on a GPU: one matrix product, then attention within chunks and a state between them."""

import math
from typing import Any, NamedTuple

import torch
import triton
import triton.language as tl
from torch import Tensor, nn

from recurra.cells.base import Cell
from recurra.engines.fused import Fused, Tensors
from recurra.engines.scan import SCAN
from recurra.engines.triton import interpreted
from recurra.engines.triton.mlstm_chunks import attend, attend_backward, divide
from recurra.engines.triton.mlstm_gates import gate_gradients, sum_gates
from recurra.engines.triton.mlstm_states import move_gradients, move_states
from recurra.engines.triton.padded import Padded

WIDE = 160 << 10  # bytes of shared memory from which on chunks of 128 steps fit
# steps whose gates' gradients are made at once; the interpreter takes one after the other
SPAN = 32 if interpreted() else 1024


class Plan(NamedTuple):
    """Steps of a chunk, columns of a block, warps of a chunk's program, and how it multiplies.

    Operands are rounded to `short`, kept so between chunks, and multiplied as `operand`.
    float16 is multiplied as TF32, which has as many digits, since C, 1 / max(|nᵀ q|, e^-m) and
    gradients may be larger than it can hold. float32 keeps all of its digits.
    """

    chunk: int
    block: int
    warps: int
    short: torch.dtype
    operand: torch.dtype
    precision: str


def plan(u: Tensor) -> Plan:
    """Return how numbers of this type are computed on this device."""
    if interpreted():
        # it would multiply bfloat16 as if its bits were whole numbers
        short = torch.bfloat16 if u.dtype == torch.bfloat16 else torch.float32
        return Plan(32, 16, 4, short, torch.float32, "ieee")
    if u.dtype == torch.float32:
        return Plan(32, 32, 4, torch.float32, torch.float32, "ieee")
    if u.dtype == torch.float16:
        return Plan(64, 32, 4, torch.float32, torch.float32, "tf32")
    properties: Any = torch.cuda.get_device_properties(u.device)
    if properties.shared_memory_per_block_optin < WIDE:
        return Plan(64, 64, 4, torch.bfloat16, torch.bfloat16, "ieee")
    return Plan(128, 64, 8, torch.bfloat16, torch.bfloat16, "ieee")


class _Layer:
    """The sizes of a layer, and what its kernels are called with beside tensors of their own."""

    def __init__(self, rows: Padded, u: Tensor, state: Tensors) -> None:
        batch, heads, size = state[1].shape
        self.plan = plan(u)
        self.u, self.time, self.size, self.owners = u, rows.time, size, batch * heads
        self.chunks = triton.cdiv(self.time, self.plan.chunk)
        block = min(self.plan.block, max(16, triton.next_power_of_2(size)))
        self.tiles = triton.cdiv(size, block) ** 2
        self.lengths = u if rows.lengths is None else rows.lengths  # u is not read as lengths
        self.constants = {
            "WIDTH": heads * size,
            "HEADS": heads,
            "SIZE": size,
            "FACTOR": 1 / math.sqrt(size),
            "RAGGED": rows.lengths is not None,
            "CHUNK": self.plan.chunk,
            "BLOCK": block,
            "TILES": triton.next_power_of_2(self.tiles),
            "SHORT": _NAMES[self.plan.short],
            "OPERAND": _NAMES[self.plan.operand],
            "PRECISION": self.plan.precision,
            "SPAN": SPAN,
        }

    def steps(self, *sizes: int, dtype: torch.dtype = torch.float32) -> Tensor:
        """Return memory for numbers of each step of each head, whole chunks of them."""
        return self.u.new_empty([*sizes, self.owners, self.chunks * self.plan.chunk], dtype=dtype)

    def chunked(self, *sizes: int, more: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
        """Return memory for numbers of each chunk of each head, and of `more` chunks."""
        return self.u.new_empty([self.owners, self.chunks + more, *sizes], dtype=dtype)

    def of_heads(self, kernel: Any, *tensors: Tensor) -> None:
        """Run a kernel that goes over the steps of a head."""
        self._call(kernel, (self.owners,), 8, tensors)

    def of_tiles(self, kernel: Any, *tensors: Tensor) -> None:
        """Run a kernel that goes over the chunks of a head, with a part of its matrix."""
        self._call(kernel, (self.owners, self.tiles), 4, tensors)

    def of_chunks(self, kernel: Any, *tensors: Tensor) -> None:
        """Run a kernel on all chunks of all heads at once."""
        self._call(kernel, (self.owners * self.chunks,), self.plan.warps, tensors)

    def _call(self, kernel: Any, grid: tuple[int, ...], warps: int, tensors: Tensors) -> None:
        named = {name: self.constants[name] for name in kernel.arg_names if name.isupper()}
        sizes = self.time, self.chunks
        # more than two stages of loads would not fit beside a chunk of 128 steps
        options = {"num_warps": warps, "num_stages": 2}
        kernel[grid](self.u, self.lengths, *tensors, *sizes, **named, **options)


def _forward(
    rows: Padded, x: Tensor, state: Tensors, weights: Tensors, keep: bool
) -> tuple[Tensor, Tensors, Tensors]:
    u = nn.functional.linear(x, *weights)  # in 16 bits where autocast asks for them
    layer = _Layer(rows, u, state)
    size, short = layer.size, layer.plan.short
    gates = layer.steps(3, dtype=torch.float64)
    layer.of_chunks(sum_gates, *gates)
    states = layer.chunked(size, size, more=1, dtype=short)
    vectors, exponents = layer.chunked(size, more=1), layer.chunked(more=1, dtype=torch.float64)
    last = tuple(torch.empty_like(leaf) for leaf in state)
    layer.of_tiles(move_states, *gates, *state, states, vectors, exponents, *last)
    y = x.new_empty(len(x), size * state[1].shape[1], dtype=state[0].dtype)
    reads = layer.steps()
    layer.of_chunks(attend, *gates, states, vectors, exponents, y, reads)
    return y, last, (u, gates, states, vectors, exponents, reads) if keep else ()


def _backward(
    rows: Padded,
    x: Tensor,
    state: Tensors,
    weights: Tensors,
    y: Tensor,
    kept: Tensors,
    grad_y: Tensor,
    grad_last: Tensors,
) -> tuple[Tensor, Tensors, Tensors]:
    u, (decays, peaks, added), states, vectors, exponents, reads = kept
    layer = _Layer(rows, u, state)
    size, short = layer.size, layer.plan.short
    grad_u = torch.empty_like(u)
    grad_sums, grad_reads = torch.empty_like(y, dtype=short), layer.steps()
    through_m, through_state, through_keys = layer.steps(3)
    layer.of_chunks(
        divide, decays, peaks, exponents, reads, y, grad_y,
        grad_u, grad_sums, grad_reads, through_m,
    )  # fmt: skip  # inputs and outputs
    grad_states, grad_vectors = layer.chunked(size, size, dtype=short), layer.chunked(size)
    products = layer.chunked(layer.tiles, more=1)
    grad_state = tuple(torch.empty_like(leaf) for leaf in state)
    layer.of_tiles(
        move_gradients, peaks, states, vectors, exponents, grad_sums, grad_reads, *grad_last[:2],
        grad_states, grad_vectors, products, *grad_state[:2],
    )  # fmt: skip  # as above
    layer.of_chunks(
        attend_backward, peaks, added, states, vectors, exponents, grad_sums, grad_reads,
        grad_states, grad_vectors, products, grad_u, through_state, through_keys,
    )  # fmt: skip  # as above
    layer.of_heads(
        gate_gradients, decays, peaks, exponents, through_state, through_keys, through_m,
        grad_last[2], grad_u, grad_state[2],
    )  # fmt: skip  # as above
    from_input, bias = weights
    grad_x = (grad_u @ from_input.to(u.dtype)).to(x.dtype)
    grad_weight = (grad_u.T @ x.to(u.dtype)).to(from_input.dtype)
    return grad_x, grad_state, (grad_weight, grad_u.sum(0, dtype=bias.dtype))


_NAMES = {torch.float32: tl.float32, torch.bfloat16: tl.bfloat16}

MLSTM_KERNELS = Fused(("from_input", "bias"), _forward, _backward, SCAN)


def fused(cell: Cell[Any]) -> Fused:
    """Return the kernels."""
    return MLSTM_KERNELS
