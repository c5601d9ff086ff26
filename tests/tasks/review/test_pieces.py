"""Pieces whose losses are known: the long count for more."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from recurra.reports import page
from recurra.tasks.review import of_pieces
from recurra.topologies.loss import Loss
from tests.reports.reading import read, table


class Known(nn.Module):
    """Its loss of a piece is the piece's number at each step."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def loss(self, batch: tuple[torch.Tensor, ...]) -> Loss:
        (y,) = batch
        return Loss(y.float().sum(), torch.tensor(float(y.numel())))


CODEC: Any = SimpleNamespace(
    encode=lambda row: (row.y, row.y), collate=lambda items: (torch.stack([y for _, y in items]),)
)


def pieces(*steps: tuple[int, int]) -> list[Any]:
    """Return pieces of (steps, loss of each)."""
    made = [torch.full((count,), loss) for count, loss in steps]
    return [SimpleNamespace(y=y, where=f"p{i} <b>") for i, y in enumerate(made)]


@pytest.mark.unchecked("the codec is a stand-in")
def test_a_bucket_s_loss_is_that_of_its_steps():
    rows = pieces(*[(i + 1, i % 3) for i in range(20)])
    text = page("p", of_pieces(Known(), CODEC, rows, "steps"))
    found = {name: float(cells["nll"]) for name, cells in table(text, "By length").items()}
    assert len(found) == 5
    for name, nll in found.items():
        low, high = map(int, name.split(" – "))
        total = sum(size * ((size - 1) % 3) for size in range(low, high + 1))
        assert nll == pytest.approx(total / sum(range(low, high + 1)), abs=1e-4)
    _, *lines = read(text).tables["Least expected pieces"][0]
    assert [line[2] for line in lines] == ["2.0000"] * 6 + ["1.0000"] * 7 + ["0.0000"] * 7
    assert lines[0][:2] == ["p2 <b>", "3"]


@pytest.mark.unchecked("the codec is a stand-in")
def test_of_very_many_pieces_the_first_are_gone_through():
    text = page("p", of_pieces(Known(), CODEC, pieces(*[(2, 1)] * 300), "steps"))
    assert "of the first 200 pieces" in text
    assert "The first 30 of 200." in text
    assert of_pieces(Known(), CODEC, [], "steps")
