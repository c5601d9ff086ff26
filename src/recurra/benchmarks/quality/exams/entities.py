"""Named entities: news of CoNLL-2003, and what is new in WNUT 2017."""

from functools import partial
from itertools import groupby
from typing import Any

from recurra.benchmarks.quality.exam import Answer, Case, Exam, Published, beside, trained
from recurra.data.readers.conll import Tagged
from recurra.tasks.ner import NER
from recurra.tasks.run import complete
from recurra.training.metrics import span_f1

METRIC = "span F1, %"
CRFSUITE = "CRF on features (python-crfsuite)"
RECIPE: dict[str, Any] = {"preset": "quality"}


def sit(case: Case, recipe: dict[str, Any]) -> Answer:
    """Train on the training part; dev chooses the weights."""
    model = trained("ner", case, case.data, **recipe)
    return beside(case, model, "span_f1", METRIC, 100.0)


def pattern(word: str) -> str:
    """Return a word's letters as X, x, 0 and themselves, runs of one kind as one."""
    marks = "".join(
        "X" if c.isupper() else "x" if c.islower() else "0" if c.isdigit() else c for c in word
    )
    return "".join(c for c, _ in groupby(marks))


def told(word: str, place: str) -> list[str]:
    """Return what the usual features say of a word at this place: 0, or so far before or after."""
    return [
        f"{place}:word={word}",
        f"{place}:lower={word.lower()}",
        f"{place}:pattern={pattern(word)}",
        f"{place}:upper={word.isupper()}",
        f"{place}:title={word.istitle()}",
        f"{place}:suffix={word[-3:]}",
        f"{place}:prefix={word[:3]}",
    ]


def features(row: Tagged) -> list[list[str]]:
    """Return the features of each word: itself, its ends, two words on both sides, pairs."""
    words, found = row.tokens, []
    for i, word in enumerate(words):
        own = ["bias", *told(word, "0"), f"digits={word.isdigit()}"]
        own += [f"suffix{n}={word[-n:]}" for n in (1, 2, 4, 5)]
        own += [f"prefix{n}={word[:n]}" for n in (1, 2, 4, 5)]
        for away in (-2, -1, 1, 2):
            inside = 0 <= i + away < len(words)
            own += told(words[i + away], str(away)) if inside else [f"{away}:none"]
        for first in (i - 1, i):
            if first >= 0 and first + 1 < len(words):
                pair = f"{words[first].lower()} {words[first + 1].lower()}"
                own.append(f"{first - i}:pair={pair}")
                patterns = f"{pattern(words[first])} {pattern(words[first + 1])}"
                own.append(f"{first - i}:patterns={patterns}")
        found.append(own)
    return found


def crfsuite(case: Case) -> dict[str, float]:
    """Return what a linear chain on these features reaches; dev chooses its regularisation."""
    import pycrfsuite

    splits = NER.read(complete(NER, {"data": str(case.data), "context": "sentence"}))
    best = (-1.0, 0.0)
    for l1, l2 in [(0.1, 0.01), (0.3, 0.1), (1.0, 0.001)][: 1 if case.quick else 3]:
        trainer = pycrfsuite.Trainer(verbose=False)
        for row in splits.train:
            trainer.append(features(row), row.tags)
        trainer.set_params({"c1": l1, "c2": l2, "max_iterations": 10 if case.quick else 150})
        trainer.set("feature.possible_transitions", True)
        path = str(case.place / f"{l1}.crf")
        trainer.train(path)
        tagger = pycrfsuite.Tagger()
        tagger.open(path)
        valid, test = (
            span_f1([row.tags for row in part], [tagger.tag(features(row)) for row in part])
            for part in (splits.valid, splits.test)
        )
        best = max(best, (valid, test))
    return {METRIC: 100 * best[1]}


def exam(name: str, folder: str, files: str, protocol: str, **fields: Any) -> Exam:
    """Return the exam of one data set."""
    recipe = {**RECIPE, **fields.pop("recipe")}
    return Exam(
        name=name,
        task="ner",
        folder=folder,
        files=(files,),
        protocol=f"{protocol}, no pretrained vectors; dev chooses the weights.",
        metric=METRIC,
        sit=partial(sit, recipe=recipe),
        peers={CRFSUITE: crfsuite},
        beaten=(CRFSUITE,),
        recipe=recipe,
        **fields,
    )


ENTITIES = (
    exam(
        "conll2003",
        "conll2003_en",
        "*.gz",
        "CoNLL-2003, English",
        must=86.0,
        aim=88.0,
        minutes=20.0,
        recipe={"batch_size": 2, "max_time": "18m"},
        published=(
            Published(
                "BiLSTM-CRF", 83.6, "not traced; the model: https://arxiv.org/abs/1603.01360"
            ),
        ),
    ),
    exam(
        "wnut17",
        "wnut17",
        "*.conll",
        "WNUT 2017, emerging entities",
        aim=35.0,
        seeds=3,
        minutes=6.0,
        recipe={"max_time": "5m"},
    ),
)
