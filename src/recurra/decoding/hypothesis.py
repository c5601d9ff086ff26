"""What a search found: traced back from its steps, each with the place it came from."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from recurra.errors import RecurraError


class Hypothesis(NamedTuple):
    """One sequence written.

    Args:
        tokens: without the start and the end token.
        score: log probability of the tokens, and of the end token if it was reached.
        weights: attention over the context's positions at each token, if the generator has it.
        normalised: score / length penalty, by which a beam ranks; elsewhere the score.
    """

    tokens: list[int]
    score: float
    weights: Float[Tensor, "steps positions"] | None
    normalised: float


class Step(NamedTuple):
    """One step of a search: what each place holds, and from which place it came."""

    tokens: Int[Tensor, "batch width"]
    parents: Int[Tensor, "batch width"]
    scores: Float[Tensor, "batch width"]
    ended: Bool[Tensor, "batch width"]


def penalty(steps: int, alpha: float) -> float:
    """Return by what the score of so many tokens is divided."""
    return float(((5 + steps) / 6) ** alpha)


def trace_back(
    steps: list[Step],
    weights: list[Tensor | None],
    cut: Bool[Tensor, "batch width"],
    alpha: float,
) -> list[list[Hypothesis]]:
    """Trace back, per row, what ended anywhere and then what was alive (`cut`) at the last step."""
    tokens, parents, scores, ended = (
        torch.stack(field).tolist() for field in zip(*steps, strict=True)
    )
    shown = [each.view(*cut.shape, -1) for each in weights if each is not None and each.shape[1]]

    def trace(row: int, step: int, place: int) -> Hypothesis:
        complete, score = ended[step][row][place], scores[step][row][place]
        written: list[int] = []
        attended: list[Tensor] = []
        for t in range(step, -1, -1):
            parent = parents[t][row][place]
            if not (complete and t == step):
                written.append(tokens[t][row][place])
                attended.extend(each[row, parent] for each in shown[t : t + 1])
            place = parent
        return Hypothesis(
            written[::-1],
            score,
            torch.stack(attended[::-1]) if attended else shown[0][:0, 0] if shown else None,
            score / penalty(step + 1, alpha),
        )

    found = []
    for row, alive in enumerate(cut.tolist()):
        ends = [(t, i) for t, step in enumerate(ended) for i, done in enumerate(step[row]) if done]
        cuts = [(len(steps) - 1, i) for i, kept in enumerate(alive) if kept]
        if not ends and not cuts:
            raise RecurraError(
                f"row {row} has no token to write: its logits are not finite, or all are forbidden"
            )
        parts = [[trace(row, *at) for at in part] for part in (ends, cuts)]
        found.append([one for part in parts for one in sorted(part, key=lambda h: -h.normalised)])
    return found
