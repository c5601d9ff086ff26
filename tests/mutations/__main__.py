"""Puts each fault into a copy of the tree, and looks whether its tests notice it.

Exit code 1: a fault survives without a reason in the list, or too few are noticed.
"""

import argparse
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from tests.mutations.catalogue import Fault, faults
from tests.mutations.copies import Copy
from tests.mutations.report import Result, Results, summary, verdict, write_page


def main() -> int:
    """Run what the command line names."""
    options = _options()
    chosen = [
        fault
        for fault in faults()
        if (not options.folder or fault.folder in options.folder)
        and (not options.only or any(text in fault.title for text in options.only))
    ]
    if not chosen:
        print("no fault has such a name")
        return 2
    results = Results(options.results, fresh=options.fresh)
    left = [fault for fault in chosen if results.find(fault) is None]
    print(f"{len(chosen)} faults, {len(chosen) - len(left)} of them known from before")
    folder = Path(tempfile.mkdtemp(prefix="mutations-"))
    try:
        if left and not _run(left, results, folder, options):
            return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)  # a child may write there still
    found = [(fault, result) for fault in chosen if (result := results.find(fault)) is not None]
    print(summary(found))
    if len(chosen) == len(faults()):
        write_page(found)
    return verdict(found)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutations", description=__doc__)
    parser.add_argument("--folder", action="append", help="faults of one folder, as engines/native")
    parser.add_argument("--only", action="append", help="faults with this text in their name")
    parser.add_argument("--jobs", type=int, default=1, help="copies that are tried at once")
    parser.add_argument("--limit", type=float, default=180, help="most seconds for one fault")
    parser.add_argument("--fresh", action="store_true", help="forget results of earlier runs")
    parser.add_argument("--no-baseline", action="store_true", help="trust that the tests pass")
    parser.add_argument("--log", action="store_true", help="print what pytest wrote")
    parser.add_argument("--results", type=Path, default=Path("build/mutations.jsonl"))
    return parser.parse_args()


def _run(left: list[Fault], results: Results, folder: Path, options: argparse.Namespace) -> bool:
    """Try faults in several copies; False where the tests fail without any fault."""
    native = [fault for fault in left if fault.native]
    first = Copy(folder / "0", native=bool(native))
    if not options.no_baseline and not _baseline(first, left, options.limit):
        first.close()
        return False
    waiting: queue.SimpleQueue[Fault] = queue.SimpleQueue()
    for fault in left:
        if not fault.native:
            waiting.put(fault)
    count = len(left)

    def work(number: int) -> None:
        copy = first if number == 0 else Copy(folder / str(number), native=False)
        own = list(native) if number == 0 else []
        while own or not waiting.empty():
            try:
                fault = own.pop(0) if own else waiting.get_nowait()
            except queue.Empty:
                break
            result = attempt(copy, fault, options.limit)
            results.add(fault, result, copy.root)
            print(f"[{results.added:3}/{count}] {result.line(fault)}", flush=True)
            if options.log and copy.log.exists():
                print(copy.log.read_text(errors="replace"))
        copy.close()

    workers = [threading.Thread(target=work, args=(number,)) for number in range(options.jobs)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return True


def _baseline(copy: Copy, left: list[Fault], limit: float) -> bool:
    """Run all the named tests without a fault."""
    named = sorted({test for fault in left for test in fault.tests})
    # a file that is named whole has the tests that are named within it
    files = {test for test in named if "::" not in test}
    tests = [test for test in named if test in files or test.partition("::")[0] not in files]
    answer = copy.run(tests, limit * 10, stop=False)
    print(f"without a fault: {answer['ran']} tests, {answer['seconds']:.0f} s", flush=True)
    if answer["code"] != 0:
        print(copy.log.read_text(errors="replace"))
        print(f"the tests fail without any fault; first in {answer['first']}")
    return answer["code"] == 0


def attempt(copy: Copy, fault: Fault, limit: float) -> Result:
    """Try one fault."""
    try:
        with copy.broken(fault):
            answer = copy.run(list(fault.tests), limit)
    except ValueError as error:
        return Result("error", str(error), 0)
    except subprocess.CalledProcessError as error:
        return Result("error", f"cannot be built: {error.stderr[-2000:]}", 0)
    code, seconds = answer["code"], answer["seconds"]
    if code is None:
        return Result("noticed", f"more than {limit:.0f} s", seconds)
    if code < 0:
        return Result("noticed", f"ended by signal {-code}", seconds)
    if code == 0 and answer["ran"]:
        return Result("survived", "", seconds)
    if code == 1 and "::" in answer["first"]:
        return Result("noticed", answer["first"], seconds)
    return Result("error", f"pytest ended with {code} {answer['first']}", seconds)


if __name__ == "__main__":
    sys.exit(main())
