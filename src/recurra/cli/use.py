"""`recurra evaluate`, `predict`, `generate`, `demo`: a trained model at work."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from recurra.errors import RecurraError

Cell = Annotated[
    str | None, Parameter(help="file.py:Class again, where the model has a cell of your own")
]
LONGEST_LINE = 1 << 20


def evaluate(
    bundle: Path, *, data: str | None = None, cell: Cell = None, as_json: bool = False
) -> None:
    """Print every metric of a model on the test part of its data, or of yours.

    Parameters
    ----------
    bundle
        Folder of a trained model.
    data
        File or folder, as for `recurra train`; none: the data that it was trained on.
    as_json
        One JSON object instead of a table.
    """
    from recurra.tasks.model import load

    metrics = load(bundle, cell=cell).evaluate(data)
    if as_json:
        print(json.dumps(metrics))
        return
    for name, value in metrics.items():
        print(f"{name:<14} {value:.4f}")


def predict(
    bundle: Path,
    *inputs: str,
    file: Path | None = None,
    as_json: bool = False,
    beam: int | None = None,
    cell: Cell = None,
) -> None:
    """Print one prediction per input: arguments, the lines of a file, or of standard input.

    Parameters
    ----------
    bundle
        Folder of a trained model.
    inputs
        Texts or image files, as the model's task reads them.
    file
        A text file with one input per line.
    as_json
        One JSON object per line, with everything that is known.
    beam
        Beam width, where the model writes text.
    """
    from recurra.tasks.model import load

    model = load(bundle, cell=cell)
    texts = list(inputs) if inputs else lines(file)
    decoding = {} if beam is None else {"beam": beam}
    for start in range(0, len(texts), 256):
        some = [model.task.parse(text) for text in texts[start : start + 256]]
        for prediction in model.predict(some, **decoding):
            print(json.dumps(prediction.asdict(), ensure_ascii=False) if as_json else prediction)


def lines(file: Path | None) -> list[str]:
    """Return the non-empty lines of a file, or of standard input.

    Raises:
        RecurraError: there is no input, it is no text, or a line is longer than 1 MiB.
    """
    name = "standard input" if file is None else str(file)
    if file is None and sys.stdin.isatty():
        raise RecurraError('no input; give texts: recurra predict BUNDLE "…", --file F, or a pipe')
    try:
        raw = sys.stdin.buffer.read() if file is None else file.read_bytes()
        text = raw.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise RecurraError(f"{name} cannot be read as UTF-8 text: {error}") from error
    if "\0" in text:
        raise RecurraError(f"{name} is binary; give one text per line")
    found = [line for line in text.splitlines() if line.strip()]
    if not found:
        raise RecurraError(f"{name} is empty; give one input per line")
    for row, line in enumerate(found, 1):
        if len(line) > LONGEST_LINE:
            raise RecurraError(f"{name}:{row}: a line of {len(line):,} characters; at most 1 MiB")
    return found


def generate(
    bundle: Path,
    *prompts: str,
    out: Path | None = None,
    count: int = 1,
    seed: int = 0,
    temperature: float | None = None,
    top_k: int | None = None,
    top_p: float | None = None,
    max_length: int | None = None,
    cell: Cell = None,
) -> None:
    """Sample new pieces from a one-to-many model: tunes are written as .mid files.

    Parameters
    ----------
    bundle
        Folder of a trained model.
    prompts
        What to begin from: a key and mode such as "G major", or an image file.
    out
        File to write (.mid), or a folder where there are several.
    count
        Pieces per prompt.
    seed
        Seed of the sampling.
    """
    from recurra.tasks.model import load

    model = load(bundle, cell=cell)
    if model.task.type != "one-to-many":
        raise RecurraError(f"{bundle} is a {model.task.type} model; use recurra predict")
    given: dict[str, Any] = {
        "temperature": temperature,
        "top_k": top_k,
        "top_p": top_p,
        "max_length": max_length,
    }
    options = {name: value for name, value in given.items() if value is not None}
    asked = list(prompts) or [model.task.example]
    wanted = [model.task.parse(prompt) for prompt in asked for _ in range(count)]
    pieces = model.predict(wanted, seed=seed, **options)
    for number, piece in enumerate(pieces):
        print(piece)
        if hasattr(piece, "save"):
            print(f"  {piece.save(_place(out, number, len(pieces)))}")


def _place(out: Path | None, number: int, pieces: int) -> Path:
    if out is not None and pieces == 1 and out.suffix:
        return out
    return (out or Path()) / f"tune-{number + 1}.mid"


def demo(*, out: Path = Path("demo"), only: list[str] | None = None, seed: int = 0) -> None:
    """Train one small model per application on embedded data, and write a page that shows them.

    Parameters
    ----------
    out
        Folder for `index.html`, `results.json`, the tunes and the models.
    only
        Tasks to run; all where it is not given.
    seed
        Seed of every run.
    """
    from recurra.demo import run

    run(out, only=only, seed=seed)
