"""Entities that were found: of which type, missed, or where there are none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from recurra.data.readers.conll import Tagged
from recurra.reports import Case, Cases, Confusion, Marked, Pair, Part, Span, Table
from recurra.tasks.codecs.tags import spans
from recurra.tasks.review.labels import per_class
from recurra.tasks.review.lengths import per_length
from recurra.training.metrics import span_f1

WORST = 20

Place = tuple[int, int]


class Sentence(NamedTuple):
    """A sentence with the tags that it should have and those that it was given."""

    tokens: list[str]
    wanted: list[str]
    found: list[str]
    where: str

    def entities(self, tags: Sequence[str]) -> dict[Place, str]:
        """Return the type of each entity, by its first and last token."""
        return {(first, last): kind for _, kind, first, last in spans(self.tokens, tags)}


def of_tags(rows: Sequence[Tagged], found: Sequence[Sequence[str]]) -> list[Part]:
    """Return confusions of entities, figures of each type and length, and the worst sentences.

    Args:
        rows: sentences, or passages of several.
        found: their tags, as the model gives them.
    """
    every = [one for row, tags in zip(rows, found, strict=True) for one in sentences(row, tags)]
    pairs = [pair for one in every for pair in matched(one)]
    counts: Counter[Pair] = Counter(pairs)
    wanted = Counter(kind for kind, _ in pairs if kind is not None)
    answered = Counter(kind for _, kind in pairs if kind is not None)
    kinds = sorted({*wanted, *answered})
    wrong = [sum(kind != other for kind, other in matched(one)) for one in every]
    worst = sorted((i for i, n in enumerate(wrong) if n), key=lambda i: -wrong[i])
    title = "Entities taken for one another"
    note = (
        f"{len(worst):,} of {len(every):,} sentences have a wrong entity, or lack one; here are "
        f"those with the most, {WORST} at most. What has a red line is not as it should be."
    )
    return [
        Confusion(kinds, counts, missed="missed", spurious="spurious", title=title),
        reasons(every),
        per_class("Each type", {kind: counts[kind, kind] for kind in kinds}, wanted, answered),
        *per_length([len(one.tokens) for one in every], "words", lambda some: _f1(every, some)),
        Cases("Sentences with most mistakes", [_case(every[i]) for i in worst[:WORST]], note),
    ]


def sentences(row: Tagged, found: Sequence[str]) -> list[Sentence]:
    """Return the sentences of a row, which has several where documents are read whole."""
    ends = [*row.starts[1:], len(row.tokens)]
    return [
        Sentence(row.tokens[a:b], list(row.tags[a:b]), list(found[a:b]), row.where)
        for a, b in zip(row.starts, ends, strict=True)
    ]


def matched(one: Sentence) -> list[Pair]:
    """Return (wanted, found) of each place where either is: the same words, from first to last."""
    wanted, found = one.entities(one.wanted), one.entities(one.found)
    return [(wanted.get(place), found.get(place)) for place in sorted({*wanted, *found})]


def reasons(every: Sequence[Sentence]) -> Table:
    """Return how many entities are right, and what is wrong with the others."""
    said: Counter[str] = Counter()
    for one in every:
        wanted, found = one.entities(one.wanted), one.entities(one.found)
        for place, kind in wanted.items():
            said[_reason(place, kind, found)] += 1
        spurious = [place for place in found if not _meeting(place, wanted)]
        said["found where there is none"] += len(spurious)
    order = [RIGHT, TYPE, BOUNDS, BOTH, MISSED, "found where there is none"]
    return Table("What is wrong", ["", "entities"], [[name, said[name]] for name in order])


RIGHT, TYPE, MISSED = "right", "of another type", "missed altogether"
BOUNDS, BOTH = "with other bounds", "with other bounds and of another type"


def _reason(place: Place, kind: str, found: dict[Place, str]) -> str:
    if place in found:
        return RIGHT if found[place] == kind else TYPE
    near = _meeting(place, found)
    if not near:
        return MISSED
    return BOUNDS if any(found[other] == kind for other in near) else BOTH


def _meeting(place: Place, others: dict[Place, str]) -> list[Place]:
    return [other for other in others if other[0] <= place[1] and place[0] <= other[1]]


def _f1(every: Sequence[Sentence], some: Sequence[int]) -> dict[str, float]:
    return {"span F1": span_f1([every[i].wanted for i in some], [every[i].found for i in some])}


def _case(one: Sentence) -> Case:
    wanted, found = one.entities(one.wanted), one.entities(one.found)

    def marked(own: dict[Place, str], other: dict[Place, str]) -> Marked:
        here = [Span(kind, *place, other.get(place) == kind) for place, kind in own.items()]
        return Marked(one.tokens, here)

    return Case([("wanted", marked(wanted, found)), ("found", marked(found, wanted))], one.where)
