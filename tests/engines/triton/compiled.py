"""Compile the scans for a GPU that is not there; the interpreter takes more than the compiler.

    python -m tests.engines.triton.compiled [CAPABILITY [STEPS]]

Prints a line for each kernel: its name, and the registers and bytes of spilt ones of a thread.
"""

import re
import subprocess
import sys
import tempfile
from typing import Any

import triton
from triton.backends.compiler import GPUTarget
from triton.backends.nvidia.compiler import get_ptxas
from triton.compiler import ASTSource

from recurra.engines.triton import complex, real

LONG = ("words", "lengths")  # pointers to 64 bits
FLOATS = ("constants", "sums")  # pointers to float32, whatever the storage
COUNTS = ("time", "width", "columns", "s0", "s1", "a_line", "b_line", "grad_line")


def kind(name: str, fixed: dict[str, Any], storage: str) -> str:
    """Return the type of an argument."""
    if name in fixed:
        return "constexpr"
    if name in COUNTS:
        return "i32"
    return "*i64" if name in LONG else "*fp32" if name in FLOATS else f"*{storage}"


def build(kernel: Any, capability: int, storage: str, **fixed: Any) -> str:
    """Compile a kernel and return what the assembler says of it."""
    signature = {name: kind(name, fixed, storage) for name in kernel.arg_names}
    source = ASTSource(fn=kernel, signature=signature, constexprs=fixed)
    built = triton.compile(source, GPUTarget("cuda", capability, 32), options={"num_warps": 4})
    with tempfile.NamedTemporaryFile("w", suffix=".ptx") as file:
        file.write(built.asm["ptx"])
        file.flush()
        arch = f"--gpu-name=sm_{capability}" + "a" * (capability == 90)
        told = subprocess.run(
            [get_ptxas(capability).path, "-v", arch, file.name, "-o", "/dev/null"],
            capture_output=True, text=True, check=True,
        ).stderr  # fmt: skip  # a call, and how
    return ", ".join(re.findall(r"\d+ bytes spill stores|\d+ registers", told))


def main(capability: int, chunk: int) -> None:
    """Compile every kernel, in the storage and with the lengths that differ most."""
    for even, storage in ((True, "fp32"), (False, "bf16")):
        sizes = {"RAGGED": not even, "EVEN": even, "CHUNK": chunk, "LANES": 32}
        variants = [(real, {"CELL": c}) for c in ("affine", "mingru", "minlstm", "rglru")]
        variants += [(complex, {"FIXED": fixed}) for fixed in (False, True)]
        for module, variant in variants:
            for kernel in (module.forward, module.backward):
                told = build(kernel, capability, storage, **sizes, **variant)
                name = f"{module.__name__.rpartition('.')[2]}.{kernel.__name__}"
                print(name, *variant.values(), "even" if even else "any", storage, told, sep="\t")


if __name__ == "__main__":
    main(*(int(argument) for argument in (*sys.argv[1:], *(90, 64)[len(sys.argv) - 1 :])))
