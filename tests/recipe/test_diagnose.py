"""The row of the field that has a run look at its gradients through time."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from recurra.training.checkpoint import RunFolder
from recurra.training.lookout import Lookout
from recurra.training.progress import Progress
from tests.training import tiny
from tests.training.test_fit import train

from .table import proves_for_all


class Recurring(tiny.Tagger):
    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.LSTM(3, 3, batch_first=True)

    def forward(self, x: Any) -> Any:
        return super().forward(self.rnn(x)[0])


def run(home: Path, monkeypatch: pytest.MonkeyPatch, every: int) -> tuple[Any, list[Any], Any]:
    folder = RunFolder(home)
    monkeypatch.setattr(folder, "save_best", lambda *_: None)
    monkeypatch.setattr("recurra.training.lookout.SHARE", 1e9)
    torch.manual_seed(0)
    network = Recurring()
    history = train(network, run=folder, epochs=2, diagnose_every=every)
    lines = [json.loads(line) for line in folder.log.read_text().splitlines()]
    return network, [line for line in lines if "clipped" in line], history


@proves_for_all("diagnose_every")
def test_a_run_looks_at_its_gradients_and_is_not_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    plain, none, before = run(tmp_path / "plain", monkeypatch, 0)
    network, looks, history = run(tmp_path / "looks", monkeypatch, 5)
    assert none == []
    assert [look["step"] for look in looks] == [5, 10]
    assert all(look["horizon/rnn"] is None or look["horizon/rnn"] >= 1 for look in looks)
    assert {"step", "clipped", "horizon/rnn", "growth/rnn"} == set(looks[0])
    assert [entry["step"] for entry in history.entries] == [e["step"] for e in before.entries]
    for name, weight in plain.state_dict().items():
        assert torch.equal(weight, network.state_dict()[name]), name


@pytest.mark.unchecked("what steps is a stand-in")
def test_looks_take_no_more_than_their_share(monkeypatch: pytest.MonkeyPatch):
    now = [0.0]
    monkeypatch.setattr("recurra.training.lookout.time.monotonic", lambda: now[0])

    class Stepper:
        recipe = tiny.recipe(clip=1.0)

    lookout = Lookout(Stepper(), 2)  # only its recipe is asked
    monkeypatch.setattr(
        lookout, "_measured", lambda _: (now.__setitem__(0, now[0] + 1.0), ([], []))[1]
    )
    looked = []
    for step in range(1, 101):
        now[0] += 1.0
        lookout.stepped(2.0 if step % 2 else 0.5)
        if lookout.due(step):
            looked.append(lookout.look(step, [])[0])
    assert looked[0]["step"] == 2
    assert looked[0]["clipped"] == 0.5
    assert lookout.spent <= 0.05 * now[0]
    assert 2 <= len(looked) <= 5


def test_a_run_that_explodes_is_warned_of_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    told: list[str] = []
    monkeypatch.setattr(Progress, "warn", lambda _, text: told.append(text))
    monkeypatch.setattr("recurra.training.lookout.SHARE", 1e9)
    torch.manual_seed(0)
    network = Recurring()
    network.rnn = nn.RNN(3, 3, nonlinearity="relu", batch_first=True)
    with torch.no_grad():
        network.rnn.weight_hh_l0.copy_(9 * torch.eye(3))
        network.rnn.bias_ih_l0.fill_(5.0)
    train(network, epochs=2, diagnose_every=1, learning_rate=1e-9, progress=Progress(quiet=True))
    assert len([text for text in told if "exploding" in text]) == 1


def test_a_network_without_recurrence_trains_on(monkeypatch: pytest.MonkeyPatch):
    told: list[str] = []
    monkeypatch.setattr(Progress, "warn", lambda _, text: told.append(text))
    history = train(tiny.network(), epochs=2, diagnose_every=1, progress=Progress(quiet=True))
    assert history.step == 12
    assert len(told) == 1
    assert "looked at no more" in told[0]
