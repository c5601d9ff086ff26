"""Captions of pictures, from German to English and back: Multi30k."""

import gzip
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from recurra.benchmarks.quality.exam import Answer, Case, Exam, Published, beside, trained
from recurra.training.metrics import scores

METRIC = "BLEU"
PARTS = {"train": "train", "valid": "val", "test": "test_2016_flickr"}
RECIPE: dict[str, Any] = {"preset": "quality", "max_time": "40m"}
ROUNDS = 6  # of expectation and maximisation


def lines(case: Case, part: str, language: str) -> list[str]:
    """Return the sentences of a part, in lower case."""
    path = case.data / f"{PARTS[part]}.{language}.gz"
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [line.strip().lower() for line in file]


def lowered(case: Case) -> Path:
    """Write the parts in lower case, and return their folder."""
    folder = case.place / "lowered"
    folder.mkdir()
    for part in PARTS:
        for language in ("de", "en"):
            text = "".join(f"{line}\n" for line in lines(case, part, language))
            (folder / f"{part}.{language}").write_text(text, encoding="utf-8")
    return folder


def sit(case: Case, source: str, target: str, recipe: dict[str, Any]) -> Answer:
    """Train on the 29,000 pairs; the 1,014 choose the weights."""
    fields = {"source": source, "target": target, **recipe}
    model = trained("translation", case, lowered(case), **fields)
    return beside(case, model, "bleu", METRIC)


def word_for_word(case: Case, source: str, target: str) -> dict[str, float]:
    """Return what a dictionary reaches that IBM model 1 learns; words stay where they are."""
    pairs = [
        (a.split(), b.split())
        for a, b in zip(lines(case, "train", source), lines(case, "train", target), strict=True)
    ]
    dictionary = likeliest(pairs[: 1000 if case.quick else None])
    said = [
        " ".join(dictionary.get(word, word) for word in line.split())
        for line in lines(case, "test", source)
    ]
    return {METRIC: scores(said, [[line] for line in lines(case, "test", target)])["bleu"]}


def likeliest(pairs: Sequence[tuple[list[str], list[str]]]) -> dict[str, str]:
    """Return each source word's likeliest translation t(e | f).

        t(e | f) ∝ Σ over pairs of t(e | f) / Σ_f' t(e | f')

    Brown et al. 1993, https://aclanthology.org/J93-2003, model 1, without the empty word.
    """
    sources = sorted({word for a, _ in pairs for word in a})
    targets = sorted({word for _, b in pairs for word in b})
    of_source = {word: i for i, word in enumerate(sources)}
    of_target = {word: i for i, word in enumerate(targets)}
    links, sums = [], []  # which pair of words; which target word of which sentence
    counted = 0
    for a, b in pairs:
        f = np.array([of_source[word] for word in a], np.int64)
        e = np.array([of_target[word] for word in b], np.int64)
        links.append((f[:, None] * len(targets) + e).ravel())
        sums.append((np.zeros_like(f)[:, None] + counted + np.arange(len(b))).ravel())
        counted += len(b)
    codes, link = np.unique(np.concatenate(links), return_inverse=True)
    place, owner = np.concatenate(sums), codes // len(targets)
    t = np.ones(len(codes))
    for _ in range(ROUNDS):
        share = t[link] / np.bincount(place, t[link], counted)[place]
        count = np.bincount(link, share, len(codes))
        t = count / np.bincount(owner, count, len(sources))[owner]
    best = np.lexsort((t, owner))  # the last of each source word is its likeliest
    return {sources[owner[i]]: targets[codes[i] % len(targets)] for i in best}


def exam(source: str, target: str, must: float, aim: float, *published: Published) -> Exam:
    """Return the exam of one direction."""
    return Exam(
        name=f"multi30k-{source}-{target}",
        task="translation",
        folder="multi30k_en_de",
        files=("*.gz",),
        protocol=f"Multi30k, {source} to {target}, lower case, test_2016_flickr; val chooses the "
        "weights.",
        metric=METRIC,
        must=must,
        aim=aim,
        minutes=45.0,
        sit=partial(sit, source=source, target=target, recipe=RECIPE),
        peers={"word for word (IBM model 1)": partial(word_for_word, source=source, target=target)},
        recipe=RECIPE,
        published=published,
    )


MULTI30K = (
    exam(
        "de", "en", 42.0, 44.0, Published("GRU and attention", 28.3, "20.5M parameters; untraced")
    ),
    exam("en", "de", 38.0, 41.0),
)
