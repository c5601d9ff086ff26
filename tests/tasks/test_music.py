"""Music: what is learned is the next token, from the tokens before it and the key alone."""

from pathlib import Path

import pytest
import torch
from torch import nn

import recurra
from recurra.cli import main
from recurra.data.music import MODES
from recurra.data.readers import midi
from recurra.data.readers.midi import Tune
from recurra.tasks.codecs.tunes import MusicCodec
from recurra.tasks.evaluation import mean_loss
from recurra.tasks.music_generation import MUSIC_GENERATION as TASK
from recurra.topologies import Writer
from tests.data.test_midi_files import midi as write
from tests.data.test_midi_files import tune
from tests.tasks.conftest import TINY


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[Tune]:
    folder = tmp_path_factory.mktemp("tunes")
    for i in range(6):
        (folder / f"{i}.mid").write_bytes(write(tune(5 + i, 50 + i)))
    splits = midi.read(TASK.recipe(data=str(folder), max_length=24))
    return [one for part in splits.parts for one in part]


@pytest.fixture(scope="module")
def codec(rows: list[Tune]) -> MusicCodec:
    return TASK.fit(rows, TASK.recipe(max_length=24))


@pytest.fixture(scope="module")
def network(codec: MusicCodec) -> Writer:
    torch.manual_seed(0)
    built = TASK.build(codec, TASK.recipe(hidden=8, embedding=8, layers=2)).double().eval()
    assert isinstance(built, Writer)
    nn.init.normal_(built.decoder.to_logits.weight)
    return built


def test_the_input_is_the_answer_one_step_later(rows: list[Tune], codec: MusicCodec) -> None:
    lengths = set()
    for row in rows:
        x, y, _ = codec.encode(row)
        whole = codec.notes.encode(row.score)
        assert x.tolist() == [codec.notes.start, *whole[:23]]
        assert y.tolist() == [*whole[:23], codec.notes.end]
        lengths.add(len(x))
    assert {20, 24} <= lengths  # short ones, and some that are cut


def test_key_and_mode_are_numbers(rows: list[Tune], codec: MusicCodec) -> None:
    told = [codec.encode(rows[0]._replace(key=7, mode=mode))[2].tolist() for mode in MODES]
    assert told == [[7, 0], [7, 1]]


def test_no_later_token_changes_a_logit(
    rows: list[Tune], codec: MusicCodec, network: Writer
) -> None:
    batch = codec.collate([codec.encode(row) for row in rows])
    logits = network(batch.context, batch.x, batch.lengths)
    for t in (1, 2, 5, 11):
        other = batch.x.clone()
        other[:, t:] = torch.randint(4, len(codec.notes), other[:, t:].shape)
        assert bool((other[:, t] != batch.x[:, t]).any())
        changed = network(batch.context, other, batch.lengths)
        torch.testing.assert_close(changed[:, :t], logits[:, :t], rtol=0, atol=0)
        assert not torch.equal(changed[:, t], logits[:, t])


def test_the_loss_is_that_of_each_token_after_those_before_it(
    rows: list[Tune], codec: MusicCodec, network: Writer
) -> None:
    total, count = 0.0, 0
    for row in rows:
        _, y, attributes = codec.encode(row)
        state = network.start(attributes[None])
        for before, after in zip([codec.notes.start, *y.tolist()], y.tolist(), strict=False):
            logits, state = network.advance(torch.tensor([before]), state)
            total -= float(logits.detach().log_softmax(-1)[0, after])
            count += 1
    assert mean_loss(network, codec, rows)["loss"] == pytest.approx(total / count, rel=1e-9)
    batch = codec.collate([codec.encode(row) for row in rows])
    loss = network.loss(batch._replace(x=batch.y))
    assert (loss.total / loss.count).item() != pytest.approx(total / count, rel=1e-3)


def test_the_key_and_the_mode_change_what_is_written(codec: MusicCodec, network: Writer) -> None:
    x = torch.tensor([[codec.notes.start]])
    asked = [(0, 0), (7, 0), (0, 1)]
    logits = [network(torch.tensor([[key, mode]]), x) for key, mode in asked]
    assert not torch.equal(logits[0], logits[1])
    assert not torch.equal(logits[0], logits[2])


def test_one_file_trains_with_one_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "songs" / "old" / "one.MID"
    file.parent.mkdir(parents=True)
    file.write_bytes(write(tune(64)))
    flags = [x for name, value in TINY.items() for x in (f"--{name.replace('_', '-')}", str(value))]
    command = ["train", "music_generation", "--data", str(file), "--out", str(tmp_path / "run")]
    assert main([*command, *flags]) == 0
    assert f"{file}: one tune is split in time" in capsys.readouterr().err
    model = recurra.load(tmp_path / "run")
    assert model.metrics["train_examples"] == 1
    assert model.evaluate()["nll"] == pytest.approx(model.metrics["test"]["nll"])
    assert model.evaluate(str(file))["nll"] != pytest.approx(model.metrics["test"]["nll"])


def test_what_cannot_be_read_ends_the_command_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "drums.mid").write_bytes(write(tune(channel=9)))
    assert main(["train", "music_generation", "--data", str(tmp_path)]) == 2
    error = capsys.readouterr().err.splitlines()
    assert len(error) == 1
    assert "drums.mid: has no pitched notes" in error[0]
