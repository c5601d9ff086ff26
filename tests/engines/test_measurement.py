"""Measuring, with a clock that the test moves."""

from collections.abc import Iterator

import pytest
import torch

from recurra.cells import CELLS, GRU, LSTM, SLSTM, MinGRU
from recurra.engines import measurement, order
from recurra.engines.measurement import (
    LARGE,
    QUICK,
    THOROUGH,
    USUAL,
    Passes,
    Question,
    measure,
    medians,
    passes,
    questions,
)
from recurra.engines.native.library import missing
from recurra.engines.table import MODES

BEST = "native" if missing() is None else "vendor"


class Stage:
    """Candidates that take as long as they are told, by a clock of their own."""

    def __init__(self, **costs: list[float]) -> None:
        self.now, self.count = 0.0, dict.fromkeys(costs, 0)
        self.costs = {name: self.forever(times) for name, times in costs.items()}

    @staticmethod
    def forever(times: list[float]) -> Iterator[float]:
        yield from times
        while True:
            yield times[-1]

    def passes(self) -> Passes:
        def run(name: str) -> None:
            self.now += next(self.costs[name])
            self.count[name] += 1

        return {name: (lambda name=name: run(name)) for name in self.costs}

    def timer(self) -> float:
        return self.now


def test_the_median_is_told_whatever_came_between() -> None:
    stage = Stage(one=[90.0, 1.0, 1.0, 50.0, 1.0], two=[2.0])
    found = medians(stage.passes(), 50.0, stage.timer)
    assert found == {"one": 1.0, "two": 2.0}
    assert stage.count == {"one": 5, "two": 5}


def test_the_hopeless_are_not_run_again() -> None:
    stage = Stage(one=[1.0], unlucky=[9.0, 2.0], slow=[9.0, 8.0, 1.0])
    found = medians(stage.passes(), 10.0, stage.timer)
    assert found == {"one": 1.0, "unlucky": 2.0, "slow": 8.0}
    assert stage.count == {"one": 5, "unlucky": 5, "slow": 2}
    stage = Stage(one=[1.0], slow=[9.0])
    medians(stage.passes(), 10.0, stage.timer)
    assert stage.count == {"one": 2, "slow": 2}


def test_what_takes_too_long_is_broken_off() -> None:
    stage = Stage(one=[1.0], two=[1.5])
    medians(stage.passes(), 0.3, stage.timer)
    assert stage.count == {"one": 2, "two": 2}


def test_short_passes_are_repeated_within_the_time() -> None:
    stage = Stage(one=[1e-4], two=[2e-4])
    found = medians(stage.passes(), 1e9, stage.timer)
    assert found == pytest.approx({"one": 1e-4, "two": 2e-4})
    assert stage.count == pytest.approx({"one": 2 + 15 * 20, "two": 2 + 15 * 10}, abs=15)
    stage = Stage(one=[1e-3], two=[1e-3])
    medians(stage.passes(), 0.04, stage.timer)
    assert 3 < (stage.count["one"] - 2) / 2 < 15


def test_only_a_clear_winner_is_written_down(monkeypatch: pytest.MonkeyPatch) -> None:
    costs = {"loop": 0.8, "vendor": 0.99, "native": 1.0, "scan": 0.5}
    stages: list[Stage] = []

    def told(question: Question, device: torch.device) -> Passes:
        stages.append(Stage(**{name: [costs[name]] for name in passes(question, device)}))
        return stages[-1].passes()

    monkeypatch.setattr(measurement, "passes", told)
    asked = [Question(LSTM, "train", (1, 9, 3)), Question(LSTM, "train", (1, 900, 3))]
    table = measure(asked, 9.0, lambda: stages[-1].timer())
    assert table.shapes == ((1, 9, 3), (1, 900, 3))
    assert table.faster == {("LSTM", "train", (1, 9, 3)): "loop"}
    assert table.threads == torch.get_num_threads()


@pytest.mark.parametrize("mode", ["train", "forward"])
@pytest.mark.parametrize("kind", CELLS)
def test_every_engine_that_takes_the_cell_is_run(kind: type, mode: str) -> None:
    found = passes(Question(kind, mode, (2, 5, 4)))
    cell, x = kind(4, 4), torch.zeros(2, 5, 4)
    assert list(found) == [e.name for e in order(5) if e.refuse(cell, x) is None]
    for run in found.values():
        run()


def test_the_preferred_engine_comes_first() -> None:
    assert next(iter(passes(Question(GRU, "train", (2, 2, 4))))) == "loop"
    assert next(iter(passes(Question(GRU, "train", (2, 100, 4))))) == BEST
    assert "loop" not in passes(Question(MinGRU, "train", (2, 100, 4)))
    assert passes(Question(SLSTM, "train", (2, 100, 4)))


def test_no_question_takes_long() -> None:
    for shapes in (QUICK, USUAL, THOROUGH):
        asked = questions(shapes)
        assert len(asked) == len(set(asked)) > 0
        assert all(batch * time * width <= LARGE for _, _, (batch, time, width) in asked)


def test_a_gpu_has_all_modes_and_larger_shapes() -> None:
    asked = questions([(64, 256, 768)], torch.device("cuda"))
    assert {question.mode for question in asked} == set(MODES)
    assert {question.kind for question in asked} == set(CELLS)
    assert not questions([(64, 256, 768)])
    assert not questions([(64, 2560, 768)], torch.device("cuda"))


def test_the_gpus_time_is_told_when_it_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr("torch.cuda.synchronize", lambda: told.append("done"))
    monkeypatch.setattr(measurement, "perf_counter", lambda: told.append("told") or 1.0)
    assert measurement.synchronized() == 1.0
    assert told == ["done", "told"]


def test_on_a_gpu_what_fails_is_no_candidate(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage(vendor=[3.0], triton=[2.0], scan=[0.1], loop=[9.0])

    def told(question: Question, device: torch.device) -> Passes:
        def fails() -> None:
            raise NotImplementedError("no such\ninstruction")

        broken = ["scan", *["vendor"] * (question.mode == "train")]
        return {**stage.passes(), **dict.fromkeys(broken, fails)}

    monkeypatch.setattr(measurement, "passes", told)
    monkeypatch.setattr(measurement, "synchronized", stage.timer)
    monkeypatch.setattr(measurement, "gpu", lambda device: f"Some {device.type}")
    monkeypatch.setattr("torch.__version__", "9.9")
    shape = 2, 9, 8
    asked = [Question(LSTM, mode, shape) for mode in MODES[:2]]
    with pytest.warns(UserWarning, match="failed on .*no such instruction"):
        table = measure(asked, 0.0, device=torch.device("cuda"))
    assert table[:4] == ("9.9", "Some cuda", "cuda", 0)
    assert table.faster == {("LSTM", mode, shape): "triton" for mode in MODES[:2]}
