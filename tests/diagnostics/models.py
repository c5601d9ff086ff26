"""Small models of anybody's, for the tests of a diagnosis."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss


class Last(nn.Module):
    """A module of `torch.nn` over a sequence, and a head on its last output."""

    def __init__(self, rnn: nn.Module, width: int) -> None:
        super().__init__()
        self.rnn, self.head = rnn, nn.Linear(width, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.rnn(x)[0][:, -1])


class Loop(nn.Module):
    """A cell in a loop of one's own; it may keep what passed."""

    def __init__(self, cell: nn.Module, width: int) -> None:
        super().__init__()
        self.cell, self.head = cell, nn.Linear(width, 2)
        self.kept: list[Tensor] | None = None

    def forward(self, x: Tensor) -> Tensor:
        state: Any = None
        for t in range(x.shape[1]):
            state = self.cell(x[:, t], state)
            if self.kept is not None:
                self.kept.append(state[0] if isinstance(state, tuple) else state)
        return self.head(state[0] if isinstance(state, tuple) else state)


def loss(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    return mse_loss(model(batch[0]), batch[1])


def batch(rows: int = 3, steps: int = 12, size: int = 4, dtype: Any = torch.float32) -> Any:
    random = torch.Generator().manual_seed(2)
    x = torch.randn(rows, steps, size, generator=random, dtype=dtype)
    return x, torch.randn(rows, 2, generator=random, dtype=dtype)


def same(cell: nn.Module, rnn: nn.Module) -> None:
    """Give a cell the weights of a module of one depth."""
    for name, weight in cell.named_parameters():
        weight.data.copy_(dict(rnn.named_parameters())[f"{name}_l0"].data)
