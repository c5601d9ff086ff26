"""Labels that were given: what was taken for what, and the most confident of the wrong ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from recurra.reports import Case, Cases, Confusion, Pair, Part, Shown, Table
from recurra.tasks.review.lengths import Number, per_length
from recurra.training.metrics import accuracy

WORST = 20
Show = Callable[[int], Shown | str]


def of_labels(
    labels: Sequence[str],
    wanted: Sequence[str],
    probabilities: Sequence[Sequence[float]],
    show: Show,
    where: Sequence[str],
    sizes: Sequence[Number] = (),
    unit: str = "",
) -> list[Part]:
    """Return confusions, figures of each class and length, and the most confident mistakes.

    Args:
        labels: the classes that the model knows.
        wanted: the label of each row, known to the model or not.
        probabilities: of the classes, for each row.
        show: a row's number → what it is.
        where: each row stands.
        sizes: length of each row, where rows have lengths.
        unit: what lengths are counted in.
    """
    best = [max(zip(p, labels, strict=True)) for p in probabilities]
    answers = [label for _, label in best]
    wrong = [i for i, answer in enumerate(answers) if answer != wanted[i]]
    wrong.sort(key=lambda i: -best[i][0])

    def case(i: int) -> Case:
        of = dict(zip(labels, probabilities[i], strict=True))
        chance = f"{of[wanted[i]]:.0%}" if wanted[i] in of else "unknown to the model"
        right, said = f"{wanted[i]} ({chance})", f"{answers[i]} ({best[i][0]:.0%})"
        return Case([("", show(i)), ("wanted", right), ("answered", said)], where[i])

    def figures(some: Sequence[int]) -> dict[str, float]:
        return {"accuracy": accuracy([wanted[i] for i in some], [answers[i] for i in some])}

    note = (
        f"{len(wrong):,} of {len(wanted):,} answers are wrong; here are the most confident, "
        f"{WORST} at most."
    )
    return [
        *confusions(labels, wanted, answers),
        *per_length(sizes, unit, figures),
        Cases("Most confident mistakes", [case(i) for i in wrong[:WORST]], note),
    ]


def of_steps(
    labels: Sequence[str],
    wanted: Sequence[Sequence[str]],
    answers: Sequence[Sequence[str]],
    show: Show,
    where: Sequence[str],
) -> list[Part]:
    """Return the same of labels of steps; the worst are the rows with most wrong steps.

    Args:
        labels: the classes that the model knows.
        wanted: the labels of each row's steps.
        answers: as many, or fewer where a row was cut.
        show: a row's number → what it is.
        where: each row stands.
    """
    pairs = [list(zip(w, a, strict=False)) for w, a in zip(wanted, answers, strict=True)]
    wrong = [sum(label != answer for label, answer in row) for row in pairs]
    worst = sorted((i for i, count in enumerate(wrong) if count), key=lambda i: -wrong[i])[:WORST]
    cases = [
        Case([("", show(i)), ("wrong", f"{wrong[i]:,} of {len(pairs[i]):,} steps")], where[i])
        for i in worst
    ]
    every = [pair for row in pairs for pair in row]
    note = f"{sum(wrong):,} of {len(every):,} steps are wrong; here are the worst rows."
    return [
        *confusions(labels, [label for label, _ in every], [answer for _, answer in every]),
        Cases("Most wrong steps", cases, note),
    ]


def confusions(labels: Sequence[str], wanted: Sequence[str], answers: Sequence[str]) -> list[Part]:
    """Return what was taken for what, and precision, recall and F1 of each class."""
    counts: Counter[Pair] = Counter(zip(wanted, answers, strict=True))
    every = [*labels, *sorted(set(wanted) - set(labels))]
    hits = {label: counts[label, label] for label in every}
    return [
        Confusion(every, counts),
        per_class("Each class", hits, Counter(wanted), Counter(answers)),
    ]


def per_class(
    title: str, hits: Mapping[str, int], wanted: Counter[str], answered: Counter[str]
) -> Table:
    """Return precision, recall and F1 of each class, the most frequent first."""
    ranked = sorted(hits, key=lambda label: (-wanted[label], -answered[label], label))
    counts = [(hits[label], wanted[label], answered[label]) for label in ranked]
    rows = [[label, *of[1:], *shares(*of)] for label, of in zip(ranked, counts, strict=True)]
    return Table(title, ["class", "wanted", "answered", "precision", "recall", "F1"], rows)


def shares(hits: int, wanted: int, answered: int) -> tuple[float | None, float | None, float]:
    """Return precision, recall and F1; None for a share of nothing."""
    precision, recall = (hits / count if count else None for count in (answered, wanted))
    return precision, recall, 2 * hits / max(wanted + answered, 1)
