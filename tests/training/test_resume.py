import json
import os
import resource
import signal
from pathlib import Path

import pytest
import torch

from recurra import bundle
from recurra.errors import BundleError, RecurraError
from recurra.storage import load_tensors
from recurra.training.checkpoint import RunFolder
from recurra.training.fit import fit
from tests.training.tiny import Tagger, collate, network, recipe, rows, validate

STEPS = 9  # 3 epochs of 6 batches, two batches a step


class Killed(BaseException):
    """Stands for kill -9: nothing is saved after it."""


class Stopping(Tagger):
    """Does something before the batches of a given step."""

    def __init__(self, step: int, act) -> None:
        torch.manual_seed(5)
        super().__init__(dropout=0.3)
        self.left, self.act = 2 * step - 1, act

    def loss(self, batch, smoothing=0.0):
        if self.training:
            self.left -= 1
            if self.left == 0:
                self.act()
        return super().loss(batch, smoothing)


def kill() -> None:
    raise Killed


def write(folder: Path) -> Path:
    return bundle.write(folder, {"task": "t", "recipe": {}}, network().state_dict(), {}, "")


def train(model, folder, every=0.0, check=validate, **fields):
    chosen = {"epochs": 3, "accumulate": 2, "schedule": "plateau", "patience": 2, **fields}
    return fit(
        model,
        rows(),
        collate,
        recipe=recipe(**chosen),
        run=RunFolder(folder, every=every),
        validate=check,
        metric="loss",
        higher=False,
    )


def answers():
    """Validation whose best is the first, so that the rate is halved and the best is older."""
    count = 0

    def check(model):
        nonlocal count
        count += 1
        return {**validate(model), "loss": 1.0 + validate(model)["loss"] / 1e6 + count}

    return check


def contents(folder: Path):
    """Return everything a run leaves, but for what the clock says."""
    last, metadata = load_tensors(folder / "last.safetensors")
    state = json.loads(metadata["state"])
    del state["clock"]
    log = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    for entry in log:
        del entry["seconds"], entry["tokens_per_second"]
    return last, bundle.read(folder).tensors, state, log


def assert_same(one: Path, other: Path) -> None:
    (last, best, *rest), (last2, best2, *rest2) = contents(one), contents(other)
    for ours, theirs in (last, last2), (best, best2):
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert rest == rest2


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    folder = write(tmp_path_factory.mktemp("whole"))
    history = train(Stopping(99, kill), folder)
    assert history.step == STEPS
    return folder


@pytest.mark.parametrize("step", range(1, STEPS + 1))
def test_killed_at_any_step_and_resumed_is_the_same_run(whole, tmp_path, step):
    folder = write(tmp_path)
    with pytest.raises(Killed):
        train(Stopping(step, kill), folder)
    resumed = Stopping(99, kill)
    history = train(resumed, folder, resume=True)
    assert_same(folder, whole)
    assert len(history.entries) == 3
    assert all(torch.equal(t, resumed.state_dict()[n]) for n, t in contents(whole)[1].items())


@pytest.mark.parametrize("step", [2, 5, 8])
def test_the_average_of_the_weights_goes_on(tmp_path, step):
    whole, folder = write(tmp_path / "whole"), write(tmp_path / "killed")
    train(Stopping(99, kill), whole, average=0.6)
    with pytest.raises(Killed):
        train(Stopping(step, kill), folder, average=0.6)
    train(Stopping(99, kill), folder, resume=True, average=0.6)
    assert_same(folder, whole)
    last, best, _, _ = contents(whole)
    own = {name[8:]: tensor for name, tensor in last.items() if name.startswith("network.")}
    assert not any(torch.equal(best[name], tensor) for name, tensor in own.items())


def test_an_average_of_another_network_is_refused(tmp_path):
    folder = write(tmp_path)
    train(Stopping(99, kill), folder)
    with pytest.raises(BundleError, match="lacks"):
        train(Stopping(99, kill), folder, resume=True, epochs=4, average=0.6)


@pytest.mark.parametrize("step", [2, 5, 8])
def test_killed_between_two_saves_goes_back_to_the_last(whole, tmp_path, step):
    """Saved after each epoch only; an epoch that was finished is never lost."""
    folder = write(tmp_path)
    with pytest.raises(Killed):
        train(Stopping(step, kill), folder, every=1e9)
    assert json.loads(load_tensors(folder / "last.safetensors")[1]["state"])["standing"][
        "step"
    ] == 3 * ((step - 1) // 3)
    train(Stopping(99, kill), folder, every=1e9, resume=True)
    assert_same(folder, whole)


def test_killed_twice_and_while_validating(tmp_path):
    """What the log and the best weights say beyond the last state is written again."""
    whole = write(tmp_path / "whole")
    train(Stopping(99, kill), whole, check=validate)
    folder = write(tmp_path / "killed")

    class Loses(RunFolder):
        def record(self, entry):
            super().record(entry)
            raise Killed

    for lost in 1, 2, 3:
        with pytest.raises(Killed):
            fit(
                Stopping(99, kill),
                rows(),
                collate,
                recipe=recipe(
                    epochs=3, accumulate=2, schedule="plateau", patience=2, resume=lost > 1
                ),
                run=Loses(folder, every=0.0),
                validate=validate,
                metric="loss",
                higher=False,
            )
        assert len((folder / "metrics.jsonl").read_text().splitlines()) == 1
    train(Stopping(99, kill), folder, resume=True)
    assert_same(folder, whole)


def test_rate_and_older_best_survive(tmp_path):
    whole, folder = write(tmp_path / "whole"), write(tmp_path / "killed")
    train(Stopping(99, kill), whole, check=answers(), patience=0)
    check = answers()
    with pytest.raises(Killed):
        train(Stopping(8, kill), folder, check=check, patience=0)
    train(Stopping(99, kill), folder, check=check, patience=0, resume=True)
    assert_same(folder, whole)
    state = contents(folder)[2]
    assert state["standing"]["factor"] == 0.5
    assert state["standing"]["best_step"] == 3


def test_interrupted_finishes_the_step_saves_and_returns(whole, tmp_path):
    folder = write(tmp_path)
    before = signal.getsignal(signal.SIGINT)
    model = Stopping(5, lambda: os.kill(os.getpid(), signal.SIGINT))
    history = train(model, folder, every=1e9)
    assert (history.stopped, history.step) == ("interrupted", 5)
    assert signal.getsignal(signal.SIGINT) is before
    assert validate(model)["loss"] == history.best  # of the first epoch
    train(Stopping(99, kill), folder, every=1e9, resume=True)
    assert_same(folder, whole)


def test_interrupted_before_any_validation_keeps_the_trained_weights(tmp_path):
    folder = write(tmp_path)
    model = Stopping(2, lambda: os.kill(os.getpid(), signal.SIGINT))
    history = train(model, folder)
    assert history.best is None
    saved = bundle.read(folder).tensors
    assert not torch.equal(saved["body.weight"], network().body.weight)
    assert torch.equal(saved["body.weight"], model.body.weight)


def test_second_interrupt_stops_at_once(tmp_path):
    def twice() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        train(Stopping(2, twice), write(tmp_path))


def test_finished_run_resumed_does_nothing(whole, tmp_path):
    folder = write(tmp_path)
    train(Stopping(99, kill), folder)
    model = Stopping(1, kill)
    history = train(model, folder, resume=True)
    assert (history.stopped, history.step) == ("epochs", STEPS)
    assert_same(folder, whole)


def test_more_epochs_go_on(tmp_path):
    folder = write(tmp_path)
    train(Stopping(99, kill), folder, schedule="constant", patience=0)
    history = train(
        Stopping(99, kill), folder, schedule="constant", patience=0, epochs=5, resume=True
    )
    assert history.step == 15
    assert [entry["epoch"] for entry in history.entries] == [1, 2, 3, 4, 5]


def test_beginning_afresh_forgets_the_earlier_run(whole, tmp_path):
    folder = write(tmp_path)
    train(Stopping(99, kill), folder, seed=7)
    write(folder)
    train(Stopping(99, kill), folder)
    assert_same(folder, whole)


def test_nothing_to_resume(whole, tmp_path):
    """A run that saved no state begins."""
    history = train(Stopping(99, kill), write(tmp_path), resume=True)
    assert history.step == STEPS
    assert_same(tmp_path, whole)


@pytest.mark.parametrize("fields", [{"batch_size": 8}, {"seed": 3}])
def test_resumed_with_another_order(tmp_path, fields):
    folder = write(tmp_path)
    train(Stopping(99, kill), folder, epochs=1)
    with pytest.raises(RecurraError, match=r"rows, batch_size, seed\) \[22, 4, 0\]; this one has"):
        train(Stopping(99, kill), folder, resume=True, **fields)


def test_resumed_with_another_network(tmp_path):
    folder = write(tmp_path)
    train(Stopping(99, kill), folder, epochs=1)
    other = Stopping(99, kill)
    other.head = torch.nn.Linear(8, 2)
    with pytest.raises(BundleError, match=r"head.weight has shape \[1, 8\].*has \[2, 8\]"):
        train(other, folder, resume=True)


def test_damaged_state(tmp_path):
    folder = write(tmp_path)
    train(Stopping(99, kill), folder, epochs=1)
    path = folder / "last.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(BundleError, match="damaged"):
        train(Stopping(99, kill), folder, resume=True)


def test_full_disk_is_one_line_and_keeps_the_checkpoint(whole, tmp_path):
    folder = write(tmp_path)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))

    try:
        with pytest.raises(
            RecurraError, match=r"last.safetensors cannot be written.*kept"
        ) as error:
            train(Stopping(5, fill_disk), folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "\n" not in str(error.value)
    assert contents(folder)[2]["standing"]["step"] == 4
    train(Stopping(99, kill), folder, resume=True)
    assert_same(folder, whole)


def test_no_pickle_in_the_folder(whole):
    for path in whole.iterdir():
        start = path.read_bytes()[:10]
        assert path.suffix in {".json", ".jsonl", ".md", ".safetensors"}
        if path.suffix == ".safetensors":
            assert start[8:9] == b"{"
