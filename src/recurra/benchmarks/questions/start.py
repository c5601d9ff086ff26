"""How long does `import recurra` take beside torch's, and `recurra --help` altogether?"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

from recurra.benchmarks.question import Question, Settings
from recurra.benchmarks.results import Row
from recurra.benchmarks.timing import Pace, race

IMPORT, HELP = 0.3, 0.5  # seconds
NAMES = "import recurra; recurra.LSTM; recurra.Recurrent; recurra.unroll"  # what is lazy, too


def run(*arguments: str) -> None:
    """Run Python to its end."""
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)


def answer(part: str, settings: Settings) -> Iterator[Row]:
    """Yield a row for the import and one for the help, beside their limits."""
    pace = Pace(budget=0.0, least=2 if settings.quick else 7)
    timing = race(
        {
            "torch": lambda: run("-c", "import torch"),
            "recurra": lambda: run("-c", f"import torch; {NAMES}"),
            "help": lambda: run("-m", "recurra", "--help"),
        },
        pace,
    )
    added = timing.median("recurra") - timing.median("torch")
    for what, seconds, limit, note in (
        ("import recurra", added, IMPORT, "added to import torch"),
        ("recurra --help", timing.median("help"), HELP, "from start to end"),
    ):
        yield Row(
            question="start",
            part=part,
            cell=what,
            shape=(),
            threads=settings.threads,
            engine="none",
            peer=f"limit {limit} s",
            ratio=limit / max(seconds, 1e-3),
            ours_ms=1e3 * seconds,
            peer_ms=1e3 * limit,
            must=1.0,
            note=note,
        )


START = Question(
    "start",
    "What `import recurra` adds to `import torch`, and how soon `recurra --help` answers.",
    ("start",),
    answer,
    0.7,
)
