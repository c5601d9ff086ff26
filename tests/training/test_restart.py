"""A run that is killed anywhere and always started with --resume, on data that stay or change."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

import recurra
from recurra import bundle
from recurra.cli import main
from recurra.storage import load_tensors, read_metadata, save_tensors
from tests.tasks.conftest import TINY, write_reviews

FIELDS: dict[str, Any] = {**TINY, "epochs": 2, "cell": "elman", "batch_size": 16}
OPERATIONS = ("replace", "rename", "unlink", "rmdir", "mkdir")


class Killed(BaseException):
    """Stands for kill -9: nothing is done after it."""


def half(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content[: len(content) // 2])


class Disk:
    """Counts what is done to files, and does no more from the n-th on."""

    def __init__(self, patch: pytest.MonkeyPatch, dies_at: float = float("inf")) -> None:
        self.count, self.dies_at = 0, dies_at
        for name in OPERATIONS:
            patch.setattr(os, name, self.counted(getattr(os, name)))
        patch.setattr(Path, "write_bytes", self.counted(Path.write_bytes, half))
        patch.setattr(os, "fsync", lambda _: None)  # slow, and a process that dies leaves it be

    def counted(self, real: Any, dying: Any = None) -> Any:
        def call(*given: Any, **named: Any) -> Any:
            self.count += 1
            if self.count == self.dies_at and dying:
                dying(*given)
            if self.count >= self.dies_at:
                raise Killed
            return real(*given, **named)

        return call


def train(data: Path, out: Path, **fields: Any) -> recurra.Model:
    return recurra.train("sentiment", data=str(data), out=str(out), **{**FIELDS, **fields})


def contents(folder: Path) -> Any:
    """Return everything a run leaves, but for what the clock says."""
    last, metadata = load_tensors(folder / "last.safetensors")
    state = json.loads(metadata["state"])
    del state["clock"]
    log = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    for entry in log:
        del entry["seconds"], entry["tokens_per_second"]
    stored = bundle.read(folder)
    config = {**stored.config, "recipe": {**stored.config["recipe"], "out": ""}}
    config["metrics"] = {**config["metrics"], "seconds": 0}
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
    return [last, stored.tensors], [state, metadata["data"], log, config, stored.files, names]


def assert_same(one: Path, other: Path) -> None:
    (ours, rest), (theirs, rest2) = contents(one), contents(other)
    for mine, yours in zip(ours, theirs, strict=True):
        assert mine.keys() == yours.keys()
        assert all(torch.equal(mine[name], yours[name]) for name in mine)
    assert rest == rest2


@pytest.fixture(scope="module")
def reviews(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(write_reviews(tmp_path_factory.mktemp("data")))


@pytest.fixture(scope="module")
def whole(reviews: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("whole") / "run"
    train(reviews, out)
    return out


@pytest.fixture
def run(whole: Path, tmp_path: Path) -> Path:
    return shutil.copytree(whole, tmp_path / "run")


def test_killed_at_every_operation_on_a_file(
    reviews: Path, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as patch:
        disk = Disk(patch)
        train(reviews, tmp_path / "all")
    assert disk.count > 25
    for dies_at in range(1, disk.count + 1):
        out = tmp_path / str(dies_at)
        with monkeypatch.context() as patch:
            Disk(patch, dies_at)
            with pytest.raises(Killed):
                train(reviews, out, resume=dies_at % 2 == 0)
        with monkeypatch.context() as patch:
            Disk(patch)
            train(reviews, out, resume=True)
        assert_same(out, whole)


LONG = {"epochs": 60, "patience": 0, "schedule": "constant"}


def test_ctrl_c_sigterm_and_kill_9(reviews: Path, tmp_path: Path):
    """Three children one after the other, each stopped by another signal; then the rest here."""
    out, argv = (
        tmp_path / "run",
        [sys.executable, "-m", "recurra", "train", "sentiment", "--resume"],
    )
    flags = [text for name, value in {**FIELDS, **LONG}.items()
             for text in (f"--{name.replace('_', '-')}", str(value))]  # fmt: skip  # a table
    seen = 0
    for number, code in [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)]:
        command = [*argv, "--data", str(reviews), "--out", str(out), *flags]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as child:
            try:
                seen = wait_for(out / "metrics.jsonl", seen + 4, child)
                child.send_signal(number)
                told, _ = child.communicate(timeout=60)
            finally:
                child.kill()
        assert child.returncode == code, told
        assert "Traceback" not in told
        if code > 0:
            assert f"--resume --out {out}" in told
            stopped = "interrupted" if code == 130 else "terminated"
            assert bundle.read_config(out)["metrics"]["stopped"] == stopped
    train(reviews, out, **LONG, resume=True)
    train(reviews, tmp_path / "whole", **LONG)
    assert_same(out, tmp_path / "whole")


def wait_for(log: Path, count: int, child: subprocess.Popen[str]) -> int:
    """Wait until a run has validated `count` times, and return how often it has."""
    began = time.monotonic()
    while time.monotonic() - began < 120:
        found = log.read_text().count("\n") if log.exists() else 0
        if found >= count:
            return found
        assert child.poll() is None, child.communicate()
        time.sleep(0.005)
    raise AssertionError(f"{log} did not grow to {count} lines")


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def empty(run: Path) -> None:
    for path in run.iterdir():
        path.unlink()


def recipe_alone(run: Path) -> None:
    config = json.loads((run / "config.json").read_bytes())
    empty(run)
    (run / "config.json").write_text(json.dumps({**config, "metrics": {}}))


def no_state(run: Path) -> None:
    recipe_alone(run)
    (run / ".last.safetensors.part").write_bytes(b"half")


def pieces(run: Path) -> None:
    empty(run)
    (run / ".staging").mkdir()
    (run / ".staging/config.json").write_text("{")
    (run / "README.md").write_text("# half")


def torn(run: Path) -> None:
    empty(run)
    (run / "config.json").write_text('{"schema": 1, "ta')


@pytest.mark.parametrize("left", [shutil.rmtree, empty, recipe_alone, no_state, pieces, torn])
def test_resume_gets_a_run_wherever_nothing_was_saved(
    reviews: Path, whole: Path, run: Path, left: Any, capsys: pytest.CaptureFixture[str]
):
    left(run)
    train(reviews, run, resume=True)
    assert_same(run, whole)
    assert f"{run} holds" in capsys.readouterr().err


def test_what_was_given_lies_over_the_stored_recipe(reviews: Path, run: Path):
    recipe_alone(run)
    recurra.train("sentiment", out=str(run), resume=True, hidden=4)
    recipe = bundle.read_config(run)["recipe"]
    assert (recipe["hidden"], recipe["cell"], recipe["data"]) == (4, "elman", str(reviews))
    assert recipe["resume"] is False


def changed(rows: list[str], how: str) -> list[str]:
    head, *body = rows
    if how == "a row is gone":
        return [head, *body[:-1]]
    if how == "a row is new":
        return [*rows, "her room was fine\tgood"]
    if how == "a text has changed":
        return [head, *(row.replace("the room was fine", "the room was grim") for row in body)]
    if how == "a label has changed":
        return [
            head,
            *(row.replace("my film was fine\tgood", "my film was fine\tbad") for row in body),
        ]
    if how == "a label has another name":
        return [row.replace("\tbad", "\tnasty") for row in rows]
    if how == "a label is new":
        return [*rows, *(f"it {i}\todd" for i in range(20))]
    assert how == "another order"
    return [head, *body[::-1]]


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("a row is gone", "the training part had 32 rows and has"),
        ("a row is new", "rows and has"),
        ("a text has changed", "'grim' is new"),
        ("a label has changed", "other rows in the"),
        ("a label has another name", "labels: 'bad' is gone; labels: 'nasty' is new"),
        ("a label is new", "labels: 'odd' is new"),
        ("another order", "other rows in the training part"),
    ],
)
def test_data_that_changed_are_named_and_nothing_is_written(
    reviews: Path, run: Path, tmp_path: Path, how: str, says: str
):
    data = tmp_path / "reviews.tsv"
    rows = reviews.read_text().splitlines()
    data.write_text("\n".join(changed(rows, how)) + "\n")
    before = everything(run)
    with pytest.raises(recurra.RecurraError, match="its data have changed") as error:
        train(data, run, resume=True, epochs=3)
    assert says in str(error.value) or "other rows" in str(error.value)
    assert everything(run) == before
    data.write_text("\n".join(rows) + "\n")  # the same rows elsewhere
    assert train(data, run, resume=True, epochs=3).metrics["stopped"] == "epochs"


def test_a_part_that_changed_is_named(reviews: Path, tmp_path: Path):
    valid, test = tmp_path / "v.tsv", tmp_path / "t.tsv"
    for path in valid, test:
        path.write_text("text\tlabel\nit was fine\tgood\nit was awful\tbad\n")
    given = {"valid": str(valid), "test": str(test)}
    train(reviews, tmp_path / "run", **given)
    for path, part in [(valid, "validation"), (test, "test")]:
        content = path.read_text()
        path.write_text(content.replace("fine\tgood", "fine\tbad"))
        with pytest.raises(recurra.RecurraError, match=f"changed: other rows in the {part} part;"):
            train(reviews, tmp_path / "run", **given, resume=True)
        path.write_text(content)


def test_a_state_of_an_older_version_goes_on(
    reviews: Path, whole: Path, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    tensors, metadata = load_tensors(run / "last.safetensors")
    assert json.loads(read_metadata(run / "last.safetensors")["data"])["training"][0] == 32
    save_tensors(run / "last.safetensors", tensors, {"state": metadata["state"]})
    data = tmp_path / "reviews.tsv"
    data.write_text(reviews.read_text().replace("\tbad", "\tnasty"))
    with pytest.raises(recurra.RecurraError, match="labels: 'bad' is gone; labels: 'nasty' is new"):
        train(data, run, resume=True)
    train(reviews, run, resume=True)
    assert "older recurra" in capsys.readouterr().err


@pytest.mark.parametrize(
    "fields",
    [{"hidden": 4}, {"cell": "gru"}, {"batch_size": 4}, {"seed": 3}, {"max_length": 3},
     {"vocabulary": 9}, {"bidirectional": False}, {"pool": "max"}, {"accumulate": 2}],
    ids=lambda fields: next(iter(fields)),
)  # fmt: skip  # read as a table
def test_options_that_cannot_change(reviews: Path, run: Path, fields: dict[str, Any]):
    before = everything(run)
    with pytest.raises(recurra.RecurraError, match=f"^{next(iter(fields))}: this run began with"):
        train(reviews, run, resume=True, **fields)
    assert everything(run) == before


def test_another_task_and_a_model_without_its_state(reviews: Path, run: Path):
    with pytest.raises(recurra.RecurraError, match="holds a run of sentiment, not of ner"):
        recurra.train("ner", out=str(run), resume=True)
    (run / "last.safetensors").unlink()
    before = everything(run)
    with pytest.raises(recurra.RecurraError, match=r"no last.safetensors to go on from"):
        train(reviews, run, resume=True)
    assert everything(run) == before


REFUSED = [
    ["--device", "cuda:97"], ["--device", "tpu"], ["--tensorboard"], ["--cell", "no"],
    ["--engine", "scan"], ["--valid", "missing.tsv"], ["--vocabulary", "0"],
    ["--data", "missing.tsv"], ["--config", "missing.toml"], ["--pool", "no"],
    ["--time-scale", "9"],
]  # fmt: skip  # read as a table


@pytest.mark.parametrize("flags", REFUSED, ids=" ".join)
@pytest.mark.parametrize("resume", [[], ["--resume"]], ids=["afresh", "resume"])
def test_what_is_refused_leaves_no_folder(
    reviews: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: list[str],
    resume: list[str], capsys: pytest.CaptureFixture[str],
):  # fmt: skip  # read as a table
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    out = tmp_path / "below" / "run"
    argv = ["train", "sentiment", "--data", str(reviews), "--out", str(out), "--cell", "elman"]
    argv += ["--device", "cpu"] if "--device" not in flags else []
    argv = [word for word in argv if word != "elman" or "--cell" not in flags]
    argv = [word for word in argv if word != "--cell" or "--cell" not in flags]
    assert main([*argv, *flags, *resume, "--hidden", "8"]) == 2
    assert "internal" not in capsys.readouterr().err
    assert not (tmp_path / "below").exists()
