"""The command line: train, use and show models; check a cell; measure speed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence

from cyclopts import App, CycloptsError, UnknownOptionError, UnusedCliTokensError

from recurra import __version__
from recurra.cli import streams
from recurra.errors import RecurraError

HELP = """Train, use and inspect recurrent neural networks.

Begin with `recurra demo`: one model per application, trained on embedded
data within minutes, and a page that shows what they do. Then bring your own
files:

    recurra train sentiment --data reviews.tsv
    recurra predict runs/sentiment "not bad at all"
    recurra train ner --data conll2003/ --cell mingru --max-time 3m
    recurra generate runs/music_generation "G major" --out tune.mid
    tail -f words.txt | recurra stream runs/ner
    recurra check my_cell.py:MyCell
    recurra export runs/sentiment --to exported
    recurra serve runs/sentiment
    recurra diagnose runs/sentiment
    recurra limits --quick

Exit codes: 0 done; 1 a check failed; 2 an input is wrong, and one line says
what; 130 interrupted, nothing finished is lost.
"""


def build(argv: Sequence[str]) -> App:
    """Return the application; `train` grows its tasks only where it is asked for."""
    from recurra.cli import show, use
    from recurra.cli.bench import bench
    from recurra.cli.diagnose import diagnose
    from recurra.cli.export import export
    from recurra.cli.limits import limits
    from recurra.cli.listen import listen
    from recurra.cli.prose import flowing
    from recurra.cli.serve import serve
    from recurra.cli.stream import stream

    app = App(
        name="recurra",
        help=HELP,
        version=__version__,
        help_format="plaintext",
        suppress_keyboard_interrupt=False,  # `answered` says it, and ends with 130
    )
    trainer = App(
        name="train",
        help="Train a model for a task: `recurra train TASK --help` shows every option.",
    )
    if argv[:1] == ["train"]:
        from recurra.cli.train import add_tasks

        add_tasks(trainer)
    app.command(trainer)
    comparer = App(
        name="compare",
        help="Train a task with several cells for as long each: which is it to be?",
    )
    if argv[:1] == ["compare"]:
        from recurra.cli.compare import add_comparisons

        add_comparisons(comparer)
    app.command(comparer)
    rater = App(name="rate", help="Find a learning rate for a task: it grows until the loss rises.")
    if argv[:1] == ["rate"]:
        from recurra.cli.rate import add_rates

        add_rates(rater)
    app.command(rater)
    commands: list[Callable[..., int | None]] = [
        use.evaluate,
        use.predict,
        listen,
        use.generate,
        use.demo,
    ]
    if argv[:1] in (["evaluate"], ["predict"], ["listen"]):
        from recurra.cli.options import with_options

        commands[:3] = [
            with_options(use.evaluate, "data", "decoding"),
            with_options(use.predict, "decoding"),
            with_options(listen, "decoding", tasks=("music_generation", "polyphonic_music")),
        ]
    for command in [
        *commands,
        stream,
        export,
        diagnose,
        limits,
        show.tasks,
        show.cells,
        show.engines,
        show.check,
    ]:
        app.command(flowing(command))
    app.command(serve)
    app.command(bench)
    return app


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command, and return its exit code: bad input is one line on stderr, and 2."""
    streams.prepare()
    try:
        code = answered(list(sys.argv[1:] if argv is None else argv))
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read our output has seen enough
        streams.silence(sys.stdout)
        return 0
    except SystemExit:  # so ends rich, in the same case, after it did the same
        return 0
    except OSError as error:  # a full disk, a folder that is not ours
        streams.silence(sys.stdout)
        return complain(
            f"{error.filename or 'the output'} cannot be used: {error.strerror or error}"
        )
    return code


def answered(arguments: list[str]) -> int:
    """Run one command; what goes wrong with the system's files and pipes is left to the caller."""
    try:
        result = build(arguments)(
            arguments, exit_on_error=False, print_error=False, result_action="return_value"
        )
    except CycloptsError as error:
        return complain(explained(error))
    except RecurraError as error:
        return complain(str(error))
    except KeyboardInterrupt:
        complain("interrupted")
        return 130
    except OSError:
        raise
    except Exception as error:  # told in one line below, whatever it is
        if "embedded null" in str(error):
            return complain("a path holds a NUL character")
        if exhausted(error):
            return complain("there is not enough memory; smaller sizes or batches need less")
        # the last resort: a user never meets a traceback
        if os.environ.get("RECURRA_DEBUG"):
            raise
        complain(
            f"internal error: {type(error).__name__}: {' '.join(str(error).split())[:300]} "
            "(RECURRA_DEBUG=1 shows where)"
        )
        return 1
    return result if isinstance(result, int) else 0


def exhausted(error: Exception) -> bool:
    """Return whether it is memory that lacks; torch says so by a RuntimeError's text."""
    said = str(error).lower()
    lacks = "out of memory" in said or ("memory" in said and "allocate" in said)
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and lacks)


def explained(error: CycloptsError) -> str:
    """Return what was wrong with the arguments, on one line, and where to read more."""
    message = " ".join(str(error).split())
    if isinstance(error, UnusedCliTokensError):
        unexpected = " ".join(error.unused_tokens or ())
        message = f"unexpected {unexpected!r}: a switch takes no value, and spaces need quotes."
    elif isinstance(error, UnknownOptionError) and error.command_chain in (
        ("predict",),
        ("generate",),
    ):
        message += " An input may begin with a dash after --."
    where = " ".join(["recurra", *(error.command_chain or ()), "--help"])
    return f"{message} ({where} tells more)"


def complain(message: str) -> int:
    """Print one line on stderr, and return exit code 2."""
    try:
        print(f"recurra: {' '.join(message.splitlines())}", file=sys.stderr, flush=True)
    except OSError:  # nobody listens any more
        streams.silence(sys.stderr)
    return 2
