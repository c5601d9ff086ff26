"""Every cell × engine that takes it × dtype × law; on a GPU where there is one."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from recurra import tree
from recurra.cells import CELLS, Cell, LinearCell
from recurra.engines import PREFERENCE, unroll
from recurra.testing import LAWS, STEP_LAWS, Law

DTYPES = {"float32": torch.float32, "float64": torch.float64, "bfloat16": torch.bfloat16}


DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def combinations() -> Iterator[Any]:
    for kind in CELLS:
        cell = kind(3, 5).to(DEVICE)
        linear = isinstance(cell, LinearCell)
        for name, dtype in DTYPES.items():
            x = torch.zeros(1, 1, 3, dtype=dtype, device=DEVICE)
            engines = [engine.name for engine in PREFERENCE if engine.refuse(cell, x) is None]
            for law in LAWS:
                if law in STEP_LAWS and name == "bfloat16":
                    continue  # a step says nothing about number formats that float32 has not said
                for engine in ["loop"] if law in STEP_LAWS else engines:
                    text = f"{kind.__name__}-{engine}-{name}-{law.__name__.removeprefix('law_')}"
                    # Triton's interpreter takes 10 ms for a step
                    interpreted = engine == "triton" and DEVICE == "cpu"
                    late = interpreted and name == "bfloat16" and not linear
                    marks = [pytest.mark.slow] if late else []
                    yield pytest.param(kind, engine, dtype, law, id=text, marks=marks)


@pytest.mark.parametrize(("kind", "engine", "dtype", "law"), list(combinations()))
def test_law(kind: Callable[..., Cell[Any]], engine: str, dtype: torch.dtype, law: Law) -> None:
    torch.manual_seed(0)
    law(kind(3, 5).to(DEVICE), engine, dtype)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(data=st.data())
def test_engines_agree_at_any_size(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(CELLS), label="cell")
    inputs, hidden = (data.draw(st.integers(1, 6), label=name) for name in ("input", "hidden"))
    batch, time = data.draw(st.integers(1, 4), label="batch"), data.draw(st.integers(0, 300))
    lengths = data.draw(
        st.none() | st.lists(st.integers(0, time), min_size=batch, max_size=batch), label="lengths"
    )
    torch.manual_seed(data.draw(st.integers(0, 9), label="seed"))
    cell = kind(inputs, hidden).to(DEVICE, torch.float64)
    x = torch.randn(batch, time, inputs).to(DEVICE, torch.float64)
    left = None if lengths is None else torch.tensor(lengths)
    with torch.no_grad():
        expected = unroll(cell, x, lengths=left, engine="loop")
        for engine in PREFERENCE:
            if engine.refuse(cell, x) is None:
                got = unroll(cell, x, lengths=left, engine=engine.name)
                for one, other in zip(tree.leaves(got), tree.leaves(expected), strict=True):
                    torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)
