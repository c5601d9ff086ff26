"""`recurra serve` in a process of its own, as a user starts it."""

from __future__ import annotations

import http.client
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from recurra.errors import RecurraError

WAIT = 60.0  # seconds for a server to begin, and to end
WRONG = re.compile(r'Traceback|"level": "error"|"error":')


@dataclass
class Running:
    """A server that takes requests.

    Args:
        process: its process.
        port: of this machine.
        seconds: from its start to the first answer of /readyz.
        log: the file of what it writes to stderr.
    """

    process: subprocess.Popen[str]
    port: int
    seconds: float
    log: Path

    @property
    def memory(self) -> float:
        """Its resident memory, in MiB."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE") / 2**20

    def wrong(self) -> list[str]:
        """Return the lines of its log that tell of an exception that nobody has caught."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return [line for line in lines if WRONG.search(line)]


@contextmanager
def serving(*runs: Path, **settings: str | float) -> Iterator[Running]:
    """Lend a server of these models, and end it.

    Args:
        runs: folders of trained models.
        settings: options of the command, `max_batch` for `--max-batch`.
    Raises:
        RecurraError: it does not begin.
    """
    words = [w for k, v in settings.items() for w in (f"--{k.replace('_', '-')}", str(v))]
    command = [sys.executable, "-m", "recurra", "serve", *map(str, runs), "--port", "0", *words]
    began = time.perf_counter()
    with (
        tempfile.NamedTemporaryFile() as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True) as process,
    ):
        try:
            yield _begun(process, Path(log.name), began)
        finally:
            process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(WAIT)
            process.kill()


def _begun(process: subprocess.Popen[str], log: Path, began: float) -> Running:
    assert process.stdout is not None, "it is a pipe"
    found = re.search(r":(\d+)$", process.stdout.readline().strip())
    while found and time.perf_counter() - began < WAIT and process.poll() is None:
        with suppress(OSError, http.client.HTTPException):
            client = http.client.HTTPConnection("127.0.0.1", int(found[1]), timeout=WAIT)
            client.request("GET", "/readyz")
            status = client.getresponse().status
            client.close()
            if status == 200:
                return Running(process, int(found[1]), time.perf_counter() - began, log)
        time.sleep(0.005)
    last = log.read_text(errors="replace").strip().splitlines()[-1:]
    raise RecurraError(f"the server did not begin: {' '.join(last) or 'it said nothing'}")
