"""`recurra evaluate`, `predict`, `generate`, `demo`: a trained model at work."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from recurra.cli.whole import Whole
from recurra.errors import RecurraError

Cell = Annotated[
    str | None, Parameter(help="file.py:Class again, where the model has a cell of your own")
]


MOST = 10_000  # pieces per prompt


def evaluate(
    bundle: Path,
    /,
    *,
    data: str | None = None,
    cell: Cell = None,
    as_json: bool = False,
    report: Path | None = None,
    **fields: Any,
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
    report
        File (.html) for a page of mistakes, confusions and figures by length; a folder, such as
        the model's own, for its report.html.
    """
    from recurra.tasks.model import load
    from recurra.tasks.report import place

    model = load(bundle, cell=cell)
    if report is None:
        metrics = model.evaluate(data, **fields)
    else:
        metrics = model.report(report, data, **fields)
        print(f"mistakes are in {place(report)}", file=sys.stderr)
    if as_json:
        print(json.dumps(metrics))
        return
    for name, value in metrics.items():
        print(f"{name:<14} {value:.4f}")


def predict(
    bundle: Path,
    /,
    *inputs: str,
    file: Path | None = None,
    encoding: str | None = None,
    tokens: bool = False,
    as_json: bool = False,
    out: Path | None = None,
    cell: Cell = None,
    **fields: Any,
) -> None:
    """Print one answer per input, in their order: arguments, lines of a file, or standard input.

    An input that cannot be answered, a blank line too, has an error in its place: a line that
    begins with `error:`, or an object whose one key is `error`. Then the exit code is 2, and
    one line on standard error counts them.

    Parameters
    ----------
    bundle
        Folder of a trained model.
    inputs
        Texts or image files, as the model's task reads them; after `--`, one may begin with a dash.
    file
        A text file with one input per line.
    encoding
        Of the file or of standard input; none: told by its bytes, or that of the model's data.
    tokens
        Words are taken as they are, for models that tag words: one a line of the file or of
        standard input, a blank line between sentences; of an argument, parted by blanks.
    as_json
        One JSON object per line, with everything that is known.
    out
        File to write the answer to, where the task's answers are files: a forecast, a picture of
        it (.csv, .json, .svg, .png, as the ending says); a folder where there are several.
    """
    from recurra.cli.answers import answers, shown
    from recurra.cli.files import Files
    from recurra.cli.lines import arguments, lines
    from recurra.cli.options import check_fields
    from recurra.cli.tokens import parse as words_of
    from recurra.cli.tokens import parted, sentences
    from recurra.tasks.model import load
    from recurra.training.options import Encoded

    if inputs and file:
        raise RecurraError(f"give inputs or --file {file}, not both")
    check_fields(fields)
    Encoded.of({} if encoding is None else {"encoding": encoding})
    model = load(bundle, cell=cell)
    total, failed = 0, []
    asked = (
        arguments(inputs)
        if inputs
        else lines(file, encoding, getattr(model.recipe, "encoding", None))
    )
    parse = model.task.parse
    if tokens:
        if not model.task.takes_words:
            raise RecurraError(
                f"--tokens: {model.task.name} reads no words one by one; leave it out"
            )
        asked, parse = (parted if inputs else sentences)(asked), words_of
    files = Files(out, model.task.name)
    for some in answers(model, asked, parse, **fields):
        for answer in some:
            print(shown(answer, as_json))
            files.save(answer)
        total += len(some)
        failed += [answer for answer in some if isinstance(answer, Exception)]
        sys.stdout.flush()
    if failed:
        have = "has" if len(failed) == 1 else "have"
        raise RecurraError(f"{len(failed)} of {total} inputs {have} no answer; {failed[0]}")


def generate(
    bundle: Path,
    /,
    *prompts: str,
    out: Path | None = None,
    count: Whole = 1,
    seed: Whole = 0,
    temperature: float | None = None,
    top_k: Whole | None = None,
    top_p: float | None = None,
    max_length: Whole | None = None,
    cell: Cell = None,
) -> None:
    """Sample new pieces from a model that writes; text is shown as it is being written.

    Tunes are written as .mid files.

    Parameters
    ----------
    bundle
        Folder of a trained model.
    prompts
        What to begin from: a key and mode such as "G major", an image file, or the beginning of a
        text.
    out
        File to write (.mid, .txt), or a folder where there are several; none: of a tune,
        tune-1.mid, or the next name that is free, here.
    count
        Pieces per prompt.
    seed
        Seed of the sampling.
    temperature
        Below 1 the likely is taken more often, above 1 less; 0: always the likeliest.
    top_k
        Only the k likeliest tokens are drawn from.
    top_p
        Only the likeliest tokens that together have this probability.
    max_length
        Tokens at most.
    """
    from recurra.storage import reason
    from recurra.tasks.model import load

    if not 1 <= count <= MOST:
        raise RecurraError(f"count: received {count}; allowed is a whole number from 1 to {MOST:,}")
    model = load(bundle, cell=cell)
    if model.task.write is None:
        raise RecurraError(f"{bundle} is a {model.task.name} model; use recurra predict")
    given: dict[str, Any] = {
        "temperature": temperature,
        "top_k": top_k,
        "top_p": top_p,
        "max_length": max_length,
    }
    options = {name: value for name, value in given.items() if value is not None}
    if "beam" in model.task.options:
        options["beam"] = 0  # pieces are drawn
    if not prompts and model.task.parse is Path:
        raise RecurraError(f"no input; give image files: recurra generate {bundle} photo.jpg")
    asked = list(prompts) or [model.task.example]
    wanted = [model.task.parse(prompt) for prompt in asked for _ in range(count)]
    if out is not None and out.suffix and len(wanted) > 1:
        raise RecurraError(f"{out} is one file, for {len(wanted)} pieces; give a folder as --out")
    shown = Shown()
    told = shown if model.task.parse is str else lambda _: None  # tokens of music are no text
    for piece in model.write(wanted, told, seed=seed, **options):
        shown.whole(piece)
        if hasattr(piece, "save") and (out is not None or piece.ending == ".mid"):
            try:
                print(f"  {piece.save(_place(out, piece.ending))}")
            except OSError as error:
                raise RecurraError(
                    f"{out or Path.cwd()} cannot be written: {reason(error)}"
                ) from error


class Shown:
    """Prints the parts of a piece as they come, or else the piece when it is whole."""

    parts = 0

    def __call__(self, part: str) -> None:
        """Print a part."""
        self.parts += 1
        print(part, end="", flush=True)

    def whole(self, piece: Any) -> None:
        """End the piece."""
        print("" if self.parts else piece)
        self.parts = 0


def _place(out: Path | None, ending: str) -> Path:
    """Return the file of the next piece; nothing but a file asked for by name is written over."""
    if out is not None and out.suffix:
        return out
    name, number = "tune" if ending == ".mid" else "text", 1
    while (path := (out or Path()) / f"{name}-{number}{ending}").exists():
        number += 1
    return path


def demo(*, out: Path = Path("demo"), only: list[str] | None = None, seed: Whole = 0) -> None:
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
