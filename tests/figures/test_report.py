"""Every number on a report's page by another path: from predictions as they are printed."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jiwer import cer, wer
from sacrebleu import corpus_bleu, corpus_chrf
from seqeval.metrics import classification_report
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from recurra.tasks.catalogue import TASKS
from recurra.tasks.task import LOWER_IS_BETTER, Task
from tests.reports.reading import read, table

from .conftest import Runs, Trained, command
from .parts import SIZES
from .paths import FIGURES, f1

EVERY = pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
LABELLED = ("sentiment", "image_classification", "audio_classification", "signal_classification")


def page(trained: Trained) -> str:
    return (trained.folder / "report.html").read_text(encoding="utf-8")


def numbers(page: str, section: str) -> dict[str, dict[str, float | str]]:
    """Return a section's table with its numbers as numbers."""

    def value(cell: str) -> float | str:
        plain = cell.replace(",", "").replace("·", "0")
        return float(plain) if re.fullmatch(r"-?[\d.]+", plain) else cell

    return {
        row: {column: value(cell) for column, cell in cells.items()}
        for row, cells in table(page, section).items()
    }


def buckets(page: str) -> list[tuple[float, float, dict[str, float | str]]]:
    """Return (from, to, figures) of the table of lengths."""
    found = []
    for name, figures in numbers(page, "By length").items():
        low, _, high = name.replace(",", "").partition(" – ")
        found.append((float(low), float(high or low), figures))
    return found


@EVERY
def test_the_test_part_stands_beside_baseline_and_peers(task: Task, runs: Runs):
    trained = runs(task.name)
    figures, baseline = FIGURES[task.name]
    found = numbers(page(trained), "Test part")
    wanted, trivial = figures(trained, "test"), baseline(trained, "test")
    assert len(found) == len(wanted)
    for name, value in wanted.items():
        row = found[f"{name} ↓" if name in LOWER_IS_BETTER else name]
        assert row["model"] == pytest.approx(value, abs=2e-4, rel=1e-4), name
        if name in trivial:
            assert row["trivial baseline"] == pytest.approx(trivial[name], abs=2e-4, rel=1e-4)
        for peer, told in trained.metrics.get("peers", {}).items():
            assert row[peer] == (pytest.approx(told[name], abs=1e-4) if name in told else "")
    assert f"{SIZES['test']:,} test rows of {trained.parts.data}" in read(page(trained)).texts[""]


@EVERY
def test_the_curves_are_those_of_the_log(task: Task, runs: Runs):
    trained = runs(task.name)
    sections = read(page(trained)).texts
    drawn = re.findall(r'points="([^"]+)"', page(trained).partition("<h2>Loss</h2>")[2])
    steps = [entry["step"] for entry in trained.log]
    assert f"step {steps[0]:,}" in sections["Loss"]
    assert f"step {steps[-1]:,}" in sections["Loss"]
    every = [e[name] for e in trained.log for name in ("train_loss", "loss")]
    for name, line in zip(("train_loss", "loss"), drawn, strict=False):
        heights = [float(point.split(",")[1]) for point in line.split()]
        values = [entry[name] for entry in trained.log]
        share = [(max(every) - value) / (max(every) - min(every)) for value in values]
        assert heights == pytest.approx([8 + s * 182 for s in share], abs=0.06)
    if task.criterion not in ("loss", "nll"):
        assert task.criterion in sections


@EVERY
def test_a_bundle_read_from_the_disk_gives_the_same_page(task: Task, runs: Runs, tmp_path: Path):
    trained = runs(task.name)
    out = tmp_path / "again.html"
    assert trained.evaluate("--report", str(out)) == trained.evaluate()
    assert out.read_text(encoding="utf-8") == page(trained)


@pytest.mark.parametrize("name", ["sentiment", "ner", "translation"])
def test_a_page_about_other_data_is_of_them_alone(name: str, runs: Runs, tmp_path: Path):
    trained = runs(name)
    other = {part: getattr(trained.parts, part) for part in ("valid", "test")}
    before = page(trained)
    told = trained.evaluate("--data", other["valid"], "--report", str(tmp_path))
    found = (tmp_path / "report.html").read_text(encoding="utf-8")
    head = read(found).tables["Test part"][0][0]
    assert head == ["metric", "model"]
    for metric, cells in numbers(found, "Test part").items():
        assert cells["model"] == pytest.approx(told[metric.removesuffix(" ↓")], abs=1e-4)
    assert f"{SIZES['valid']} test rows of {other['valid']}" in found
    assert page(trained) == before


@pytest.mark.parametrize("name", LABELLED)
def test_labels_are_counted_again(name: str, runs: Runs):
    trained = runs(name)
    text, answers = page(trained), trained.predict("test")
    gold, said = [row[1] for row in trained.parts.rows["test"]], [a["label"] for a in answers]
    labels = trained.model.codec.labels
    grid = confusion_matrix(gold, said, labels=labels)
    shown = numbers(text, "Confusions")
    assert list(shown) == labels
    for i, label in enumerate(labels):
        assert list(shown[label].values()) == grid[i].tolist()
    scored = precision_recall_fscore_support(gold, said, labels=labels, zero_division=0)
    for i, label in enumerate(labels):
        told = numbers(text, "Each class")[label]
        p, r, f, count = (float(values[i]) for values in scored)
        assert told["wanted"] == count
        assert told["answered"] == said.count(label)
        assert told["precision"] == (pytest.approx(p, abs=1e-4) if said.count(label) else "")
        assert told["recall"] == (pytest.approx(r, abs=1e-4) if count else "")
        assert told["F1"] == pytest.approx(f, abs=1e-4)
    wrong = [i for i, label in enumerate(gold) if said[i] != label]
    wrong.sort(key=lambda i: -answers[i]["probability"])
    section = read(text).texts["Most confident mistakes"]
    lines = [
        f"wanted{gold[i]} ({answers[i]['probabilities'][gold[i]]:.0%})"
        f"answered{said[i]} ({answers[i]['probability']:.0%})"
        for i in wrong
    ]
    places = [section.index(line) for line in lines]
    assert f"{len(wrong)} of {len(gold)} answers are wrong" in section
    assert section.count("wanted") == len(wrong)
    if len(set(lines)) == len(lines):
        assert places == sorted(places)
    if name == "sentiment":
        assert all(trained.parts.rows["test"][i][0] in section for i in wrong)
    if name == "image_classification":
        assert text.count('src="data:image/png') == len(wrong)


@pytest.mark.parametrize("name", [name for name in LABELLED if name != "image_classification"])
def test_accuracy_by_length_is_that_of_these_rows_alone(name: str, runs: Runs):
    trained = runs(name)
    rows = trained.parts.rows["test"]
    sizes = {
        "sentiment": lambda row: len(row[0].split()),
        "audio_classification": lambda row: len(row[0]) / 16_000,
        "signal_classification": lambda row: len(row[0]),
    }[name]
    right = [a["label"] == row[1] for a, row in zip(trained.predict("test"), rows, strict=True)]
    check_lengths(
        trained, [sizes(row) for row in rows],
        lambda some: {"accuracy": float(np.mean([right[i] for i in some]))},
    )  # fmt: skip  # the two of them stand side by side


def check_lengths(
    trained: Trained, sizes: Sequence[float], measure: Callable[[list[int]], dict[str, float]]
) -> None:
    """Check each line of the table of lengths against the rows of these lengths."""
    found, seen = buckets(page(trained)), []
    for low, high, figures in found:
        count = int(figures["rows"])
        ranked = sorted(range(len(sizes)), key=lambda i: sizes[i])
        some = ranked[len(seen) : len(seen) + count]
        seen += some
        assert sizes[some[0]] == pytest.approx(low, rel=6e-3)  # three digits are shown
        assert sizes[some[-1]] == pytest.approx(high, rel=6e-3)
        for name, value in measure(some).items():
            assert figures[name] == pytest.approx(value, abs=1e-4), (name, low)
    assert sorted(seen) == list(range(len(sizes)))
    assert len(found) > 1


def entities(tokens: Sequence[str], tags: Sequence[str]) -> dict[tuple[int, int], str]:
    found: dict[tuple[int, int], str] = {}
    first = 0
    for i, tag in enumerate([*tags, "O"]):
        if i and tags[i - 1] != "O" and tag[0] != "I":
            found[first, i - 1] = tags[first][2:]
        if tag[0] == "B":
            first = i
    return found


def test_entities_are_counted_again(runs: Runs):
    trained = runs("ner")
    text, rows = page(trained), trained.parts.rows["test"]
    said = [answer["tags"] for answer in trained.predict("test")]
    gold = [tags for _, tags in rows]
    pairs: Counter[tuple[str, str]] = Counter()
    wrong = []
    for (tokens, wanted), found in zip(rows, said, strict=True):
        a, b = entities(tokens, wanted), entities(tokens, found)
        here = [(a.get(p, "spurious"), b.get(p, "missed")) for p in {*a, *b}]
        pairs.update(here)
        wrong.append(sum(w != f for w, f in here))
    shown = numbers(text, "Entities taken for one another")
    kinds = sorted({kind for pair in pairs for kind in pair} - {"missed", "spurious"})
    assert list(shown) == [*kinds, "spurious"]
    for row in shown:
        assert list(shown[row]) == [*kinds, "missed"]
        assert list(shown[row].values()) == [pairs[row, column] for column in shown[row]]
    scored = classification_report(gold, said, output_dict=True, zero_division=0)
    for kind in kinds:
        told, wanted = numbers(text, "Each type")[kind], scored[kind]
        assert told["wanted"] == wanted["support"]
        for name, column in [("precision", "precision"), ("recall", "recall"), ("f1-score", "F1")]:
            assert (told[column] or 0.0) == pytest.approx(float(wanted[name]), abs=1e-4)
    check_lengths(
        trained,
        [len(tokens) for tokens, _ in rows],
        lambda some: {"span F1": f1([gold[i] for i in some], [said[i] for i in some])},
    )
    section = read(text).texts["Sentences with most mistakes"]
    assert f"{sum(n > 0 for n in wrong)} of {len(rows)} sentences" in section
    assert section.count("wanted") == sum(n > 0 for n in wrong)


def sacre(answers: Sequence[str], wanted: Sequence[Sequence[str]]) -> dict[str, float]:
    most = max(map(len, wanted))
    streams = [[texts[i] if i < len(texts) else None for texts in wanted] for i in range(most)]
    exact = [answer in texts for answer, texts in zip(answers, wanted, strict=True)]
    return {
        "exact_match": float(np.mean(exact)),
        "bleu": corpus_bleu(list(answers), streams, force=True).score,
        "chrf": corpus_chrf(list(answers), streams).score,
    }


@pytest.mark.parametrize("name", ["translation", "image_captioning"])
def test_texts_are_scored_again(name: str, runs: Runs):
    trained = runs(name)
    answers, rows = trained.predict("test"), trained.parts.rows["test"]
    texts = [answer["text"] for answer in answers]
    if name == "translation":
        wanted, sizes = [[target] for _, target in rows], [len(a["source_tokens"]) for a in answers]
    else:
        wanted = [[" ".join(words(text)) for text in said] for _, said in rows]
        sizes = [len(said[0].split()) for said in wanted]
    check_lengths(
        trained, sizes, lambda some: sacre([texts[i] for i in some], [wanted[i] for i in some])
    )
    wrong = [i for i, text in enumerate(texts) if text not in wanted[i]]
    chrfs = {i: sacre([texts[i]], [wanted[i]])["chrf"] for i in wrong}
    section = read(page(trained)).texts["Worst texts"]
    assert f"{len(wrong)} of {len(rows)} are not as wanted" in section
    told = [float(one) for one in re.findall(r"chrF([\d.]+)", section.partition("most.")[2])]
    assert told == pytest.approx(sorted(chrfs.values()), abs=0.06)
    looks = read(page(trained)).texts["Where it looked"]
    assert [looks.count(f"written{text}") > 0 for text in texts[:3]] == [True] * 3


def words(text: str) -> list[str]:
    return re.findall(r"\w+|[^\w\s]", text.lower())


def test_where_a_translation_looked_is_what_predict_says(runs: Runs):
    trained = runs("translation")
    html = page(trained).partition("<h2>Where it looked</h2>")[2]
    for drawn, answer in zip(html.split("</svg>"), trained.predict("test")[:3], strict=False):
        found = [float(one) for one in re.findall(r'fill-opacity="([\d.]+)"', drawn)]
        looked = [max(0.04, weight) for row in answer["attention"] for weight in row]
        assert found == pytest.approx(looked, abs=0.0051)
        assert all(token[:10] in drawn for token in answer["tokens"] if token.isalnum())


def test_what_was_heard_is_scored_again(runs: Runs):
    trained = runs("speech_recognition")
    rows = trained.parts.rows["test"]
    heard = [answer["text"] for answer in trained.predict("test")]
    gold = [text for _, text in rows]

    def rates(some: list[int]) -> dict[str, float]:
        wanted, said = [gold[i] for i in some], [heard[i] for i in some]
        return {"wer": wer(wanted, said), "cer": cer(wanted, said)}

    check_lengths(trained, [len(samples) / 8000 for samples, _ in rows], rates)
    section = read(page(trained)).texts["Worst transcripts"]
    told = [float(one) for one in re.findall(r"WER([\d.]+)", section.partition("most.")[2])]
    wrong = [i for i in range(len(rows)) if gold[i] != heard[i]]
    rated = sorted((rates([i])["wer"] for i in wrong), reverse=True)
    assert told == pytest.approx(rated, abs=0.0051)


@pytest.mark.parametrize(
    ("name", "unit"), [("polyphonic_music", "steps"), ("music_generation", "tokens")]
)
def test_pieces_together_are_the_test_part(name: str, unit: str, runs: Runs):
    trained = runs(name)
    text = page(trained)
    head, *lines = read(text).tables["Least expected pieces"][0]
    assert head == ["piece", unit, "nll"]
    sizes, losses = ([float(line[i].replace(",", "")) for line in lines] for i in (1, 2))
    assert losses == sorted(losses, reverse=True)
    assert len(lines) == SIZES["test"]
    whole = sum(a * b for a, b in zip(sizes, losses, strict=True)) / sum(sizes)
    assert whole == pytest.approx(trained.metrics["test"]["nll"], rel=1e-3)
    ranked = sorted(zip(sizes, losses, strict=True))

    def mean(some: list[int]) -> dict[str, float]:
        total = sum(ranked[i][0] for i in some)
        return {"nll": sum(ranked[i][0] * ranked[i][1] for i in some) / total}

    if len(set(sizes)) > 1:
        for (low, high, figures), some in zip(buckets(text), spread(buckets(text)), strict=True):
            assert figures["nll"] == pytest.approx(mean(some)["nll"], rel=1e-3)
            assert (low, high) == (ranked[some[0]][0], ranked[some[-1]][0])


def spread(found: list[Any]) -> list[list[int]]:
    """Return the ranks that each bucket holds."""
    begin, ranks = 0, []
    for _, _, figures in found:
        ranks.append(list(range(begin, begin + int(figures["rows"]))))
        begin += int(figures["rows"])
    return ranks


def test_alarms_are_as_often_as_the_figure_says(runs: Runs):
    trained = runs("anomaly_detection")
    text = page(trained)
    section = read(text).texts["Most unusual steps"]
    (steps,) = re.findall(r"Of ([\d,]+) steps", section)
    (alarms,) = re.findall(r"each of ([\d,]+) alarms", read(text).texts["Alarms"])
    per_1000 = trained.metrics["test"]["alarms_per_1000"]
    assert 1000 * int(alarms) / int(steps.replace(",", "")) == pytest.approx(per_1000)
    head, *lines = read(text).tables["Most unusual steps"][0]
    scores = [float(line[head.index("score")]) for line in lines]
    assert scores == sorted(scores, reverse=True)
    assert 0 < len(scores) <= 30


def test_the_errors_of_steps_and_channels_are_the_mean_error(runs: Runs):
    trained = runs("forecasting")
    text = page(trained)
    steps = [float(cells["error"]) for cells in numbers(text, "By step ahead").values()]
    channels = [float(cells["error"]) for cells in numbers(text, "By channel").values()]
    assert len(steps) == 3
    mae = trained.metrics["test"]["mae"]
    assert np.mean(channels) == pytest.approx(mae, abs=1e-4)
    assert np.mean(steps) == pytest.approx(mae, abs=1e-4)
    assert channels == sorted(channels, reverse=True)


def test_what_costs_most_is_what_predict_says(runs: Runs):
    trained = runs("language_model")
    text = page(trained)
    beginning = trained.parts.rows["test"][0][0][:2000]
    (answer,) = (trained.model.predict([beginning]),)
    bits = dict.fromkeys(answer[0].tokens, 0.0)
    for token, cost in zip(answer[0].tokens, answer[0].surprises, strict=True):
        bits[token] += cost
    shown = numbers(text, "What costs most")
    wanted = sorted(bits.values(), reverse=True)[:30]
    assert [cells["bits in all"] for cells in shown.values()] == pytest.approx(wanted, abs=1e-4)
    for cells in shown.values():
        assert cells["bits in all"] == pytest.approx(
            float(cells["bits each"]) * float(cells["count"]), abs=1e-2
        )


def test_evaluate_says_where_the_page_is(
    runs: Runs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    trained = runs("sentiment")
    command("evaluate", str(trained.folder), "--report", str(tmp_path))
    assert f"mistakes are in {tmp_path / 'report.html'}" in capsys.readouterr().err
