"""The folder of a page: what is in it, and what npm is asked for."""

import base64
import hashlib
import json
import subprocess
import tarfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from recurra.cli import main
from recurra.errors import RecurraError
from recurra.onnx import browser, web
from recurra.onnx.folder import DESCRIPTION
from tests.onnx.test_models import model

TOLD: dict[str, Any] = {"name": "labels", "stream": None, "why_no_stream": "it waits", "rate": None}
STEPS = {"unit": "word", "delay": 0, "says": "label"}


def archive(names: tuple[str, ...] = browser.FILES) -> bytes:
    """Return a package with these files and one more."""
    packed = BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as opened:
        for name in (*names, "../outside.mjs"):
            member = tarfile.TarInfo(f"package/dist/{name}")
            member.size = len(name)
            opened.addfile(member, BytesIO(name.encode()))
    return packed.getvalue()


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], list[Any]]:
    """Return what puts an npm in place that brings an archive, and the calls of it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("shutil.which", lambda name: f"/bin/{name}")

    def bringing(content: bytes, *, right: bool = True) -> list[Any]:
        calls: list[Any] = []

        def run(command: list[str], **_: Any) -> Any:
            calls.append(command)
            if content:
                (Path(command[-1]) / "onnxruntime-web.tgz").write_bytes(content)
            return subprocess.CompletedProcess(command, int(not content), b"", b"line\nno network")

        monkeypatch.setattr(subprocess, "run", run)
        if right:
            sha512 = base64.b64encode(hashlib.sha512(content).digest()).decode()
            monkeypatch.setattr(browser, "SHA512", sha512)
        return calls

    return bringing


def test_npm_is_asked_once_and_brings_what_is_needed(npm: Any) -> None:
    calls = npm(archive())
    first, again = browser.runtime(), browser.runtime()
    assert first == again
    assert len(calls) == 1
    assert [path.read_text() for path in first] == list(browser.FILES)
    assert {path.name for path in first[0].parent.iterdir()} == set(browser.FILES)


def test_another_package_is_refused(npm: Any) -> None:
    npm(archive(), right=False)
    with pytest.raises(RecurraError, match="is not the one that recurra was tested with"):
        browser.runtime()
    assert not list(browser.cache_folder().rglob("*.mjs"))


def test_what_npm_says_is_told(npm: Any) -> None:
    npm(b"")
    with pytest.raises(RecurraError, match=r"does not bring onnxruntime-web@1.*: no network"):
        browser.runtime()


def test_without_npm_it_is_said_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(RecurraError, match="install Node"):
        browser.runtime()


@pytest.fixture
def write(npm: Any, tmp_path: Path) -> Callable[[str], int]:
    """Return what writes a page of a model of this name into the folder `site`."""
    npm(archive())
    given = model("image_classification", tmp_path)

    def written(name: str) -> int:
        home = web.place(tmp_path / "site", name)
        home.mkdir(parents=True, exist_ok=True)
        (home / DESCRIPTION).write_text(json.dumps({"graphs": {"sequence": {}}}))
        return web.write(tmp_path / "site", {**TOLD, "name": name}, given)

    return written


def test_a_page_has_its_models_and_asks_no_server(write: Any, tmp_path: Path) -> None:
    size, folder = [write(name) for name in ("one", "two", "one")][-1], tmp_path / "site"
    assert [one["name"] for one in json.loads((folder / web.MODELS).read_text())] == ["two", "one"]
    assert 'name="recurra-backend" content="onnx"' in (folder / "index.html").read_text()
    assert (folder / "onnx" / "backend.js").is_file()
    assert {path.name for path in (folder / "onnx" / "ort").iterdir()} == set(browser.FILES)
    assert size == sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("text", ["{", "[1]", "7"])
def test_a_list_that_is_no_list_is_refused(write: Any, tmp_path: Path, text: str) -> None:
    write("one")
    (tmp_path / "site" / web.MODELS).write_text(text)
    with pytest.raises(RecurraError, match="is not one of ours"):
        write("two")


@pytest.mark.slow
@pytest.mark.unchecked("a graph would hold the checks too")
def test_the_command_line_writes_a_page(
    npm: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    npm(archive())
    run, site = model("image_classification", tmp_path).save(tmp_path / "digits"), tmp_path / "site"
    assert main(["export", str(run), "--to", str(site), "--web", "--rows", "4"]) == 0
    assert f"http.server --directory {site}" in capsys.readouterr().out
    (told,) = json.loads((site / web.MODELS).read_text())
    assert (told["name"], told["task"]) == ("digits", "image_classification")
    assert (web.place(site, "digits") / "predict.onnx").is_file()


def test_the_command_line_says_what_npm_does_not_bring(
    npm: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    npm(b"")
    assert main(["export", str(tmp_path), "--to", str(tmp_path / "site"), "--web"]) == 2
    assert "npm does not bring" in capsys.readouterr().err
    assert not (tmp_path / "site").exists()


def test_a_page_streams_what_its_graphs_can() -> None:
    told = {**TOLD, "stream": STEPS, "why_no_stream": None}
    assert web.described(told, {"sequence": 0, "step": 0}) == told
    found = web.described(told, {"sequence": 0})
    assert found["stream"] is None
    assert "use recurra serve" in found["why_no_stream"]
    assert web.described(TOLD, {"sequence": 0}) == TOLD
