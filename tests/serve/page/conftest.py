"""A real browser, and what its pages ask for and complain of."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.serve.serving import Running

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]


@dataclass
class Tab:
    """A page that was opened, what it asked for, and what the browser complained of."""

    page: Any
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def show(self, server: Running, name: str) -> Any:
        """Go to a model, and return the page."""
        self.page.goto(f"http://127.0.0.1:{server.port}/#/{name}")
        self.page.locator("h1").wait_for()
        return self.page


Open = Callable[..., Tab]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("there is no chromium on this machine")
    # it is of the extra "dev", and what drives the browser
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_tab(chromium: Any) -> Iterator[Open]:
    """Yield what opens tabs; at the end none has asked for anything outside, or broken a policy."""
    contexts, tabs = list[Any](), list[Tab]()

    def opened(**options: Any) -> Tab:
        context = chromium.new_context(**options)
        context.set_default_timeout(15_000)
        contexts.append(context)
        tab = Tab(context.new_page())
        tabs.append(tab)
        tab.page.on("request", lambda request: tab.asked.append(request.url))
        tab.page.on("websocket", lambda socket: tab.asked.append(socket.url))
        tab.page.on("pageerror", lambda error: tab.complaints.append(str(error)))
        tab.page.on("console", lambda said: _complain(tab, said))
        return tab

    yield opened
    for context in contexts:
        context.close()
    for tab in tabs:
        own = ("http://127.0.0.1:", "ws://127.0.0.1:", "blob:http://127.0.0.1:")
        assert [url for url in tab.asked if not url.startswith(own)] == []
        assert tab.complaints == []


def _complain(tab: Tab, said: Any) -> None:
    # what a test does to a server the browser says too: that it is gone, or refuses
    expected = ("Failed to load resource", "WebSocket connection to")
    if said.type == "error" and not said.text.startswith(expected):
        tab.complaints.append(said.text)
