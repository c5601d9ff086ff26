"""How large an exported page is, and how soon after opening it answers.

python benchmarks/serving/web.py FOLDER NAME INPUT
"""

from __future__ import annotations

import json
import shutil
import statistics
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)
ASK = """async ([name, input, times]) => {
    const { connect } = await import("/onnx/backend.js");
    const backend = await connect(document.baseURI), took = [];
    const [answer] = await backend.predict(name, [input]);
    if (answer.error) throw new Error(answer.error);
    const first = performance.now();
    for (let i = 0; i < times; i++) {
        const begun = performance.now();
        await backend.predict(name, [input]);
        took.push(performance.now() - begun);
    }
    return [first, took.sort((a, b) => a - b)[times >> 1]];
}"""


class Quiet(SimpleHTTPRequestHandler):
    """A plain server of files that writes no log."""

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def measure(
    folder: Path, name: str, given: Any, *, times: int = 20, openings: int = 5
) -> dict[str, float]:
    """Return the bytes of a page, the seconds from opening to its first answer, and of a later one.

    A browser of its own, without a cache, opens the page each time; the median is told.

    Args:
        folder: that `recurra export --web` wrote.
        name: of a model in it.
        given: one input of it (docs/server.md).
        times: later answers of each opening.
        openings: how often the page is opened.
    Raises:
        FileNotFoundError: chromium is not installed.
    """
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium")
    if program is None:
        raise FileNotFoundError("chromium is not installed")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    first, later = [], []
    try:
        with sync_playwright() as play:
            for _ in range(openings):
                browser = play.chromium.launch(executable_path=program, args=list(FLAGS))
                page = browser.new_page()
                page.goto(f"http://127.0.0.1:{server.server_port}/", wait_until="commit")
                opened, again = page.evaluate(ASK, [name, given, times])
                first.append(opened / 1000)
                later.append(again / 1000)
                browser.close()
    finally:
        server.shutdown()
        server.server_close()
    return {
        "bytes": sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()),
        "first_answer_seconds": statistics.median(first),
        "answer_seconds": statistics.median(later),
    }


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]), *sys.argv[2:4]), indent=1))
