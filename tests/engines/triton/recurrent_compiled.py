"""Compiles recurrent kernels for an H100, which needs none: what the interpreter takes, may not.

    python -m tests.engines.triton.recurrent_compiled CELL ...

Prints, for each kernel that a training step of the cell launches, its name, the bytes of shared
memory, and the registers of a thread that had no place. Not in the interpreter.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
import triton
from torch import Tensor
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from recurra.cells import GRU, LSTM, SLSTM, Elman, IndRNN
from recurra.engines.fused import run_fused
from recurra.engines.triton import indrnn, launch, recurrent
from recurra.engines.triton.padded import Padded
from recurra.engines.triton.plan import Chip

CELLS = {kind.__name__: kind for kind in (Elman, GRU, IndRNN, LSTM, SLSTM)}
OPTIONS = ("num_warps", "num_stages", "launch_cooperative_grid")
TYPES = {
    torch.float32: "*fp32",
    torch.bfloat16: "*bf16",
    torch.int32: "*i32",
    torch.int64: "*i64",
}


class Compiled:
    """A kernel that is compiled for what it is called with, and computes nothing."""

    def __init__(self, kernel: Any) -> None:
        self.kernel = kernel

    def __getitem__(self, grid: tuple[int, ...]) -> Any:
        return self._compile

    def _compile(self, *args: Any, **kwargs: Any) -> None:
        kwargs |= {"WIDE": False} if "WIDE" in kwargs else {}  # that is for the interpreter
        options = {name: kwargs.pop(name) for name in OPTIONS if name in kwargs}
        given = dict(zip(self.kernel.arg_names, args, strict=False))
        kinds = {name: TYPES[x.dtype] for name, x in given.items() if isinstance(x, Tensor)}
        kinds |= {name: "i32" for name, x in given.items() if isinstance(x, int)}
        constants = kwargs | {name: None for name, x in given.items() if x is None}
        aligned = {
            (place,): [["tt.divisibility", 16]]
            for place, name in enumerate(self.kernel.arg_names)
            if kinds.get(name, "").startswith("*")
        }
        source = ASTSource(
            fn=self.kernel,
            signature=kinds | dict.fromkeys(constants, "constexpr"),
            constexprs=constants,
            attrs=aligned,
        )
        target = GPUTarget("cuda", 90, 32)
        made = triton.compile(source, target=target, options=options)
        print(self.kernel.__name__, made.metadata.shared, _spilled(made.asm["cubin"]))


def _spilled(cubin: bytes) -> int:
    tool = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "cuobjdump"
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(cubin)
        file.flush()
        told = subprocess.run(
            [tool, "-res-usage", file.name], capture_output=True, text=True, check=True
        ).stdout
    found = re.search(r"STACK:(\d+)", told)
    assert found is not None, told
    return int(found[1]) // 4


def main(names: list[str]) -> None:
    launch.chip = lambda _: Chip(132, 227 * 1024)
    for module in (recurrent, indrnn):
        module.forward, module.backward = Compiled(module.forward), Compiled(module.backward)
    for name in names:
        for dtype in (torch.float32, torch.bfloat16):
            cell = CELLS[name](32, 512).to(dtype)
            rows, x = Padded(32, 2, torch.full([32], 2)), torch.zeros(64, 32, dtype=dtype)
            module = indrnn if name == "IndRNN" else recurrent
            y, _ = run_fused(module.fused(cell), cell, rows, x, cell.initial_state(32))
            y.sum().backward()


if __name__ == "__main__":
    main(sys.argv[1:])
