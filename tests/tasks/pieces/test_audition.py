"""What is listened to, on a writer whose next token is known, and on trained models."""

import dataclasses
import json
from html.parser import HTMLParser
from pathlib import Path
from statistics import median
from typing import Any

import pytest

import recurra
from recurra.data.music import KEYS
from recurra.data.readers.smf import symusic
from recurra.data.rolls import of_score as roll_of
from recurra.errors import RecurraError
from recurra.tasks.catalogue import find
from recurra.tasks.model import Model
from recurra.tasks.pieces import listen
from recurra.tasks.pieces.audition import Audition
from recurra.tasks.pieces.piece import TICKS, of_roll
from recurra.tasks.run import complete
from tests.recipe.test_decoding import Chain
from tests.tasks.conftest import TINY, write_midi, write_rolls

from .test_copies import brute


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("tunes")
    write_midi(home)
    return home


def writer(folder: Path, *tokens: str, ends: bool, **fields: Any) -> Model:
    """What writes these tokens in turn, and then ends, or else begins again."""
    task = find("music_generation")
    recipe = complete(task, {**TINY, "data": str(folder), "max_length": 41, **fields})
    codec: Any = task.fit([], recipe)
    ids = [codec.notes.tokenizer[token] for token in tokens]
    assert len(set(ids)) == len(ids)
    follows = dict(zip([codec.notes.start, *ids], ids, strict=False))
    follows[ids[-1]] = codec.notes.end if ends else ids[0]
    size = len(codec.notes)
    network = Chain(size, {one: {other: 1.0} for one, other in follows.items()})
    return Model(task, recipe, codec, network)


def test_a_writer_that_never_ends_is_found_out(folder: Path):
    # a bar of one note: by 41 tokens ten bars are written, and the first token of the eleventh
    model = writer(folder, "Bar_None", "Position_0", "Pitch_60", "Duration_1.0.8", ends=False)
    told = listen(model, 3).asdict()
    written = told["sets"]["written"]
    assert (written["pieces"], written["notes"]) == (3, 30)
    assert (written["endless"], written["cut"]) == (3, 3)
    assert written["repeated_bars"] == pytest.approx(9 / 10)
    assert [piece["circle"] for piece in told["pieces"]] == [1, 1, 1]
    assert [piece["bars"] for piece in told["pieces"]] == [11, 11, 11]
    assert written["compasses"]["upper"] == {"lowest": 60, "median": 60, "highest": 60}
    assert written["notes_per_beat"] == pytest.approx(10 / 37)


def test_a_writer_that_ends_stands_beside_the_test_part(folder: Path):
    # of the files, tune i has the quarter notes 60 + (i + 2 n) % 12
    tokens = "Bar_None", "TimeSig_4/4", "Position_0", "Pitch_61", "Duration_1.0.8"
    told = listen(writer(folder, *tokens, ends=True), 2, seed=3).asdict()
    written, test = told["sets"]["written"], told["sets"]["test"]
    assert (written["endless"], written["cut"], written["notes"]) == (0, 0, 2)
    # a quarter of C♯ stands in some training piece, and no more was written
    assert [piece["copied"]["notes"] for piece in told["pieces"]] == [1, 1]
    shares, one = (found["histograms"]["pitch_classes"] for found in (test, written))
    assert sum(shares.values()) == pytest.approx(1)
    assert one["1"] == 1.0
    expected = sum(abs(one[x] - shares[x]) for x in shares) / 2
    assert written["distances"]["pitch_classes"] == pytest.approx(expected)
    assert "distances" not in test
    assert "copied" not in told["sets"]["training"]
    # test tunes go on as training tunes do, which begin on other notes of the same two scales
    assert test["copied"]["same_pitch"]["longest"]["notes"] > 4


@pytest.fixture(scope="module")
def tunes(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Model:
    out = str(tmp_path_factory.mktemp("run") / "music")
    fields = {**TINY, "max_length": 40, "out": out}
    return recurra.train("music_generation", data=str(folder), **fields)


@pytest.fixture(scope="module")
def rolls(tmp_path_factory: pytest.TempPathFactory) -> Model:
    home = tmp_path_factory.mktemp("rolls")
    out = str(home / "run")
    return recurra.train("polyphonic_music", data=write_rolls(home), out=out, **TINY)


def test_pieces_are_those_that_the_model_writes(tunes: Model):
    found = listen(tunes, 7, seed=4, temperature=0.8)
    keys = [(tune.answer.key, tune.answer.mode) for tune in found.written]
    test = [(tune.key, tune.mode) for tune in tunes.task.read(tunes.recipe).test]
    names = [(KEYS[key], mode) for key, mode in test]
    # each key of the test part in turn, before any comes again
    assert sorted(keys[: len(test)]) == sorted(names)
    asked = [" ".join(key) for key in keys]
    again = tunes.predict([tunes.task.parse(key) for key in asked], seed=4, temperature=0.8)
    assert [one.tokens for one in again] == [one.answer.tokens for one in found.written]
    for (piece, answer), one in zip(found.written, again, strict=True):
        notes = sorted((s, p, n) for s, n, p in one.notes())
        assert [(n.start / TICKS, n.pitch, n.length / TICKS) for n in piece.notes] == notes
        assert piece.cut == (len(answer.tokens) == 40)
    assert listen(tunes, 7, seed=4, temperature=0.8).asdict() == found.asdict()
    assert listen(tunes, 7, seed=5, temperature=0.8).asdict() != found.asdict()


def test_the_test_part_is_read_as_the_model_reads_it(tunes: Model):
    found = listen(tunes, 1)
    splits = tunes.task.read(tunes.recipe)
    codec: Any = tunes.codec
    notes = 0
    for tune in splits.test:
        tokens = codec.notes.encode(tune.score, 39)
        notes += codec.notes.decode(tokens).note_num()
    assert found.sets["test"].notes == notes
    assert found.sets["test"].pieces == len(splits.test)
    assert found.sets["test"].cut == len(splits.test)  # 16 notes are more than 39 tokens
    assert found.sets["training"].pieces == 1
    assert listen(tunes, 20).sets["training"].pieces == len(splits.train)


def test_what_is_copied_stands_in_the_training_part(rolls: Model):
    found = listen(rolls, 5, length=8)
    train = rolls.task.read(rolls.recipe).train
    corpus = [of_roll(roll.frames, 1, roll.where) for roll in train]
    own, told = [one.piece for one in found.written], found.copied["written"]
    lengths = {}
    for name, transposed in [("same_pitch", False), ("transposed", True)]:
        lengths[name] = [copy.notes if copy else 0 for copy in getattr(told, name)]
        assert lengths[name] == [brute(piece, corpus, transposed=transposed) for piece in own]
    assert lengths["same_pitch"] != lengths["transposed"]
    assert {copy.source for copy in told.transposed if copy} <= {roll.where for roll in train}
    one = found.asdict()
    for key, name in [("copied", "same_pitch"), ("copied_transposed", "transposed")]:
        notes = [(piece[key] or {"notes": 0})["notes"] for piece in one["pieces"]]
        assert notes == lengths[name]
        usual = one["sets"]["written"]["copied"][name]["median_notes"]
        assert usual == median(lengths[name])


def test_a_continuation_is_what_follows_the_opening(rolls: Model):
    found = listen(rolls, 4, seed=2, length=6)
    splits = rolls.task.read(rolls.recipe)
    for piece, answer in found.written:
        (given,) = [roll for roll in splits.test if roll.where == piece.where]
        opening = min(8, len(given.frames) // 2)
        assert answer.steps == opening
        frames = roll_of(symusic().Score.from_midi(answer.midi), 1, "").frames
        assert (frames[:opening] == given.frames[:opening]).all()
        sounding = {
            (step, note.pitch)
            for note in piece.notes
            for step in range(note.start // TICKS, (note.start + note.length) // TICKS)
        }
        after = frames[opening:]
        assert sounding == {(int(t), int(k) + 21) for t, k in zip(*after.nonzero(), strict=True)}
        assert piece.cut
        assert piece.lines[-1] == 8 * TICKS  # six steps: two bars, the second half full
    assert len({one.answer.midi for one in found.written}) == 4
    expected = sum(len(roll.frames) - min(8, len(roll.frames) // 2) for roll in splits.test)
    assert found.sets["test"].notes_per_beat * expected == pytest.approx(found.sets["test"].notes)
    assert found.sets["written"].cut == 4


def test_a_continuation_goes_on_for_sixteen_bars_unless_asked(rolls: Model):
    (one,) = listen(rolls, 1).written
    assert len(one.answer.notes) == 64


def test_other_data_stand_beside(tunes: Model, tmp_path: Path):
    for i in range(12):
        score = symusic().Score(480)
        track = symusic().Track()
        track.notes.append(symusic().Note(0, 480, 40 + i, 80))
        score.tracks.append(track)
        score.dump_midi(tmp_path / f"{i}.mid")
    found = listen(tunes, 2, data=str(tmp_path))
    assert found.sets["test"].notes == found.sets["test"].pieces < 12
    assert max(note for note in found.sets["test"].histograms["note_lengths"]) == 1.0
    assert found.sets["training"].compasses["all"].highest < 60  # and so is what may be copied


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"pieces": 0}, "pieces: received 0; allowed is a whole number from 1 to 1,000"),
        ({"pieces": 1001}, "pieces: received 1001"),
        ({"pieces": True}, "pieces: received True|Type-check"),
        ({"pieces": 2, "seed": -1}, "seed: received -1"),
        ({"pieces": 2, "beam": 3}, "beam: music_generation has no use for it"),
        ({"pieces": 2, "top_p": 0.0}, "top_p: received 0.0"),
        ({"pieces": 2, "data": "/no/such/folder"}, "/no/such/folder"),
    ],
    ids=str,
)
def test_wrong_numbers_and_names(tunes: Model, fields: dict[str, Any], message: str):
    with pytest.raises(RecurraError, match=message):
        listen(tunes, **fields)


def test_a_model_of_words_is_not_listened_to(tunes: Model):
    model = dataclasses.replace(tunes, task=find("sentiment"))
    with pytest.raises(RecurraError, match="a sentiment model plays no music; music_generation"):
        listen(model, 2)


class Page(HTMLParser):
    """The cells of the table, the bars of the pictures, and what is fetched from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.cells: list[str] = []
        self.tags: list[str] = []
        self.links: list[str] = []
        self._open = False

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ("src", "href")]
        self._open = tag in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self._open:
            self.cells.append(data)


def test_a_folder_holds_files_figures_and_a_page(tunes: Model, tmp_path: Path):
    found = listen(tunes, 12)
    files = found.save(tmp_path / "deep" / "out")
    assert [file.name for file in files][::11] == ["piece-01.mid", "piece-12.mid"]
    for file, one in zip(files, found.written, strict=True):
        assert file.read_bytes() == one.answer.midi
    told = json.loads((tmp_path / "deep/out/listen.json").read_text())
    assert told == found.asdict()
    page = Page()
    page.feed((tmp_path / "deep/out/listen.html").read_text())
    assert not page.links
    at = page.cells.index("notes")
    sets = [told["sets"][name] for name in ("written", "test", "training")]
    assert page.cells[at + 1 : at + 4] == [f"{one['notes']:,}" for one in sets]
    # a bar for each set of every bin
    lengths = len({x for one in sets for x in one["histograms"]["note_lengths"]})
    assert page.tags.count("rect") == 3 * (12 + 25 + min(lengths, 16))
    assert page.tags.count("svg") == 3


def test_a_name_in_a_page_is_text(tunes: Model):
    from recurra.tasks.pieces.page import page

    told = listen(tunes, 1).asdict()
    copy = told["sets"]["written"]["copied"]["same_pitch"]
    copy["longest"] = {"notes": 2, "bars": 0.5, "source": "<script>alert(1)</script>.mid"}
    assert "<script>" not in page(told)
    assert "&lt;script&gt;" in page(told)


def test_a_writer_of_nothing_has_figures_too(folder: Path, tmp_path: Path):
    model = writer(folder, "Bar_None", ends=True)
    found = listen(model, 2)
    assert isinstance(found, Audition)
    told = found.asdict()
    assert told["sets"]["written"]["notes"] == 0
    assert told["sets"]["written"]["compasses"]["all"] is None
    assert told["sets"]["written"]["distances"]["pitch_classes"] == 1
    assert told["sets"]["written"]["copied"]["same_pitch"]["longest"] is None
    found.save(tmp_path)


def test_a_folder_that_is_a_file_is_refused(tunes: Model, tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(RecurraError, match="file cannot be written"):
        listen(tunes, 1).save(tmp_path / "file")
