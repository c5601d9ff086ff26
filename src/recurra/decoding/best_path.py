"""CTC's best path: the likeliest class of each frame, repeats and blanks taken out."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recurra.errors import InputError

BLANK = 0  # as in topologies/ctc.py, which decoding needs nothing else of


class Emission(NamedTuple):
    """A symbol, and the frames in which it is heard.

    Args:
        symbol: its class, 1 or more.
        start: its first frame, counted from 0.
        stop: the frame after its last.
        score: log probability of the symbol in the likeliest of its frames.
    """

    symbol: int
    start: int
    stop: int
    score: float


class BestPath:
    """Greedy decoding of one row, as its frames come: whole or in any pieces, it is the same.

        y = B(argmax_k p_t[k] at each t)

    Graves et al. 2006, https://www.cs.toronto.edu/~graves/icml_2006.pdf, equation 4.

    `emissions` are those so far, of which the last may still grow; `score` is the log probability
    of the path, so at most that of y, which other paths have too.
    """

    def __init__(self) -> None:
        self.emissions: list[Emission] = []
        self.score = 0.0
        self.frames = 0
        self._last = BLANK

    def push(self, logp: Any) -> list[Emission]:
        """Take frames, and return those symbols that begin in them.

        Args:
            logp: log probabilities of the next frames [time classes], a tensor or an array.
        """
        known = len(self.emissions)
        for frame in checked("BestPath", logp):
            symbol = int(frame.argmax())
            if symbol != BLANK and symbol == self._last:
                self.emissions[-1] = self._grown(float(frame[symbol]))
            elif symbol != BLANK:
                at = self.frames
                self.emissions.append(Emission(symbol, at, at + 1, float(frame[symbol])))
            self.score += float(frame[symbol])
            self.frames += 1
            self._last = symbol
        return self.emissions[known:]

    @property
    def symbols(self) -> list[int]:
        """Return y so far."""
        return [emission.symbol for emission in self.emissions]

    def _grown(self, score: float) -> Emission:
        last = self.emissions[-1]
        return last._replace(stop=last.stop + 1, score=max(last.score, score))


def align(logp: Any, symbols: Sequence[int]) -> list[Emission]:
    """Return where each symbol of a labelling is heard, by its likeliest alignment.

    The Viterbi algorithm over y with blanks between, before and behind: the sums of Graves et al.
    2006, equations 5 to 8, with the greatest term in place of the sum.

    Args:
        logp: log probabilities of one row's frames [time classes], a tensor or an array.
        symbols: y.
    Raises:
        InputError: y does not fit into the frames, or holds the blank or what is no class.
    """
    frames = checked("align", logp)
    wrong = [one for one in symbols if not 0 < one < logp.shape[1]]
    if wrong:
        raise InputError(f"symbols has {wrong[0]}; align takes 1 to {logp.shape[1] - 1}")
    states = np.full(2 * len(symbols) + 1, BLANK)
    states[1::2] = symbols
    # from two states before: past a blank, unless it parts two equal symbols
    jumps = np.zeros(len(states), dtype=bool)
    jumps[2:] = (states[2:] != BLANK) & (states[2:] != states[:-2])
    best = np.full(len(states), -np.inf)
    best[0] = 0.0  # stands for a blank before the first frame
    came = np.zeros((len(frames), len(states)), dtype=np.int64)
    for t, frame in enumerate(frames):
        steps = np.full((3, len(states)), -np.inf)
        steps[0], steps[1, 1:] = best, best[:-1]
        steps[2, 2:] = np.where(jumps[2:], best[:-2], -np.inf)
        came[t] = steps.argmax(0)
        best = steps.max(0) + frame[states]
    state = len(states) - 1
    if len(states) > 1 and best[-2] > best[-1]:
        state -= 1
    if not np.isfinite(best[state]):
        raise InputError(f"{len(symbols)} symbols have no alignment in {len(frames)} frames")
    path = []
    for t in range(len(frames) - 1, -1, -1):
        path.append(state)
        state -= int(came[t, state])
    path.reverse()
    found: list[Emission] = []
    for t, state in enumerate(path):
        score = float(frames[t, states[state]])
        if state % 2 and len(found) == (state + 1) // 2:
            last = found[-1]
            found[-1] = last._replace(stop=t + 1, score=max(last.score, score))
        elif state % 2:
            found.append(Emission(int(states[state]), t, t + 1, score))
    return found


def total(logp: NDArray[np.float64], symbols: Sequence[int]) -> float:
    """Return log p of a labelling: the sum of all its alignments, where `align` takes the greatest.

    Args:
        logp: log probabilities of one row's frames [time classes].
        symbols: y, which has an alignment.
    """
    states = np.full(2 * len(symbols) + 1, BLANK)
    states[1::2] = symbols
    jumps = np.zeros(len(states), dtype=bool)
    jumps[2:] = (states[2:] != BLANK) & (states[2:] != states[:-2])
    sums = np.full(len(states), -np.inf)
    sums[0] = 0.0  # stands for a blank before the first frame
    for frame in logp:
        moved = np.logaddexp(sums, np.append(-np.inf, sums[:-1]))
        jumped = np.append([-np.inf, -np.inf], sums[:-2])[: len(states)]
        sums = np.logaddexp(moved, np.where(jumps, jumped, -np.inf)) + frame[states]
    return float(np.logaddexp.reduce(sums[-2:]))


def checked(owner: str, logp: Any) -> NDArray[np.float64]:
    """Return log probabilities of frames in double precision.

    Args:
        owner: who asks.
        logp: [time classes], a tensor or an array.

    Raises:
        TypeError, ValueError: they are another thing, or one is no number or above 0.
    """
    if not isinstance(logp, np.ndarray):
        from recurra import inputs  # of torch, which arrays do without

        inputs.numbers(owner, "logp", logp, ("time", "classes"), None)
        logp = logp.detach().double().cpu().numpy()
    found: NDArray[np.float64] = np.asarray(logp, np.float64)
    if found.ndim != 2:
        raise InputError(f"{owner} takes logp [time classes]; it is {list(found.shape)}")
    if not (found <= 1e-6).all():
        raise InputError(f"{owner} takes log probabilities; logp has a NaN or one above 0")
    return found
