import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from recurra import tree


def affine(matrix, x, bias=None):
    zero = [0.0] * len(matrix)
    return [
        b + sum(w * value for w, value in zip(row, x, strict=True))
        for row, b in zip(matrix, bias or zero, strict=True)
    ]


def parts(values, count):
    size = len(values) // count
    return [values[i * size : (i + 1) * size] for i in range(count)]


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.fixture
def scalar():
    """Naive arithmetic on lists of Python floats."""
    return SimpleNamespace(affine=affine, parts=parts, sigmoid=lambda a: 1 / (1 + math.exp(-a)))


@pytest.fixture
def agrees_with_paper() -> Callable[..., None]:
    """Return a check that a cell, with random weights, is what `paper` says over several steps.

    paper(weights, x, state) → (output, state) for one row, all as lists of floats; `seen` turns
    the cell's state into the paper's.
    """

    def check(cell, paper, state: Any, seen: Callable[[Any], Any] = lambda state: state) -> None:
        cell = cell.double()
        with torch.no_grad():
            for weight in cell.parameters():  # no bias is to stay zero
                weight.add_(0.3 * torch.randn_like(weight))
        weights = {name: weight.tolist() for name, weight in cell.named_parameters()}
        inputs = torch.randn(6, 2, cell.input_size, dtype=torch.float64)
        expected = [
            tree.map(lambda part, row=row: part[row].tolist(), seen(state)) for row in (0, 1)
        ]
        for x in inputs:
            y, state = cell(x, state)
            for row in (0, 1):
                output, expected[row] = paper(weights, x[row].tolist(), expected[row])
                close(y[row], output)
                for part, wanted in zip(seen(state), expected[row], strict=True):
                    close(part[row], wanted)

    return check


def close(received, wanted):
    wanted = torch.tensor(wanted, dtype=torch.float64)
    torch.testing.assert_close(received.detach(), wanted, rtol=1e-10, atol=1e-10)


@pytest.fixture
def agrees_with_torch() -> Callable[..., None]:
    """Return a check that a cell is a `torch.nn` layer: values, and all gradients.

    `pairs` names, for each weight of the layer, what it is made of in the cell.
    """

    def check(cell, layer, state, layer_state, pairs: Callable[[Any], dict[str, Any]]) -> None:
        cell, layer = cell.double(), layer.double()
        with torch.no_grad():
            for weight in cell.parameters():
                weight.add_(0.3 * torch.randn_like(weight))
        x = torch.randn(3, 6, cell.input_size, dtype=torch.float64, requires_grad=True)
        weights = pairs(cell)
        wanted, _ = torch.func.functional_call(layer, weights, (x, layer_state))
        received = []
        for step in x.unbind(1):
            y, state = cell(step, state)
            received.append(y)
        outputs = torch.stack(received, dim=1)
        torch.testing.assert_close(outputs, wanted, rtol=1e-10, atol=1e-10)
        toward = torch.randn_like(wanted)
        leaves = [x, *cell.parameters()]
        gradients = torch.autograd.grad(outputs, leaves, toward)
        torch.testing.assert_close(
            gradients, torch.autograd.grad(wanted, leaves, toward), rtol=1e-10, atol=1e-10
        )

    return check
