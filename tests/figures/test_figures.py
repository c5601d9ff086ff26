"""What a run reports is what its own predictions are worth, by another path."""

import math
from pathlib import Path
from typing import Any

import pytest

from recurra.cli import main
from recurra.tasks.catalogue import TASKS
from recurra.tasks.task import LOWER_IS_BETTER, Task

from .conftest import Runs, Trained, command
from .parts import SIZES
from .paths import FIGURES, prose_ids

EVERY = pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)


def near(figures: dict[str, float]) -> Any:
    return pytest.approx(figures, rel=2e-5, abs=1e-6)


@EVERY
def test_the_test_figures_are_those_of_the_predictions_for_the_test_part(task: Task, runs: Runs):
    trained = runs(task.name)
    figures, baseline = FIGURES[task.name]
    wanted = figures(trained, "test")
    assert trained.metrics["test"] == near(wanted)
    assert trained.evaluate() == near(wanted)
    assert trained.metrics["baseline"] == near(baseline(trained, "test"))
    other = figures(trained, "valid")
    if task.name == "anomaly_detection":  # whose validation part has no marks to be measured by
        assert other.keys() == {"loss", "alarms_per_1000"} < wanted.keys()
    else:
        assert other.keys() >= wanted.keys()
    for name, value in wanted.items():  # these data tell the parts, and a model from none
        assert not math.isclose(value, other.get(name, math.nan), rel_tol=1e-3), name
        if name in (trivial := baseline(trained, "test")):
            assert not math.isclose(value, trivial[name], rel_tol=1e-3), name


@EVERY
def test_the_best_epoch_is_the_best_of_the_validation_part(task: Task, runs: Runs):
    trained = runs(task.name)
    values = [entry[task.criterion] for entry in trained.log]
    best = values.index(min(values) if task.criterion in LOWER_IS_BETTER else max(values))
    entry = trained.log[best]
    assert trained.metrics["best_step"] == entry["step"]
    found = FIGURES[task.name][0](trained, "valid")
    logged = {name: value for name, value in entry.items() if name in found}
    assert task.criterion in logged
    assert logged == near({name: found[name] for name in logged})
    examples = trained.metrics["train_examples"]
    steps = math.ceil(examples / 5)
    if task.name == "language_model":  # five lanes over all characters, seven of them a step
        steps = math.ceil(math.ceil(len(prose_ids(trained, "train")) / 5) / 7)
    if task.name == "anomaly_detection":  # windows of twelve steps that begin at every step
        steps = math.ceil(examples * (34 - 1 - 12 + 1) / 5)
    assert [entry["step"] for entry in trained.log] == [
        steps * (n + 1) for n in range(len(trained.log))
    ]
    assert [entry["epoch"] for entry in trained.log] == [n + 1 for n in range(len(trained.log))]


@EVERY
def test_sizes_are_those_of_the_parts(task: Task, runs: Runs):
    trained = runs(task.name)
    sizes = {f"{part}_examples": size for part, size in SIZES.items()}
    if task.name == "image_captioning":
        sizes["train_examples"] = sum(len(said) for _, said in trained.parts.rows["train"])
    assert {name: trained.metrics[name] for name in sizes} == sizes
    assert trained.metrics["skipped_rows"] == 0
    assert trained.metrics["stopped"] == "epochs"
    assert trained.metrics["metric"] == task.metric


@EVERY
def test_the_table_and_the_card_show_these_figures(task: Task, runs: Runs):
    trained = runs(task.name)
    card = (trained.folder / "README.md").read_text()
    parameters = sum(p.numel() for p in trained.model.network.parameters())
    assert f"{parameters:,} parameters" in card
    assert f"{trained.metrics['train_examples']:,} training" in card
    assert f"{trained.metrics['test_examples']:,} test" in card
    for name, value in trained.metrics["test"].items():
        trivial = trained.metrics["baseline"].get(name)
        row = f"{value:.4f} | " + ("" if trivial is None else f"{trivial:.4f}")
        assert f"| {name} | {row} |" in card
        (line,) = (text for text in trained.printed.splitlines() if f" {name} " in text)
        assert row.split(" | ") == [cell.strip() for cell in line.strip("│|").split("│")[1:3]]
    assert f"the best weights are those of step {trained.metrics['best_step']}" in trained.printed


@pytest.mark.parametrize(
    "name",
    ["sentiment", "ner", "translation", "image_captioning", "signal_classification"],
)
def test_evaluate_measures_the_data_it_is_given(name: str, runs: Runs):
    trained = runs(name)
    data = trained.parts.valid
    if name == "image_captioning":
        data = f"{data},{data}/captions.csv"
    assert trained.evaluate("--data", data) == near(FIGURES[name][0](trained, "valid"))


@EVERY
def test_answers_stand_beside_their_inputs(task: Task, runs: Runs):
    """Inputs of many lengths, in no order: each answer is that of its input alone."""
    if task.name == "music_generation":
        pytest.skip("writes from keys, by chance")
    trained = runs(task.name)
    together = trained.predict("test")
    inputs = trained.inputs("test")
    names = {"sentiment": "text", "translation": "source", "language_model": "text"}
    names |= {"signal_classification": "signal", "forecasting": "path", "anomaly_detection": "path"}
    names["polyphonic_music"] = "piece"
    names |= dict.fromkeys(("audio_classification", "speech_recognition"), "sound")
    for text, answer in zip(inputs, together, strict=True):
        assert (
            " ".join(answer["tokens"]) == text
            if task.name == "ner"
            else answer[names.get(task.name, "image")] == text
        )
    for i in (0, 3, 4, 10):
        ((alone),) = trained.model.predict([task.parse(inputs[i])])
        told = {k: v for k, v in alone.asdict().items() if isinstance(v, str | list)}
        told.pop("attention", None)
        kept = {name: together[i][name] for name in told}
        assert plain(kept) == plain(told)


def plain(value: Any) -> Any:
    """Return lists for tuples, as JSON has them."""
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    return [plain(part) for part in value] if isinstance(value, list | tuple) else value


def test_bleu_is_of_whole_texts_with_their_capitals(runs: Runs):
    """On these data, every other way of counting gives another number."""
    from sacrebleu.metrics import BLEU

    trained = runs("translation")
    codec, bleu = trained.model.codec, BLEU()
    answers = [answer["text"] for answer in trained.predict("test")]
    gold = [target for _, target in trained.parts.rows["test"]]
    reported = trained.metrics["test"]["bleu"]
    assert 20 < reported < 99
    low = bleu.corpus_score([a.lower() for a in answers], [[g.lower() for g in gold]]).score
    tokens = [
        [" ".join(codec.target.encode(text).tokens) for text in texts] for texts in (answers, gold)
    ]
    cut = bleu.corpus_score(tokens[0], [tokens[1]]).score
    rows = [
        BLEU(effective_order=True).sentence_score(a, [g])
        for a, g in zip(answers, gold, strict=True)
    ]
    mean = sum(row.score for row in rows) / len(rows)
    for other in (low, cut, mean):
        assert abs(other - reported) > 0.1


@pytest.mark.parametrize("name", ["sentiment", "ner", "translation"])
def test_the_training_loss_is_the_mean_over_all_rows_or_steps(
    name: str, runs: Runs, tmp_path: Path
):
    """Weights that do not move, nothing dropped: the first weights' loss on the training part.

    Batches differ in rows and in steps: a mean of their means is another number.
    """
    still = {"learning_rate": 1e-12, "epochs": 1, "dropout": 0, "batch_size": 7}
    if name != "translation":
        still["word_dropout"] = 0
    trained = Trained(runs(name).task, runs(name).parts, tmp_path / "run", **still)
    found = FIGURES[name][0](trained, "train")["loss"]
    assert trained.log[0]["train_loss"] == pytest.approx(found, rel=2e-5)


def test_a_temperature_and_a_seed_of_generate_are_used(runs: Runs, tmp_path: Path):
    def tune(*options: str) -> str:
        out = tmp_path / "tunes" / "".join(options).replace("-", "")
        return command(
            "generate", str(runs("music_generation").folder), "G major", "--max-length", "24",
            "--out", str(out / "t.mid"), *options,
        ).splitlines()[0] + (out / "t.mid").read_bytes().hex()  # fmt: skip  # read as a table

    first, again, other = tune("--seed", "1"), tune("--seed", "1"), tune("--seed", "2")
    assert first == again != other
    cold, colder = (tune("--temperature", "1e-6", "--seed", seed) for seed in ("1", "2"))
    assert cold == colder == tune("--top-k", "1")


def test_what_a_task_has_no_use_for_is_refused_where_a_model_is_used(
    runs: Runs, capsys: pytest.CaptureFixture[str]
):
    for line, refused in [
        (["predict", "sentiment", "fine", "--beam", "3"], "beam: sentiment"),
        (["predict", "ner", "Ann saw", "--beam", "3"], "beam: ner"),
    ]:
        name = line[1]
        arguments = [line[0], str(runs(name).folder), *line[2:]]
        assert main(arguments) == 2
        assert f"{refused}" in capsys.readouterr().err
