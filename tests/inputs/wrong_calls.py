"""Calls with something wrong: each is to be a ValueError or a TypeError.

    python -m tests.inputs.wrong_calls --calls 10000 --seed 0 [--library librecurra.so]

Run as a program of its own, since what it looks for may end it. The library may be one that is
built with a sanitizer, which LD_PRELOAD brings in.
"""

import argparse
import random
import traceback
import warnings
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from recurra import tree
from recurra.engines.native import library
from tests.inputs.entries import MAKERS
from tests.inputs.guarded import guarded
from tests.inputs.spoiled import Argument


def _guard(value: Any, slot: int) -> Any:
    """Return a value whose tensors end at a page that no one may touch."""

    def leaf(part: Any, slots: list[int]) -> Any:
        if type(part) is not Tensor or part.layout is not torch.strided or not part.is_cpu:
            return part
        slots.append(0)
        with suppress(TypeError, ValueError):  # a kind of number without a buffer
            return guarded(part, slot + len(slots))
        return part

    slots: list[int] = []
    return tree.map(lambda part: leaf(part, slots), value)


def run(calls: int, seed: int) -> tuple[Counter[str], list[str]]:
    """Return how many wrong calls each entry refused, and what it did not."""
    draw, refused, complaints = random.Random(seed), Counter[str](), list[str]()
    torch.manual_seed(seed)
    names = list(MAKERS)
    while sum(refused.values()) + len(complaints) < calls and len(complaints) < 20:
        name = names[sum(refused.values()) // 20 % len(names)]
        call, arguments = MAKERS[name](draw)
        with torch.set_grad_enabled(draw.random() < 0.5):
            right = {key: argument.value for key, argument in arguments.items()}
            call(**{key: _guard(value, 10 * i) for i, (key, value) in enumerate(right.items())})
            for _ in range(20):
                key, wrong = _spoiled(draw, arguments)
                given = {**right, key: wrong}
                given = {k: _guard(value, 10 * i) for i, (k, value) in enumerate(given.items())}
                try:
                    answer = call(**given)
                except (ValueError, TypeError):
                    refused[name] += 1
                except Exception as error:  # anything else is the fault looked for
                    where = traceback.extract_tb(error.__traceback__)[-1]
                    complaints.append(
                        f"{name}, {key} {_shown(wrong)}: {type(error).__name__} {error}"[:300]
                        + f" at {where.filename}:{where.lineno}"
                    )
                else:
                    complaints.append(f"{name}, {key} {_shown(wrong)}: answered {_shown(answer)}")
    return refused, complaints


def _spoiled(draw: random.Random, arguments: dict[str, Argument]) -> tuple[str, Any]:
    key = draw.choice(list(arguments))
    return key, arguments[key].spoil(draw)


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return f"{type(value).__name__}({', '.join(map(_shown, value))})"
    if isinstance(value, Tensor):
        return f"{list(value.shape)} {value.dtype} {value.device} {value.layout}"
    return repr(value)[:60]


def main() -> None:
    """Run, and print what was not refused."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--library", type=Path)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    if options.library is not None:
        library._find = lambda: options.library.resolve()
    refused, complaints = run(options.calls, options.seed)
    print(f"{sum(refused.values())} wrong calls of {len(refused)} entries were refused")
    print("\n".join(complaints))
    raise SystemExit(bool(complaints))


if __name__ == "__main__":
    main()
