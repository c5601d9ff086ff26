"""One part of a question, in a process of its own: rows go to standard output as JSON lines.

python -m recurra.benchmarks.worker classic torch --threads 2
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from recurra.benchmarks.question import Question, Settings, Skipped
from recurra.errors import RecurraError

ROW, LEFT_OUT = "row ", "left out "  # how the lines begin that are answers


def find(name: str) -> Question:
    """Return a question by its name."""
    from recurra.benchmarks.questions import QUESTIONS

    for question in QUESTIONS:
        if question.name == name:
            return question
    raise RecurraError(f"there is no question {name!r}")


def environment(threads: int) -> dict[str, str]:
    """Return the variables under which every library has this many threads."""
    return {
        **os.environ,
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "RECURRA_MEASURE": "0",  # not beside what is timed
        "KERAS_BACKEND": "jax",
        "JAX_PLATFORMS": "cpu",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }


class Failed(Exception):  # noqa: N818, it is what happened
    """A worker ended with an error; the text says which."""


def listen(module: str, *words: str, threads: int, aloud: bool = False) -> Iterator[str]:
    """Yield what a module of its own process says, line by line, while it works.

    Args:
        module: its name.
        words: of its command line, beside the threads.
        threads: of all its libraries.
        aloud: what it shows of its work goes on to our own standard error.
    Raises:
        Failed: it ended with an error.
    """
    command = [sys.executable, "-m", module, *words, "--threads", str(threads)]
    with (
        tempfile.TemporaryFile("w+") as shown,  # a pipe that nobody reads would stop the worker
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=None if aloud else shown,
            text=True,
            env=environment(threads),
        ) as worker,
    ):
        assert worker.stdout is not None
        try:
            yield from worker.stdout
        except BaseException:  # Ctrl-C too: the worker must not outlive what it was asked
            worker.kill()
            raise
        if worker.wait():
            shown.seek(0)
            last = shown.read().strip().splitlines()[-1:]
            raise Failed(*last or [f"exit code {worker.returncode}"])


def narrow(threads: int) -> None:
    """Leave this process no more CPUs than threads: JAX takes as many threads as it has CPUs."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def main(argv: list[str] | None = None) -> int:
    """Answer, and return an exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("question")
    parser.add_argument("part")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--data", type=Path)
    given = parser.parse_args(argv)
    narrow(given.threads)

    import torch

    from recurra.benchmarks.contest import left_out

    torch.set_num_threads(given.threads)
    settings = Settings(given.threads, given.quick, given.data)
    try:
        for row in find(given.question).answer(given.part, settings):
            print(ROW + json.dumps(asdict(row)), flush=True)
    except Skipped as reason:
        print(LEFT_OUT + str(reason), flush=True)
    except RecurraError as error:
        print(f"{given.question} {given.part}: {error}", file=sys.stderr)
        return 1
    for reason_of_one in left_out:
        print(LEFT_OUT + reason_of_one, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
