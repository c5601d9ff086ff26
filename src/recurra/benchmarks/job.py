"""What every contender does: unroll one cell over one batch, and train it where that is asked."""

import copy
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from recurra.cells.base import Cell, LinearCell
from recurra.engines import choose, unroll
from recurra.layers import Recurrent

NEAR = 4e-6  # several times what float32 loses in a projection of some hundred products


class Job(NamedTuple):
    """Outputs y of x; with `grad`, the gradients of (grad · y) for x and the weights too.

    Args:
        cell: the weights that every contender takes.
        x: the input.
        grad: the gradient at the outputs, zero beyond lengths; None: no backward pass.
        lengths: valid steps of each row; None: all.
    """

    cell: Cell[Any]
    x: Float[Tensor, "batch time input"]
    grad: Float[Tensor, "batch time output"] | None
    lengths: Int[Tensor, "batch"] | None = None

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Return batch, time, input, hidden."""
        batch, steps, inputs = self.x.shape
        return batch, steps, inputs, self.cell.output_size

    def cut(self, batch: int, steps: int) -> "Job":
        """Return the job on the first rows and steps."""
        grad = None if self.grad is None else self.grad[:batch, :steps].contiguous()
        lengths = None if self.lengths is None else self.lengths[:batch].clamp(max=steps)
        x = self.x.detach()[:batch, :steps].contiguous().requires_grad_(self.x.requires_grad)
        return Job(self.cell, x, grad, lengths)

    def engine(self) -> str:
        """Return the name of the engine that recurra chooses."""
        with torch.set_grad_enabled(self.grad is not None):
            return choose(self.cell, self.x).name


class Entry(NamedTuple):
    """A contender at the start.

    Args:
        run: does the job once; returns arrays of any library.
        names: of the arrays that are compared: y, x (its gradient), weights (theirs).
    """

    run: Callable[[], Sequence[Any]]
    names: Sequence[str]


Contender = Callable[[Job], Entry]


def prepare(
    kind: Callable[[int, int], Cell[Any]],
    shape: Sequence[int],
    *,
    train: bool = True,
    lengths: Tensor | None = None,
) -> Job:
    """Return a job with random numbers, the same at every call."""
    batch, steps, inputs, hidden = shape
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        cell = kind(inputs, hidden)
        x = torch.randn(batch, steps, inputs)
        off_the_kinks(cell, x)
        grad = torch.randn(batch, steps, cell.output_size) if train else None
    if grad is not None and lengths is not None:
        grad *= (torch.arange(steps) < lengths[:, None])[..., None]
    return Job(cell, x.requires_grad_(train), grad, lengths)


def off_the_kinks(cell: Cell[Any], x: Tensor) -> None:
    """Draw frames anew that a linear cell's nonlinearity could take on either side of a kink.

    Among millions of projected numbers some lie nearer to 0 than float32 is exact; where slopes
    differ left and right of it, as in MinGRU's candidate, both gradients are right, and unlike.
    """
    if not isinstance(cell, LinearCell):
        return
    exact = copy.deepcopy(cell).double()
    with torch.no_grad():
        while bool((near := (exact.project(x.double()).abs() < NEAR).any(-1)).any()):
            x[near] = torch.randn(int(near.sum()), x.shape[-1])


def mode(job: Job) -> AbstractContextManager[Any]:
    """Return in what torch runs: with gradients, or as for predictions."""
    return torch.inference_mode() if job.grad is None else torch.enable_grad()


def differentiate(y: Tensor, job: Job, weights: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Return y, and where the job trains the gradients of x and of the weights."""
    if job.grad is None:
        return (y,)
    return y, *torch.autograd.grad(y, [job.x, *weights], job.grad)


def recurra(job: Job) -> Entry:
    """Return recurra's own layer, with the engine that it chooses."""
    layer = Recurrent(job.cell).train(job.grad is not None)
    parameters = dict(job.cell.named_parameters())

    def run() -> tuple[Tensor, ...]:
        with mode(job):
            y, _ = layer(job.x, lengths=job.lengths)
            return differentiate(y, job, list(parameters.values()))

    return Entry(run, ["y", "x", *parameters] if job.grad is not None else ["y"])


def exact(job: Job) -> dict[str, Tensor]:
    """Return the answers of the reference engines in float64."""
    cell = copy.deepcopy(job.cell).double()
    x = job.x.detach().double().requires_grad_(job.grad is not None)
    grad = None if job.grad is None else job.grad.double()
    double = Job(cell, x, grad, job.lengths)
    parameters = dict(cell.named_parameters())
    with torch.set_grad_enabled(job.grad is not None):
        y, _ = unroll(cell, x, lengths=job.lengths)
        values = differentiate(y, double, list(parameters.values()))
    return {
        name: value.detach() for name, value in zip(["y", "x", *parameters], values, strict=False)
    }


def error(entry: Entry, want: dict[str, Tensor], job: Job) -> float:
    """Return the largest difference from `want`, as a share of the largest number of its array."""
    worst = 0.0
    for name, got in zip(entry.names, entry.run(), strict=False):
        found = torch.as_tensor(got if isinstance(got, Tensor) else _numpy(got)).detach().double()
        if name == "y" and job.lengths is not None:  # what a peer leaves beyond lengths is unused
            live = torch.arange(found.shape[1]) < job.lengths[:, None]
            found = torch.where(live[..., None], found, 0.0)
        off = (found - want[name]).abs().max().item()
        worst = max(worst, off / max(want[name].abs().max().item(), 1e-3))
        if off != off:  # NaN
            return float("nan")
    return worst


def _numpy(array: Any) -> Any:
    import numpy as np

    return np.array(array)
