"""`recurra stream`: an input that is still coming, answered as it comes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from recurra.cli.use import Cell
from recurra.errors import RecurraError

LONGEST = 1e6  # seconds of a sound file


def stream(
    bundle: Path,
    /,
    *,
    file: Path | None = None,
    as_json: bool = False,
    cell: Cell = None,
) -> None:
    """Answer one input while it comes, step by step: of a file, or of standard input.

    Told is, as soon as it is known, what `recurra predict` says of the whole: the label so far, the
    tag of a word, what is new of a transcript, an alarm. The state has a fixed size, however long
    the input lasts. A model that reads both ways has to wait for its end, and says so: train one
    with `--no-bidirectional`.

    Models of texts read UTF-8. Models of signals and series read a row a line, numbers with commas
    between or JSON, as `{"values": [1.5, 2], "time": "2026-01-31 09:00"}`; those of piano-rolls the
    MIDI numbers of a step. Models of sounds read a sound file, or raw float32 at their own rate.

        tail -f words.txt | recurra stream runs/ner
        recurra stream runs/anomaly_detection --file sensor.csv --as-json
        arecord -t raw -f FLOAT_LE -r 16000 | recurra stream runs/speech_recognition

    Parameters
    ----------
    bundle
        Folder of a trained model.
    file
        The input; none: standard input.
    as_json
        One JSON object for each answer.
    """
    from recurra.tasks.model import load
    from recurra.tasks.streams.session import Session

    model = load(bundle, cell=cell)
    session = Session(model)
    says = session.streamed.says

    def told(answers: list[dict[str, Any]]) -> None:
        for answer in answers:
            line = json.dumps(answer, ensure_ascii=False) if as_json else shown(says, answer)
            print(line, end="" if says == "text" and not as_json else "\n", flush=True)

    for where, piece in pieces_of(model, session, file):
        try:
            answers = session.push(piece)
        except RecurraError as error:
            raise RecurraError(f"{where}: {error}") from error
        told(answers)
    told(session.end())
    if says == "text" and not as_json:
        print()


def pieces_of(model: Any, session: Any, file: Path | None) -> Any:
    """Return the pieces of an input, as a model reads them."""
    from recurra.cli import pieces
    from recurra.data.readers.sound import Wanted

    unit = session.streamed.unit
    if unit == "sample":
        wanted = Wanted(model.recipe.sample_rate, LONGEST)
        return pieces.samples(file, wanted, wanted.rate // 10)
    if unit in ("row", "step"):
        return pieces.rows(file, pieces.row if unit == "row" else pieces.notes)
    return pieces.texts(file)


def shown(says: str, answer: dict[str, Any]) -> str:
    """Return an answer for people: tabs between its parts."""
    if says == "text":
        return str(answer["text"])
    parts = [value for key, value in answer.items() if key not in ("probabilities", "likely")]
    if "probabilities" in answer:
        parts.append(f"{answer['probabilities'][answer['label']]:.1%}")
    if "likely" in answer:
        parts.append(" ".join(f"{note} {p:.0%}" for note, p in answer["likely"]))
    cells = ("-" if part is None else part if part != "\n" else "⏎" for part in parts)
    return "\t".join(map(str, cells))
