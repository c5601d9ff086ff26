"""Language models at work: lanes, figures, scores, and texts that are shown as they are written."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import recurra
from recurra.cli import main
from recurra.data.passages import Passage
from recurra.data.units import END, UNKNOWN, Bytes, Characters, fit
from recurra.errors import DataError, RecurraError
from recurra.tasks import surprise as surprises
from recurra.tasks.codecs.prose import ProseCodec, Speller
from recurra.tasks.language_model import LANGUAGE_MODEL, items
from recurra.tasks.model import Model
from recurra.tasks.ngram import NGrams
from recurra.tasks.run import complete, source

from .conftest import TINY, write_prose


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    home = tmp_path_factory.mktemp("prose")
    fields = {**TINY, "hidden": 16, "epochs": 3, "learning_rate": 0.02}
    return recurra.train("language_model", data=write_prose(home), out=str(home / "run"), **fields)


def by_hand(model: Model, ids: list[int]) -> list[float]:
    """Return −log₂ p of each unit, told the ones before it one at a time."""
    state, found, before = model.network.start(torch.zeros(1, 0, dtype=torch.long)), [], END
    with torch.no_grad():
        for following in ids:
            logits, state = model.network.advance(torch.tensor([before]), state)
            found.append(-float(logits.double().log_softmax(-1)[0, following]) / math.log(2))
            before = following
    return found


def test_a_score_is_the_surprise_of_each_unit_after_all_before_it(model: Model):
    text = "The old cat saw Ω.\n"
    (answer,) = model.predict([text])
    ids = model.codec.units.encode(text.encode()).tolist()
    assert ids[16] == UNKNOWN
    wanted = by_hand(model, ids)
    assert answer.surprises == pytest.approx(wanted, abs=1e-4)
    assert answer.tokens == list(text)
    told = answer.asdict()
    assert told["unknown"] == 1
    assert told["bits_per_character"] == pytest.approx(sum(wanted) / len(text), rel=1e-4)
    assert told["perplexity"] == pytest.approx(2 ** (sum(wanted) / len(ids)), rel=1e-4)
    assert "(1 unknown)" in str(answer)


def test_a_long_text_is_read_in_parts_with_the_state_carried(
    model: Model, monkeypatch: pytest.MonkeyPatch
):
    rows = model.task.read(model.recipe).test * 3
    whole = model.task.evaluate(model.network, model.codec, rows, model.recipe)
    monkeypatch.setattr(surprises, "STEPS", 7)
    parts = model.task.evaluate(model.network, model.codec, rows, model.recipe)
    assert parts == pytest.approx(whole, rel=1e-6)
    assert whole["loss"] == pytest.approx(math.log(whole["perplexity"]))
    letters = sum(len(row.text.tobytes().decode()) for row in rows)
    units = len(model.codec.stream(rows)) - 1
    assert units == letters + len(rows) - 1
    bits = whole["loss"] * units / math.log(2) / letters
    assert whole["bits_per_character"] == pytest.approx(bits)


def test_lanes_begin_afresh_and_count_each_unit_once(model: Model, monkeypatch: pytest.MonkeyPatch):
    stream = model.codec.stream(model.task.read(model.recipe).train[:6])
    exact = float(torch.cat(list(surprises.surprise(model.network, stream))).sum())
    assert surprises.in_lanes(model.network, stream, 8) == pytest.approx(exact, rel=1e-6)
    monkeypatch.setattr(surprises, "LANE", 30)
    monkeypatch.setattr(surprises, "STEPS", 40)
    lanes = min(4, (len(stream) - 1) // 30)
    size = math.ceil((len(stream) - 1) / lanes)
    assert (len(stream) - 1) % lanes
    ids = stream[1:].tolist()
    apart = sum(sum(by_hand(model, ids[at : at + size])) for at in range(0, len(ids), size))
    found = surprises.in_lanes(model.network, stream, 4)
    assert found == pytest.approx(apart * math.log(2), rel=1e-5)
    assert found != pytest.approx(exact, rel=1e-5)


def test_lanes_of_training_hold_the_text_and_say_where(model: Model):
    recipe = complete(LANGUAGE_MODEL, {"data": "x", "batch_size": 4, "bptt": 2})
    rows = [Passage(np.frombuffer(b"the cat saw " * 200, np.uint8), "x")]
    cut = items(model.codec, rows, recipe)
    assert len(cut.sequences) == 4 * 4  # 2,400 characters: four sequences a lane
    together = torch.cat([y for _, y in cut.sequences])
    assert torch.equal(together, model.codec.stream(rows)[1:])
    assert source(cut, rows, len(cut) - 1) == "characters 2,251 to 2,400 of the training part"
    batch = model.codec.collate([cut[0], cut[cut.counts[0]]])
    assert batch.fresh.all()
    assert (batch.x[:, 0] == END).all()  # wherever a sequence begins
    assert batch.x[1, 1] == cut.sequences[1][0][1]
    after = model.codec.collate([cut[1]])
    assert not after.fresh.any()
    assert after.x[0, 0] == cut.sequences[0][0][2] != END


def test_units_are_kept_in_as_few_bytes_as_hold_them():
    text = "".join(map(chr, range(300, 700)))
    row = Passage(np.frombuffer(text.encode(), np.uint8), "x")
    for size, dtype in [(256, torch.uint8), (257, torch.int16), (1 << 16, torch.int16)]:
        codec = ProseCodec(fit("characters", [text.encode()], size))
        stream = codec.stream([row, row])
        assert stream.dtype == dtype
        one = codec.units.encode(text.encode()).tolist()
        assert stream.tolist() == [END, *one, END, *one]
    many = "".join(map(chr, range(0x4E00, 0x4E00 + 20_000))) + "".join(
        map(chr, range(0x10000, 0x10000 + 20_000))
    )
    codec = ProseCodec(Characters(many))
    stream = codec.stream([Passage(np.frombuffer(many.encode(), np.uint8), "x")])
    assert stream.dtype == torch.int32
    assert stream.tolist() == [END, *range(2, 40_002)]


def test_a_run_goes_on_exactly_and_with_the_same_units_alone(tmp_path: Path):
    data = write_prose(tmp_path)
    fields: dict[str, Any] = {**TINY, "data": data, "schedule": "constant", "warmup": 0.0}
    fields |= {"bptt": 16, "dropout": 0.2, "patience": 0}
    whole = recurra.train("language_model", **fields | {"epochs": 3}, out=str(tmp_path / "whole"))
    out = str(tmp_path / "parts")
    recurra.train("language_model", **fields | {"epochs": 1}, out=out)
    for name, value in [("unit", "bytes"), ("bptt", 8)]:
        with pytest.raises(RecurraError, match=f"{name}: this run began with"):
            recurra.train("language_model", **fields | {name: value}, out=out, resume=True)
    parts = recurra.train("language_model", **fields | {"epochs": 3}, out=out, resume=True)
    assert parts.metrics["test"] == whole.metrics["test"]


def test_a_character_is_shown_when_it_is_whole():
    speller, raw = Speller(Bytes()), "é—".encode()
    shown = [speller(byte + 2) for byte in raw]
    assert shown == ["", "é", "", "", "—"]
    assert speller(raw[0] + 2) == ""
    assert speller.rest() == "\ufffd"


def test_too_little_text_for_the_lanes_says_what_to_lower(tmp_path: Path):
    path = tmp_path / "short.txt"
    path.write_text("a short text, but a text")
    with pytest.raises(DataError, match=r"22 characters, too few for 50 lanes .*lower it to 22"):
        recurra.train(
            "language_model", data=str(path), out=str(tmp_path / "r"), **{**TINY, "batch_size": 50}
        )


def test_what_is_written_is_told_as_it_is_drawn(model: Model):
    told: list[str] = []
    written = model.write(["The old", "The"], told.append, max_length=40, seed=4)
    first = next(written)
    assert len(told) > 10
    assert "".join(told) == str(first) == "The old" + first.text
    second = next(written)
    again, other = list(model.write(["The old", "The old"], max_length=40, seed=4))
    assert again == first
    assert other.text != first.text
    assert second.prompt == "The"
    assert UNKNOWN not in first.tokens
    assert list(model.write(["The old"], max_length=40, seed=5)) != [first]


def test_a_prompt_is_read_in_one_pass_and_what_follows_is_likeliest(model: Model):
    calls: list[int] = []
    hook = model.network.body.register_forward_hook(lambda _, x, y: calls.append(x[0].shape[1]))
    (piece,) = model.write(["The old cat"], max_length=5, temperature=0)
    hook.remove()
    bias = model.network.head[-1].bias.data
    bias[UNKNOWN] += 100.0
    (other,) = model.write(["The old cat"], max_length=5, temperature=0)
    bias[UNKNOWN] -= 100.0
    assert other.tokens == piece.tokens
    assert calls[0] == len("The old cat")
    assert set(calls[1:]) == {1}
    ids = model.codec.units.encode(b"The old cat").tolist()
    with torch.no_grad():
        for token in piece.tokens:
            logits = model.network(torch.tensor([[END, *ids]]))[0, -1]
            logits[UNKNOWN] = -torch.inf
            assert token == int(logits.argmax())
            ids.append(token)


def test_prompts_of_every_kind(model: Model, capsys: pytest.CaptureFixture[str]):
    (piece,) = model.write([""], max_length=3)
    assert piece.prompt == ""
    list(model.write(["Ω and ж"], max_length=2))
    assert "2 characters were never seen in training" in capsys.readouterr().err
    for prompt, message in [("a" * 100_001, "100,001"), ("\ud800", "half a")]:
        with pytest.raises(RecurraError, match=message):
            list(model.write([prompt]))
    with pytest.raises(RecurraError, match="input 2 is empty"):
        model.predict(["The", ""])


@pytest.mark.unchecked("wrong values on purpose")
def test_what_is_no_text_is_no_prompt(model: Model):
    for given in (3, None, b"The"):
        with pytest.raises(RecurraError, match=f"input 1 is a {type(given).__name__}; give a text"):
            list(model.write([given]))


@pytest.mark.parametrize("unit", ["bytes", "subwords", "words"])
def test_other_units_are_written_and_scored(
    unit: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    fields = {**TINY, "unit": unit, "vocabulary": 270, "tied": True, "embedding": 12}
    run = str(tmp_path / "run")
    model = recurra.train("language_model", data=write_prose(tmp_path), out=run, **fields)
    names = {"words": "3-grams", "subwords": "4-grams", "bytes": "6-grams"}
    assert list(model.metrics["peers"]) == [names[unit]]
    text = "The old cat saw — dogs."
    (answer,) = recurra.load(run).predict([text])
    assert len(answer.tokens) == len(answer.surprises)
    told: list[str] = []
    (piece,) = model.write(["The old —"], told.append, max_length=30)
    assert "".join(told) == str(piece)
    shown = b"".join(model.codec.units.spell(token) for token in piece.tokens)
    assert piece.text == shown.decode("utf-8", "replace")


def test_the_command_line(model: Model, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    folder = str(model.save(tmp_path / "bundle"))
    line = ["generate", folder, "The old", "--max-length", "12", "--seed", "3"]
    assert main(line) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("The old")
    assert main([*line, "--out", str(tmp_path / "new" / "a.txt"), "--top-k", "1"]) == 0
    out = capsys.readouterr().out
    assert (tmp_path / "new" / "a.txt").read_text() == out.rpartition("\n  ")[0] + "\n"
    assert main(["generate", folder, "The", "--count", "2", "--max-length", "5"]) == 0
    assert len(capsys.readouterr().out.splitlines()) >= 2
    assert not list(Path().glob("text-*.txt"))
    assert main(["predict", folder, "The old cat", "--as-json"]) == 0
    assert '"surprises"' in capsys.readouterr().out


def test_n_grams_are_counted_as_their_formula_says():
    random = np.random.default_rng(0)
    seen, asked = random.integers(0, 5, 300), random.integers(0, 5, 60)
    model = NGrams(seen, 6, 3)

    def p(history: tuple[int, ...], word: int) -> float:
        size = len(history)
        found = [
            int(seen[i + size])
            for i in range(len(seen) - size)
            if tuple(seen[i : i + size].tolist()) == history
        ]
        lower = p(history[1:], word) if history else 1 / 6
        kinds = len(set(found))
        return (found.count(word) + kinds * lower) / (len(found) + kinds) if found else lower

    wanted = [
        -math.log(p(tuple(asked[max(0, i - 2) : i].tolist()), int(asked[i]))) for i in range(60)
    ]
    assert model.nats(asked) == pytest.approx(wanted)
    assert NGrams(seen, 1 << 31, 6).order == 2  # of larger numbers, fewer fit


def test_n_grams_are_asked_in_pieces_with_their_histories(
    model: Model, monkeypatch: pytest.MonkeyPatch
):
    splits = model.task.read(model.recipe)
    given: tuple[Any, ...] = (model.codec, splits.train, splits.test, model.recipe)
    whole = surprises.peers(*given)
    stream = model.codec.stream(splits.test).long().numpy()
    counted = NGrams(model.codec.stream(splits.train).long().numpy(), len(model.codec.units), 6)
    loss = counted.nats(stream)[1:].mean()
    assert whole["6-grams"]["loss"] == pytest.approx(loss)
    monkeypatch.setattr(surprises, "PIECE", 13)
    assert surprises.peers(*given)["6-grams"] == pytest.approx(whole["6-grams"])
    assert surprises.baseline(*given) == pytest.approx(model.metrics["baseline"])
