"""One seed of an exam, in a process of its own: what it found goes to standard output as JSON.

python -m recurra.benchmarks.quality.worker sst2 --data DIR --seed 0 --threads 2
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from recurra.benchmarks.quality.exam import Case
from recurra.errors import RecurraError

ANSWER, PEER, LEFT_OUT = "answer ", "peer ", "left out "  # how the lines begin that are answers


def main(argv: list[str] | None = None) -> int:
    """Sit the exam, then let its peers; return an exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("exam")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--pace", action="store_true")
    given = parser.parse_args(argv)

    import torch

    from recurra.benchmarks.quality.exams import find

    torch.set_num_threads(given.threads)
    exam = find(given.exam)
    with tempfile.TemporaryDirectory() as place:
        said = given.seed, given.threads, given.quick, given.pace
        case = Case(exam.place(given.data), Path(place), *said)
        try:
            ours = exam.sit(case)
            print(ANSWER + json.dumps(ours._asdict()), flush=True)
            for name, found in ours.peers.items():
                print(PEER + json.dumps([name, found]), flush=True)
            for name, peer in ({} if case.pace else exam.peers).items():
                torch.manual_seed(given.seed)
                try:
                    print(PEER + json.dumps([name, peer(case)]), flush=True)
                except ImportError as error:
                    print(f"{LEFT_OUT}{name}: {error}", flush=True)
        except RecurraError as error:
            print(f"{exam.name}: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
