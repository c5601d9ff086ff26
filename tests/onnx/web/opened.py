"""A folder as a browser sees it, from a plain server of files."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)
CONNECT = """async () => {
    const { connect } = await import("/onnx/backend.js");
    window.backend = await connect(document.baseURI);
}"""


class Quiet(SimpleHTTPRequestHandler):
    """A plain server of files that writes no log."""

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder, and yield its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def opened(folder: Path) -> Iterator[Any]:
    """Yield a browser's page of the folder, whose backend is `backend`."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("chromium is not installed, and a page is opened in it")
    api = pytest.importorskip("playwright.sync_api", reason="it opens the page in chromium")
    with served(folder) as address, api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=program, args=list(FLAGS))
        page = browser.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(address)
        page.evaluate(CONNECT)
        yield page
        browser.close()
        assert not errors
