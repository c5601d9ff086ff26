"""Texts that were written: what they are worth by length, and the worst of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from recurra.reports import Case, Cases, Part, Shown
from recurra.tasks.review.lengths import Number, per_length
from recurra.training.metrics import chrf, error_rates, scores

WORST, LOOKED = 20, 3
TOLD = "The first rows; the fuller, the more the model looked there."

Source = Callable[[int], Shown | str]


def of_texts(
    answers: Sequence[str],
    wanted: Sequence[Sequence[str]],
    where: Sequence[str],
    source: Source,
    sizes: Sequence[Number],
    unit: str,
    looked: Callable[[int], Shown | None],
) -> list[Part]:
    """Return figures by length, the worst texts by chrF, and where the model looked in a few.

    Args:
        answers: what was written for each row.
        wanted: references of each row, as `evaluate` compares them.
        where: each row stands.
        source: a row's number → what it was written from.
        sizes: length of each row.
        unit: what it is counted in.
        looked: a row's number → where the model looked; None where it looks nowhere.
    """

    def case(i: int) -> Case:
        said = [("wanted", text) for text in wanted[i]]
        score = f"{chrfs[i]:.1f}"
        return Case([("", source(i)), *said, ("written", answers[i]), ("chrF", score)], where[i])

    wrong = _wrong(answers, wanted)
    chrfs = {i: chrf([answers[i]], [wanted[i]]) for i in wrong}
    worst = sorted(wrong, key=lambda i: chrfs[i])[:WORST]
    looks = [
        Case([("written", answers[i]), ("", shown)], where[i])
        for i in range(len(answers[:LOOKED]))
        if (shown := looked(i)) is not None
    ]
    return [
        *per_length(
            sizes, unit, lambda some: scores([answers[i] for i in some], [wanted[i] for i in some])
        ),
        Cases("Worst texts", [case(i) for i in worst], _note(wrong, answers, "the lowest chrF")),
        *([Cases("Where it looked", looks, TOLD)] if looks else []),
    ]


def of_transcripts(
    answers: Sequence[str], wanted: Sequence[str], where: Sequence[str], seconds: Sequence[float]
) -> list[Part]:
    """Return error rates by length, and the worst transcripts.

    Args:
        answers: what was heard in each recording.
        wanted: what is said in it, as `evaluate` compares them.
        where: each row stands.
        seconds: how long it lasts.
    """

    def rates(some: Sequence[int]) -> dict[str, float]:
        return error_rates([answers[i] for i in some], [wanted[i] for i in some])

    wrong = _wrong(answers, [[text] for text in wanted])
    wers = {i: rates([i])["wer"] for i in wrong}
    worst = sorted(wrong, key=lambda i: -wers[i])[:WORST]
    cases = [
        Case([("said", wanted[i]), ("heard", answers[i]), ("WER", f"{wers[i]:.2f}")], where[i])
        for i in worst
    ]
    return [
        *per_length(seconds, "seconds", rates),
        Cases("Worst transcripts", cases, _note(wrong, answers, "the highest WER")),
    ]


def _wrong(answers: Sequence[str], wanted: Sequence[Sequence[str]]) -> list[int]:
    """Return the rows whose answer is none of their references; spaces at the ends pass."""
    return [
        i
        for i, (answer, texts) in enumerate(zip(answers, wanted, strict=True))
        if answer.strip() not in {text.strip() for text in texts}
    ]


def _note(wrong: Sequence[int], answers: Sequence[str], which: str) -> str:
    return (
        f"{len(wrong):,} of {len(answers):,} are not as wanted; here are those with {which}, "
        f"{WORST} at most."
    )
