"""Whether exported graphs say what the network says: whole, in chunks, and step by step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from recurra.layers import within
from recurra.onnx.graph import Graph, Value
from recurra.onnx.runtime import Run, Session

BOUND = 1e-4  # beyond which an export has failed
STEPS = 256  # of a sequence that are streamed, at most
FIELDS = {"source": "context", "source_lengths": "context_lengths"}  # where a batch names it so


class Compared(NamedTuple):
    """What a graph and the network said of the same examples.

    Args:
        graph: its name.
        how: whole, in chunks, or step by step.
        difference: the largest, as a share of the largest number or of 1, whichever is more.
    """

    graph: str
    how: str
    difference: float


def compare(run: Run, batches: Sequence[Any]) -> list[Compared]:
    """Compare graphs with the networks that they are of, on real batches; the worst of each way."""
    found = dict[tuple[str, str], float]()
    for batch in batches:
        for graph, how, apart in _compared(run, batch):
            found[graph, how] = max(found.get((graph, how), 0.0), apart)
    return [Compared(*key, apart) for key, apart in found.items()]


def difference(left: Sequence[Tensor], right: Sequence[Tensor]) -> float:
    """Return how far numbers are apart, as a share of the largest of `right` or of 1."""
    worst = 0.0
    for one, other in zip(left, right, strict=True):
        if one.shape != other.shape:
            return float("inf")
        if one.numel():
            wide, wanted = one.double(), other.double()
            apart = (wide - wanted).abs().max() / wanted.abs().max().clamp(min=1)
            worst = max(worst, float(torch.nan_to_num(apart, nan=torch.inf)))
    return worst


def _compared(run: Run, batch: Any) -> list[Compared]:
    found = []
    for name, session in run.items():
        if (given := examples(session.graph, batch)) is not None:
            found.append(Compared(name, "whole", difference(session(*given), of(session, given))))
    if "encoder" in run:
        found.append(Compared("step", "step by step", _written(run, batch)))
    elif "step" in run:
        found.append(Compared("step", "step by step", _streamed(run, batch)))
        if run["sequence"].graph.states:
            found.append(Compared("sequence", "in chunks", _chunked(run["sequence"], batch)))
    return found


@torch.no_grad()
def of(session: Session, given: Sequence[Tensor]) -> list[Tensor]:
    """Return what the network itself says in 64 bits: in 32, a deep one is off by 10⁻⁴ itself."""
    return list(session.graph.function(session.exact, *map(wide, given)))


def wide(given: Tensor) -> Tensor:
    """Return real numbers in 64 bits, and others as they are."""
    return given.double() if given.is_floating_point() else given


def examples(graph: Graph, batch: Any) -> list[Tensor] | None:
    """Return what a graph is given of a batch, or None: what it reads is no part of one."""
    rows, given = len(batch[0]), []
    for value in graph.inputs:
        if value.initial is not None:
            given.append(value.begin(rows))
            continue
        found = _field(value, batch)
        if found is None or found.dim() != len(value.sizes):
            return None
        given.append(found)
    return given


def _field(value: Value, batch: Any) -> Tensor | None:
    found: Tensor | None
    if value.name == "known_past":
        found = batch.known[:, : batch.past.shape[1]]
    elif value.name == "known_future":
        found = batch.known[:, batch.past.shape[1] :]
    else:
        found = getattr(batch, FIELDS.get(value.name, value.name), None)
    return found


def _chunked(session: Session, batch: Any) -> float:
    """Compare a sequence in two parts, the state handed over, with the network's whole."""
    given = examples(session.graph, batch)
    assert given is not None, "a sequence is given as it is"
    x, lengths, *state = given
    half, parts = x.shape[1] // 2, []
    for part, left in ((x[:, :half], lengths.clamp(max=half)), (x[:, half:], lengths - half)):
        if part.shape[1]:
            y, *state = session(part, left.clamp(min=0), *state)
            parts.append(y)
    wanted, *last = of(session, given)
    live = within(lengths, x.shape[1])[..., None]
    return difference([torch.cat(parts, 1) * live, *state], [wanted * live, *last])


def _streamed(run: Run, batch: Any) -> float:
    """Compare steps from the initial state with what the network says of the whole."""
    step, whole = run["step"], run["sequence"]
    given = examples(whole.graph, batch._replace(lengths=batch.lengths.clamp(max=STEPS)))
    assert given is not None, "a sequence is given as it is"
    x, lengths = given[0][:, :STEPS], given[1]
    state = [one.begin(len(x)) for one in step.graph.states]
    # what a topology says of a sequence is flushed, what a layer says lags as its steps do
    lags, said = step.graph.delay - whole.graph.delay, list[Tensor]()
    for t in range(x.shape[1] + lags):
        ended = lengths <= t
        now = x[:, min(t, x.shape[1] - 1)]
        now = now.masked_fill(ended.view(-1, *[1] * (now.dim() - 1)), 0)
        flag = [ended] if any(one.name == "ended" for one in step.graph.inputs) else []
        y, *state = step(now, *flag, *state)
        said.append(y)
    y, wanted = torch.stack(said, 1)[:, lags:], of(whole, [x, lengths, *given[2:]])[0]
    if wanted.dim() == 2:  # one answer for a row: that of its last step
        rows = lengths > 0
        return difference([y[torch.arange(len(y)), lengths - 1][rows]], [wanted[rows]])
    live = within(lengths, x.shape[1])[..., None]
    return difference([y * live], [wanted * live])


@torch.no_grad()
def _written(run: Run, batch: Any) -> float:
    """Compare what follows each right token, the state going round, with the network's own."""
    encoder, step = run["encoder"], run["step"]
    given = examples(encoder.graph, batch)
    assert given is not None, "a source is given as it is"
    wanted = encoder.exact(
        wide(batch.context), batch.x[:, :STEPS], batch.lengths, batch.context_lengths
    )
    names = [value.name for value in step.graph.inputs[1:]]
    state = dict(zip(names, encoder(*given), strict=True))
    moved = [value.name.removesuffix("_next") for value in step.graph.outputs[1:]]
    said = []
    for token in batch.x[:, :STEPS].unbind(1):
        logits, *after = step(token, *state.values())
        state |= dict(zip(moved, after, strict=True))
        said.append(logits)
    live = within(batch.lengths, len(said))[..., None]
    return difference([torch.stack(said, 1) * live], [wanted * live])
