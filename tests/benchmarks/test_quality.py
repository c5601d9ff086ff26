"""Exams: what is run, what is kept, what the page says of it."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import recurra
from recurra.benchmarks.quality import exams, page, record, worker
from recurra.benchmarks.quality.exam import Answer, Case, Exam, Published, trained
from recurra.benchmarks.quality.exams import EXAMS, find
from recurra.benchmarks.quality.plain import OTHER
from recurra.benchmarks.quality.run import Failed, Files, Settings, pace, run, write_page
from recurra.benchmarks.quality.worker import ANSWER, LEFT_OUT, PEER
from recurra.cli import main
from recurra.errors import RecurraError
from recurra.tasks.catalogue import find as find_task
from recurra.tasks.run import complete


def never(case: Case) -> Answer:
    raise AssertionError


EXAM = Exam(
    name="letters",
    task="sentiment",
    folder="letters",
    files=("*.tsv",),
    protocol="Letters, their own parts.",
    metric="error",
    lower=True,
    must=0.5,
    aim=0.25,
    seeds=2,
    minutes=1.0,
    sit=never,
    peers={"guess": lambda case: {"error": 0.0}},
    beaten=("guess",),
    published=(Published("someone", 0.4, "a paper"),),
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "train.tsv").write_text("a\t1\n")
    return tmp_path


def answers(exam: Exam, seed: int, settings: Settings) -> Iterator[str]:
    ours = Answer((0.2, 0.4)[seed], 123, 10.0 + seed, {"loss": 1.0 + seed}, "a note")
    if not seed:
        ours = ours._replace(epochs={"recurra": 2.0, "a": 5.0, "b": 3.0, "c" + OTHER: 1.0})
    yield "a library talks\n"
    yield ANSWER + json.dumps(ours._asdict()) + "\n"
    yield PEER + json.dumps(["guess", {"error": (0.5, 0.7)[seed]}]) + "\n"
    yield LEFT_OUT + "another: it is not installed\n"


def test_the_row_holds_the_means_over_the_seeds(data: Path):
    files = Files.below(data)
    heard: list[str] = []
    assert run([EXAM], Settings(data, 2), files, heard.append, answers) == []
    (row,) = record.read(files.rows)
    assert (row.value, row.values, row.seeds) == (pytest.approx(0.3), (0.2, 0.4), (0, 1))
    assert row.peers == {"guess": {"error": pytest.approx(0.6)}}
    assert (row.others, row.seconds, row.parameters, row.threads) == ({"loss": 1.5}, 10.5, 123, 2)
    assert row.note == "a note"
    assert row.epochs == {"recurra": 2.0, "a": 5.0, "b": 3.0, "c (reads padding)": 1.0}
    text = page.whole([row], [EXAM])
    assert (
        "an epoch of training: recurra 2.000 s; a 5.000 s (2.50 ×); b 3.000 s (1.50 ×); c" in text
    )
    assert page.line(row, EXAM).endswith(" | 1.50 × |\n")
    assert page.line(replace(row, epochs={}), EXAM).endswith(" |  |\n")
    assert any("left out: another" in line for line in heard)


def test_the_time_of_an_epoch_alone_is_measured_again(data: Path):
    files = Files.below(data)
    run([EXAM], Settings(data, 2), files, lambda _: None, answers)
    (before,) = record.read(files.rows)
    seen: list[Settings] = []

    def faster(exam: Exam, seed: int, settings: Settings) -> Iterator[str]:
        seen.append(settings)
        ours = Answer(9.9, 1, 1.0, {}, epochs={"recurra": 1.0, "a": 9.0})
        yield ANSWER + json.dumps(ours._asdict())

    heard: list[str] = []
    unknown = replace(EXAM, name="unknown")
    assert pace([EXAM, unknown], Settings(data, 1), files, heard.append, faster) == []
    (after,) = record.read(files.rows)
    assert after == replace(before, epochs={"recurra": 1.0, "a": 9.0})
    assert [(one.threads, one.pace) for one in seen] == [(2, True)]
    told, missing = heard
    assert told == "letters: recurra 1 s, a 9 s"
    assert missing.startswith("unknown: no row yet")
    failed = pace([EXAM], Settings(data, 1), files, heard.append, lambda *_: iter(()))
    assert failed == ["letters: no answer came"]
    assert record.read(files.rows) == [after]


def test_a_worker_that_measures_an_epoch_trains_little_and_asks_no_peer(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def sit(case: Case) -> Answer:
        assert (case.pace, case.quick) == (True, False)
        return Answer(0.25, 1, 2.0, {})

    monkeypatch.setattr(exams, "find", lambda name: replace(EXAM, sit=sit))
    words = ["letters", "--data", str(data), "--seed", "0", "--threads", "1", "--pace"]
    assert worker.main(words) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1
    given: dict[str, object] = {}

    def train(task: str, **fields: object) -> None:
        given.update(fields)
        raise KeyboardInterrupt

    monkeypatch.setattr(recurra, "train", train)
    with pytest.raises(KeyboardInterrupt):
        trained("sentiment", Case(data, data, 0, 1, pace=True), "x.tsv", epochs=9)
    assert (given["epochs"], given["max_time"]) == (1, "20s")


def test_the_seeds_that_were_done_are_kept(data: Path):
    def stopped(exam: Exam, seed: int, settings: Settings) -> Iterator[str]:
        if seed:
            raise KeyboardInterrupt
        yield from answers(exam, seed, settings)

    files = Files.below(data)
    with pytest.raises(KeyboardInterrupt):
        run([EXAM], Settings(data, 1), files, lambda _: None, stopped)
    (row,) = record.read(files.rows)
    assert (row.seeds, row.value) == ((0,), 0.2)
    assert "(2 are asked for)" in page.whole([row], [EXAM])


def test_a_seed_that_fails_is_told_and_the_others_go_on(data: Path):
    def broken(exam: Exam, seed: int, settings: Settings) -> Iterator[str]:
        if not seed:
            raise Failed("exit code 1")
        yield from answers(exam, seed, settings)

    files = Files.below(data)
    failed = run([EXAM], Settings(data, 1), files, lambda _: None, broken)
    assert failed == ["letters, seed 0: exit code 1"]
    assert record.read(files.rows)[0].seeds == (1,)
    silent = run([EXAM], Settings(data, 1), None, lambda _: None, lambda *_: iter(()))
    assert len(silent) == 2


def test_a_worker_says_what_came_and_what_is_missing(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def absent(case: Case) -> dict[str, float]:
        raise ImportError("no abacus")

    def sit(case: Case) -> Answer:
        assert (case.data, case.seed, case.threads) == (data / "letters", 3, 1)
        assert case.place.is_dir()
        return Answer(0.25, 1, 2.0, {})

    exam = replace(EXAM, sit=sit, peers={"abacus": absent, **EXAM.peers})
    monkeypatch.setattr(exams, "find", lambda name: exam)
    assert worker.main(["letters", "--data", str(data), "--seed", "3", "--threads", "1"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert json.loads(said[0].removeprefix(ANSWER))["value"] == 0.25
    assert said[1:] == [LEFT_OUT + "abacus: no abacus", PEER + '["guess", {"error": 0.0}]']


def test_a_newer_row_takes_the_place_of_the_older(data: Path):
    files = Files.below(data)
    run([EXAM], Settings(data, 1), files, lambda _: None, answers)
    other = replace(record.read(files.rows)[0], name="other")
    record.write(files.rows, [*record.read(files.rows), other])
    run([EXAM], Settings(data, 1, seeds=1), files, lambda _: None, answers)
    assert [(row.name, row.seeds) for row in record.read(files.rows)] == [
        ("letters", (0,)),
        ("other", (0, 1)),
    ]


def test_a_hash_is_of_names_and_contents(data: Path):
    folder = data / "letters"
    before = record.digest(folder, ["*.tsv"])
    (folder / "train.tsv").rename(folder / "test.tsv")
    renamed = record.digest(folder, ["*.tsv"])
    (folder / "test.tsv").write_text("b\t1\n")
    assert len({before, renamed, record.digest(folder, ["*.tsv"])}) == 3
    with pytest.raises(RecurraError, match=r"has no \*\.csv"):
        record.digest(folder, ["*.csv"])


def row(value: float = 0.3, **peers: float) -> record.Row:
    return record.Row(
        name="letters",
        metric="error",
        value=value,
        values=(value,),
        seeds=(0,),
        peers={name: {"error": found} for name, found in peers.items()},
        parameters=1,
        seconds=1.0,
        threads=1,
        command="",
        revision="",
        data_sha256="",
    )


@pytest.mark.parametrize(
    ("value", "peer", "said"),
    [
        (0.3, 0.6, "reached"),
        (0.2, 0.6, "aim"),
        (0.51, 0.6, "**MISSED**"),
        (0.2, 0.2, "**behind guess**"),
    ],
)
def test_a_verdict(value: float, peer: float, said: str):
    assert page.verdict(row(value, guess=peer), EXAM) == said


def test_more_is_better_where_nothing_else_is_said():
    exam = replace(EXAM, lower=False, must=0.25, aim=0.5)
    found = row(0.3, guess=0.1, dice=0.2)
    assert page.verdict(found, exam) == "reached"
    assert page.verdict(replace(found, value=0.2), exam) == "**MISSED**"
    assert page.best_peer(found, exam) == ("dice", 0.2)
    assert page.best_peer(found, EXAM) == ("guess", 0.1)


def test_the_page_and_the_readme_are_written_from_the_rows(data: Path):
    files = Files.below(data)
    files.readme.write_text("before\n<!-- quality -->\nold\n<!-- /quality -->\nafter\n")
    record.write(files.rows, [row(0.3, guess=0.6, dice=0.55)])
    write_page(files, [EXAM])
    text, readme = files.page.read_text(), files.readme.read_text()
    assert "| letters | error ↓ | **0.3000** | 0.5000 | 0.2500 | reached |" in text
    assert "someone 0.4" in text
    assert readme.startswith("before\n<!-- quality -->\n| exam")
    assert readme.endswith("<!-- /quality -->\nafter\n")
    assert "old" not in readme
    write_page(files, [EXAM])
    assert (files.page.read_text(), files.readme.read_text()) == (text, readme)
    assert page.within("no marks", "table") == "no marks"


def test_a_damaged_file_of_results_is_refused(tmp_path: Path):
    (tmp_path / "quality.json").write_text('[{"name": 1}]')
    with pytest.raises(RecurraError, match="no list of our rows"):
        record.read(tmp_path / "quality.json")


@pytest.mark.parametrize("exam", EXAMS, ids=lambda exam: exam.name)
def test_an_exam_is_of_a_task_and_its_recipe_is_one(exam: Exam):
    complete(find_task(exam.task), exam.recipe)
    assert set(exam.beaten) <= set(exam.peers)
    assert exam.must is None or exam.aim is None or exam.holds(exam.aim, exam.must)
    assert (
        Path(__file__).parents[2]
        / "benchmarks"
        / "quality"
        / f"{exam.name.replace(chr(45), chr(95))}.py"
    ).exists()


def test_exams_are_listed_and_unknown_ones_refused(capsys: pytest.CaptureFixture[str]):
    assert main(["bench", "quality", "--list"]) == 0
    assert all(exam.name in capsys.readouterr().out for exam in EXAMS[:1])
    assert main(["bench", "quality", "sst3"]) == 2
    assert "sst2" in capsys.readouterr().err
    assert find("sst2").task == "sentiment"


def test_without_data_nothing_is_run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("RECURRA_DATA", raising=False)
    assert main(["bench", "quality", "sst2"]) == 2
    assert "--data-root: received nothing" in capsys.readouterr().err


def test_the_command_measures_paces_of_rows_that_are_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    words = ["bench", "quality", "sst2", "--data-root", str(tmp_path), "--out", str(tmp_path)]
    assert main([*words, "--pace"]) == 0
    assert "sst2: no row yet" in capsys.readouterr().out
    assert main([*words, "--pace", "--quick"]) == 2
    assert "--quick and --pace" in capsys.readouterr().err
