"""MLSTM's kernels compile for GPUs that are not here, and fit into their shared memory.

The interpreter knows neither types of a loop's variables nor sizes of memory. Programs are made
for the shape of four heads of 256; ptxas comes with Triton.
"""

import os
import subprocess
import sys
from typing import Any

import pytest
import torch

pytest.importorskip("triton", reason="Triton is for Linux")

SHARED = {80: 163, 86: 99, 90: 227}  # KiB that a program may have, by compute capability


def compile_all(dtype: torch.dtype, capability: int) -> None:
    """Compile what a layer calls, on tensors that no kernel ever sees."""
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    from recurra.engines.triton import mlstm
    from recurra.engines.triton.padded import Padded

    made = {}

    def call(layer: Any, kernel: Any, grid: tuple[int, ...], warps: int, tensors: Any) -> None:
        given = [layer.u, layer.lengths, *tensors, "i32", "i32"]
        signature, constants = {}, {}
        for place, name in enumerate(kernel.arg_names):
            if name.isupper():
                signature[name], constants[place,] = "constexpr", layer.constants[name]
            elif isinstance(given[place], str):
                signature[name] = given[place]
            else:
                kind = str(given[place].dtype).removeprefix("torch.")
                kind = kind.replace("bfloat", "bf").replace("float", "fp").replace("int", "i")
                signature[name] = f"*{kind}"
        aligned = {(place,): [["tt.divisibility", 16]] for place in range(len(given) - 2)}
        source = ASTSource(kernel, signature, constants, aligned)
        options = {"num_warps": warps, "num_stages": 2}
        made[kernel.__name__] = triton.compile(source, GPUTarget("cuda", capability, 32), options)

    mlstm._Layer._call = call
    torch.cuda.get_device_properties = lambda _: type(
        "", (), {"shared_memory_per_block_optin": SHARED[capability] << 10}
    )
    rows = Padded(1, 300, torch.tensor([300]))
    x, from_input = torch.zeros(300, 8), torch.zeros(4104, 8)
    state = torch.zeros(1, 4, 256, 256), torch.zeros(1, 4, 256), torch.zeros(1, 4)
    weights = from_input.to(dtype), torch.zeros(4104, dtype=dtype)
    y, last, kept = mlstm._forward(rows, x.to(dtype), state, weights, True)
    mlstm._backward(rows, x.to(dtype), state, weights, y, kept, y, last)
    assert len(made) == 7
    for name, kernel in made.items():
        assert kernel.metadata.shared <= SHARED[capability] << 10, name
        if dtype != torch.float32 and name in ("attend", "attend_backward"):
            assert ("wgmma" if capability == 90 else "mma.sync") in kernel.asm["ptx"], name


@pytest.mark.slow
@pytest.mark.parametrize("capability", SHARED)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_kernels_compile(dtype: str, capability: int) -> None:
    command = f"compile_all(torch.{dtype}, {capability})"
    done = subprocess.run(
        [sys.executable, "-c", f"from {__name__} import compile_all, torch; {command}"],
        env={name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
