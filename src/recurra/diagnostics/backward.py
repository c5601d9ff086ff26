"""What comes back: of a loss to each state, and from a sequence's end to what was before."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from recurra import tree
from recurra.diagnostics.trace import Fault, Sequence, first_bad
from recurra.dynamics.flow import Flow, squares
from recurra.errors import RecurraError


class Arrived(NamedTuple):
    """What of a loss arrives at the states of one sequence.

    Args:
        steps: how many steps each state has seen.
        norms: ‖∂L/∂h_t‖ of each row; of a cell without an h, ‖∂L/∂s_t‖. NaN beyond lengths.
        depends: whether the loss depends on them at all.
    """

    steps: list[int]
    norms: Float[Tensor, "rows states"]
    depends: bool


def arrived(
    loss: Tensor, sequences: list[Sequence], model: nn.Module
) -> tuple[list[Arrived], dict[str, Tensor], Fault | None]:
    """Return ∂L/∂h_t of each sequence, the gradient of each parameter, and the first fault.

    A state's gradient is the whole one: through its output, and through all later states.
    """
    named = {name: p for name, p in model.named_parameters() if p.requires_grad}
    asked = [leaf for s in sequences for state in s.states for leaf in tree.leaves(state)]
    if not loss.requires_grad:
        gradients: list[Tensor | None] = [None] * (len(asked) + len(named))
    else:
        everything = [*asked, *named.values()]
        try:
            found = torch.autograd.grad(loss, everything, retain_graph=True, allow_unused=True)
        except RuntimeError as error:  # of the user's own graph: recomputed, changed in place
            reason = str(error).strip().splitlines()[0]
            raise RecurraError(
                f"the gradient could not be taken: {reason} (gradient checkpointing, where it is "
                "used, must be off)"
            ) from error
        gradients = list(found)
    arriving, place, fault = [], 0, None
    for sequence in sequences:
        each = len(tree.leaves(sequence.states[0]))
        norms = []
        depends = False
        for _ in sequence.states:
            parts = gradients[place : place + each]
            place += each
            some = [parts[sequence.h]] if sequence.h is not None else parts
            depends = depends or any(p is not None and bool((p != 0).any()) for p in parts)
            square = [p.double().flatten(1).square().sum(1) for p in some if p is not None]
            norms.append(
                sum(square, torch.zeros(sequence.rows, dtype=torch.float64).to(loss.device))
            )
        whole = torch.stack(norms, 1).sqrt()
        if fault is None:
            fault = _first(whole, sequence)
        arriving.append(Arrived(sequence.steps, _beyond(whole, sequence), depends))
    weights = dict(zip(named, gradients[place:], strict=True))
    return arriving, {name: g for name, g in weights.items() if g is not None}, fault


def _first(norms: Tensor, sequence: Sequence) -> Fault | None:
    """Return where a gradient is first not finite on its way back: the latest step."""
    place = first_bad(norms.flip(1)[..., None])
    if place is None:
        return None
    step = sequence.steps[len(sequence.steps) - 1 - place[0]]
    where = f"the gradient at the state of {sequence.layer}"
    return Fault(where, sequence.layer, max(step - 1, 0), place[1])


def _beyond(norms: Tensor, sequence: Sequence) -> Tensor:
    if sequence.lengths is None:
        return norms
    steps = torch.tensor(sequence.steps, device=norms.device)
    beyond = steps > sequence.lengths.to(norms.device)[:, None]
    return norms.masked_fill(beyond, torch.nan)


def carried_back(sequence: Sequence, probes: int, seed: int) -> Flow | None:
    """Return how much of a gradient at each row's end comes back, as `flow` defines it.

    None where the sequence has no step that it could come back over.
    """
    states, steps = sequence.states, sequence.steps
    if len(states) < 2 or not tree.leaves(states[-1])[0].requires_grad:
        return None
    gains = torch.stack(squares(states, probes, seed, keep=True), dim=1).sqrt().detach()
    if sequence.lengths is None:
        lags = [steps[-1] - step for step in steps[:-1]]
        return Flow(lags[::-1], gains.flip(1))
    # every state is kept here: a row's lag k lies k states before its own end
    lengths = sequence.lengths.to(gains.device)
    lags = list(range(1, int(lengths.max()) + 1))
    place = lengths[:, None] - torch.tensor(lags, device=gains.device)
    own = gains.gather(1, place.clamp(min=0)).masked_fill(place < 0, torch.nan)
    return Flow(lags, own)


def exponents(sequence: Sequence, count: int, seed: int) -> list[float]:
    """Return the largest Lyapunov exponents along a sequence, per step, in nats.

        Q_{t−1} R_t = (∂s_t/∂s_{t−1})ᵀ Q_t,    λ_i = Σ_t log |R_t,ii| / T

    By vector–Jacobian products, so that any model's graph serves: a matrix and its transpose have
    the same singular values, and a sequence read backward the same exponents as read forward
    (`lyapunov`, and Engelken et al. 2023, https://doi.org/10.1103/PhysRevResearch.5.043044,
    section II). The last tenth of the sequence turns the directions and is not counted. The mean
    over rows.
    """
    states = sequence.states
    leaves = tree.leaves(states[0])
    size = sum(leaf[0].numel() for leaf in leaves)
    count = min(count, size)
    if len(states) < 2 or not tree.leaves(states[-1])[0].requires_grad or not count:
        return []
    rows = len(leaves[0])
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randn(rows, size, count, generator=generator, dtype=torch.float64)
    q = torch.linalg.qr(drawn).Q.to(leaves[0].device)
    total = torch.zeros(rows, count, dtype=torch.float64, device=q.device)
    counted = torch.zeros(rows, device=q.device)
    ends = torch.full((rows,), sequence.length)
    ends = (ends if sequence.lengths is None else sequence.lengths).to(q.device)
    for k in range(len(states) - 2, -1, -1):
        pulled = _pulled(states[k + 1], states[k], q)
        q, r = torch.linalg.qr(pulled)
        from_step, to_step = sequence.steps[k], sequence.steps[k + 1]
        steps = (ends - from_step).clamp(0, to_step - from_step)
        # the last tenth only turns the directions
        steps = torch.where(from_step < ends - ends // 10, steps, 0)
        logs = r.diagonal(dim1=1, dim2=2).abs().log()
        total += torch.where(steps[:, None] > 0, logs, 0.0)
        counted += steps
    each = (total / counted.clamp(min=1)[:, None])[counted > 0]
    found: list[float] = each.sort(dim=1, descending=True).values.mean(0).tolist()
    return found


def _pulled(after: Any, before: Any, q: Tensor) -> Tensor:
    """Return Jᵀ q for each column of q, [rows numbers columns]."""
    ends, begins = tree.leaves(after), tree.leaves(before)
    sizes = [leaf[0].numel() for leaf in ends]
    columns = []
    for column in q.unbind(2):
        given = [
            part.reshape(leaf.shape).to(leaf.dtype)
            for part, leaf in zip(torch.split(column, sizes, dim=1), ends, strict=True)
        ]
        found = torch.autograd.grad(ends, begins, given, retain_graph=True, allow_unused=True)
        parts = [
            (torch.zeros_like(leaf) if g is None else g).double().flatten(1)
            for g, leaf in zip(found, begins, strict=True)
        ]
        columns.append(torch.cat(parts, 1))
    return torch.stack(columns, 2)
