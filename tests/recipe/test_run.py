"""Rows of the fields that say where and on what a run goes; and that its recipe reaches all."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import torch

from recurra.cli import main
from recurra.errors import RecurraError
from recurra.tasks import run as runs
from recurra.tasks.catalogue import TASKS
from recurra.tasks.run import Run, complete
from recurra.tasks.task import Task
from recurra.training import fit as fitting
from recurra.training import launch as launching
from recurra.training.checkpoint import RunFolder
from recurra.training.launch import launch
from recurra.training.recipe import Recipe
from tests.training import tiny
from tests.training.test_fit import train

from .conftest import Lab
from .table import proves, proves_for_all

# one value other than the usual for every field, all of which go together
OTHER: dict[str, Any] = {
    "skip_bad_rows": True,
    "max_length": 40,
    "vocabulary": 500,
    "unit": "bytes",
    "bptt": 9,
    "tied": True,
    "valid_share": 0.2,
    "test_share": 0.1,
    "cell": "lstm",
    "engine": "loop",
    "hidden": 6,
    "layers": 2,
    "embedding": 5,
    "bidirectional": False,
    "lookahead": 1,
    "residual": True,
    "time_scale": 9.0,
    "init": "orthogonal",
    "pool": "mean",
    "output": "softmax",
    "attention": "multiplicative",
    "input_feeding": True,
    "dropout": 0.11,
    "variational": True,
    "weight_drop": 0.12,
    "clip_state": 0.7,
    "checkpoint_every": 32,
    "word_dropout": 0.13,
    "convolutions": 2,
    "placement": "beside",
    "encoder": "linear",
    "spelling": "recurrent",
    "letters": 6,
    "rare_dropout": 0.16,
    "context": "sentence",
    "members": 2,
    "bag": True,
    "shift": 0.1,
    "neighbours": 2,
    "past": 3,
    "filters": 5,
    "noise": 0.07,
    "warp": 0.08,
    "scale": "series",
    "layout": "wide",
    "labels": "series",
    "label_smoothing": 0.14,
    "scheduled_sampling": 0.15,
    "epochs": 2,
    "batch_size": 7,
    "accumulate": 2,
    "learning_rate": 0.0021,
    "weight_decay": 0.02,
    "warmup": 0.06,
    "schedule": "constant",
    "average": 0.5,
    "clip": 0.9,
    "patience": 4,
    "max_time": "2h",
    "beam": 2,
    "length_penalty": 0.5,
    "no_repeat": 6,
    "horizon": 3,
    "lookback": 11,
    "segment": 2,
    "season": 5,
    "every": 2,
    "samples": 9,
    "norm": "mean",
    "channels": "together",
    "strategy": "recursive",
    "calendar": True,
    "drift": 50.0,
    "alarm_rate": 0.01,
    "surprise": "likelihood",
    "smooth": 4.0,
    "memory": 40.0,
    "level": 50.0,
    "rest": 9,
    "threshold": 0.4,
    "steps": "regular",
    "pixels": 24,
    "steps_per_beat": 2,
    "transpose": 3,
    "length": 5,
    "temperature": 0.8,
    "top_k": 3,
    "top_p": 0.7,
    "seed": 3,
    "device": "cpu",
    "precision": "64-true",
    "diagnose_every": 4,
    "threads": 1,
}


def taken(task: Task) -> dict[str, Any]:
    own = {"output": "gaussian"} if task.name in ("forecasting", "anomaly_detection") else {}
    own |= {"output": "independent"} if task.name == "polyphonic_music" else {}
    # a frozen encoder has tests of its own
    own |= {"encoder": "convolution"} if task.name == "image_captioning" else {}
    return {name: value for name, value in {**OTHER, **own}.items() if name in task.options}


class Stop(Exception):  # noqa: N818  # no error
    """Raised where a test has seen enough."""


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_flags_reach_the_recipe(
    task: Task, lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    found: list[Recipe] = []

    def stop(self: Run) -> Any:
        found.append(self.recipe)
        raise Stop

    monkeypatch.setattr(Run, "train", stop)
    monkeypatch.setenv("RECURRA_DEBUG", "1")
    wanted = {**taken(task), "data": "some/where", "out": str(tmp_path / "run")}
    columns = ("text", "label", "series", "time")
    named = [f"{column}_column" for column in columns]
    for name in ("valid", "test", "windows", "value_columns", "source", "target", *named):
        if name in task.options:
            wanted[name] = f"the {name}"
    flags: list[str] = []
    for name, value in wanted.items():
        flag = f"--{name.replace('_', '-')}"
        if isinstance(value, bool):
            flags.append(flag if value else f"--no-{name.replace('_', '-')}")
        else:
            flags += [flag, str(value)]
    with pytest.raises(Stop):
        main(["train", task.name, *flags])
    assert {name: getattr(found[0], name) for name in wanted} == wanted
    config = tmp_path / "recipe.toml"
    config.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in wanted.items()))
    with pytest.raises(Stop):
        main(["train", task.name, "--config", str(config)])
    assert found[1] == found[0]


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_wiring(task: Task, lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The recipe of a run is the one that reads, fits, builds, trains, validates, evaluates."""
    given: dict[str, list[Any]] = {}

    def watched(name: str, function: Any) -> Any:
        def call(*args: Any) -> Any:
            given.setdefault(name, []).append(args)
            return function(*args)

        return call

    names = ("read", "fit", "build", "validate", "evaluate")
    spied = dataclasses.replace(
        task, **{name: watched(name, getattr(task, name)) for name in names}
    )
    fit, loops = fitting.fit, []

    def fitted(*args: Any, **kwargs: Any) -> Any:
        loops.append((args, kwargs))
        return fit(*args, **kwargs)

    monkeypatch.setattr(fitting, "fit", fitted)
    fields = {**taken(task), "data": lab.data(task), "out": str(tmp_path / "run")}
    fields |= {"precision": "32-true", "hidden": 4, "epochs": 1}
    if task.name == "image_captioning":
        fields["weight_drop"] = 0.0
    recipe = complete(task, fields)
    model = Run(spied, recipe, quiet=True).train()
    splits = task.read(recipe)
    told = {"encoding": splits.encoding} if "encoding" in task.options else {}
    settled = dataclasses.replace(recipe, **told)
    for name in names:
        for args in given[name]:
            assert args[-1] == (recipe if name == "read" else settled), name
    ((args, kwargs),) = loops
    assert kwargs["recipe"] == settled
    counts = {name: [len(args[2]) for args in given[name]] for name in ("validate", "evaluate")}
    assert set(counts["validate"]) == {len(splits.valid)}
    assert counts["evaluate"] == [len(splits.test)]
    assert len(args[1]) == len(task.items(model.codec, splits.train, settled))
    assert (kwargs["metric"], kwargs["higher"]) == (task.criterion, task.criterion in GROWS)
    stored = json.loads((tmp_path / "run" / "config.json").read_text())["recipe"]
    assert task.recipe.of(stored) == settled == model.recipe


GROWS = {"accuracy", "span_f1"}


@proves_for_all("seed")
def test_seed_decides_weights_and_order_and_nothing_else_does():
    def weights(seed: int) -> dict[str, Any]:
        network = tiny.network(0.3)
        train(network, epochs=1, seed=seed)
        return network.state_dict()

    first, again, other = (weights(seed) for seed in (4, 4, 5))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


@proves("seed")
def test_seed_decides_the_first_weights(
    task: Task, lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def first(network: Any, *_: Any, **__: Any) -> Any:
        raise Stop(network)

    monkeypatch.setattr(fitting, "fit", first)

    def weights(seed: int, number: int) -> Any:
        recipe = lab.recipe(task, seed=seed, out=str(tmp_path / f"run{number}"))
        torch.rand(number)  # what was drawn before decides nothing
        with pytest.raises(Stop) as stopped:
            Run(task, recipe, quiet=True).train()
        return [p for p in stopped.value.args[0].parameters() if p.ndim > 1]

    one, again, other = (weights(*each) for each in [(1, 1), (1, 2), (2, 3)])
    assert all(torch.equal(a, b) for a, b in zip(one, again, strict=True))
    assert not torch.equal(one[-1], other[-1]) or one[-1].shape != other[-1].shape


@proves_for_all("threads")
def test_threads_are_torchs(monkeypatch: pytest.MonkeyPatch):
    told: list[int] = []
    for place in (launching, runs):
        monkeypatch.setattr(place.torch, "set_num_threads", told.append)
    launch(tiny.recipe(threads=3))
    launch(tiny.recipe(threads=0))
    assert told == [3]


@proves_for_all("precision")
@pytest.mark.parametrize(
    ("precision", "kept", "computed"),
    [
        ("32-true", torch.float32, torch.float32),
        ("64-true", torch.float64, torch.float64),
        ("bf16-mixed", torch.float32, torch.bfloat16),
    ],
)
def test_precision_is_that_of_weights_and_of_products(
    precision: str, kept: torch.dtype, computed: torch.dtype
):
    found = set()
    network = tiny.network()
    network.body.register_forward_hook(
        lambda module, _, y: found.add(y.dtype) if module.training else None
    )
    train(network, epochs=1, precision=precision)
    assert found == {computed}
    assert {p.dtype for p in network.parameters()} == {kept}


@proves_for_all("device")
@proves_for_all("precision")
def test_device_and_precision_are_lightnings(monkeypatch: pytest.MonkeyPatch):
    assert launch(tiny.recipe(device="cpu")).device == torch.device("cpu")
    for place in ("cuda", "cuda:1"):
        monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
        with pytest.raises(RecurraError, match=f"device: received '{place}'"):
            launch(tiny.recipe(device=place))
    asked = []
    monkeypatch.setattr("lightning_fabric.Fabric", lambda **kinds: asked.append(kinds) or _Off())
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    launch(tiny.recipe(device="auto"))
    launch(tiny.recipe(device="cuda:2"))
    launch(tiny.recipe(device="cpu"))
    assert [kinds["accelerator"] for kinds in asked] == ["cuda", "cuda", "cpu"]
    assert asked[1]["devices"] == [2]
    for precision in ("16-mixed", "32-true"):
        launch(tiny.recipe(precision=precision))
        assert asked[-1]["precision"] == precision


class _Off:
    def launch(self) -> None: ...


@proves_for_all("tensorboard")
def test_tensorboard_writes_events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    opened = []

    class Events:
        def __init__(self, path: Path, step: int) -> None:
            opened.append((path, step))
            self.entries: list[Any] = []

        def record(self, entry: Any) -> None:
            self.entries.append(entry)
            opened.append(entry["step"])

        def close(self) -> None: ...

    monkeypatch.setattr("recurra.training.checkpoint.Events", Events)
    monkeypatch.setattr("recurra.training.loop.need_events", lambda: None)
    for wanted in (False, True):
        opened.clear()
        folder = RunFolder(tmp_path / str(wanted))
        monkeypatch.setattr(folder, "save_best", lambda *_: None)
        train(tiny.network(), run=folder, epochs=2, tensorboard=wanted)
        assert opened == ([(folder.path, 0), 6, 12] if wanted else [])


@proves("out")
def test_out_is_the_folder_of_the_run(task: Task, lab: Lab, tmp_path: Path):
    home = tmp_path / "deep" / "mine"
    assert runs.place(task, lab.recipe(task, out=str(home))) == home
    assert runs.place(task, lab.recipe(task)) == Path(f"runs/{task.name}")


@proves_for_all("resume")
def test_resume_goes_on_where_it_was(tmp_path: Path):
    from recurra import bundle

    def run(home: Path, **fields: Any) -> Any:
        network = tiny.network()
        if not home.exists():
            config = {"task": "tiny", "recipe": {}}
            bundle.write(home, config, network.state_dict(), {}, "card")
        constant: dict[str, Any] = {"schedule": "constant", "warmup": 0.0}
        return network, train(network, run=home, **constant, **fields)

    whole, _ = run(tmp_path / "whole", epochs=4)
    run(tmp_path / "parts", epochs=2)
    parts, history = run(tmp_path / "parts", epochs=4, resume=True)
    assert history.step == 24
    assert [entry["step"] for entry in history.entries] == [6, 12, 18, 24]
    for name, weights in whole.state_dict().items():
        assert torch.equal(weights, parts.state_dict()[name])
    _, afresh = run(tmp_path / "parts", epochs=1)
    assert [entry["step"] for entry in afresh.entries] == [6]
