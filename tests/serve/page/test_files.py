"""The page's files hang together, ask for nothing outside, and hold what a strict policy allows."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

import recurra.serve
from recurra.tasks.catalogue import TASKS
from tests.serve.page.node import needs_node, run

PAGE = Path(recurra.serve.__file__).parent / "page"
# those below onnx stand beside a runtime that their export adds, and have tests of their own
MODULES = sorted(path for path in PAGE.rglob("*.js") if "onnx" not in path.parts)
TEXTS = [path for ending in ("js", "css", "html", "svg") for path in PAGE.rglob(f"*.{ending}")]
NAMESPACES = {"http://www.w3.org/2000/svg"}


def named(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(PAGE)) for path in paths]


class Tags(HTMLParser):
    """What a page refers to, and what stands within its tags."""

    def __init__(self) -> None:
        super().__init__()
        self.files = list[str]()
        self.inline = list[str]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.files += [
            value
            for name in ("src", "href")
            if (value := given.get(name)) and not value.startswith("#")
        ]
        self.inline += [name for name in given if name == "style" or name.startswith("on")]
        if tag == "style" or (tag == "script" and "src" not in given):
            self.inline.append(tag)


def test_what_the_page_refers_to_is_there_and_nothing_stands_inline() -> None:
    tags = Tags()
    tags.feed((PAGE / "index.html").read_text(encoding="utf-8"))
    assert "app.js" in tags.files
    assert [file for file in tags.files if not (PAGE / file).exists()] == []
    assert tags.inline == []


@needs_node
def test_modules_parse_and_each_exports_what_others_import(tmp_path: Path) -> None:
    paths = [f"page/{name}" for name in named(MODULES)]
    # what links a module without running it, node has behind an option
    options = ["--experimental-vm-modules"]
    script = f"tell(await linked({json.dumps(paths)}));"
    assert run(tmp_path, script, "linked.js", options) == len(paths)


def test_every_task_has_a_view() -> None:
    text = (PAGE / "app.js").read_text(encoding="utf-8")
    block = text.split("const VIEWS = {")[1].split("}")[0]
    views = dict(re.findall(r'(\w+): "(\w+)"', block))
    assert sorted(views) == sorted(task.name for task in TASKS)
    for view in views.values():
        assert "export default function" in (PAGE / "tasks" / f"{view}.js").read_text("utf-8")


@pytest.mark.parametrize("path", TEXTS, ids=named(TEXTS))
def test_nothing_outside_is_named_and_no_text_becomes_markup(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    outside = re.findall(r"(?:https?|wss?)://[^\s\"'`)]+", text)
    assert set(outside) <= NAMESPACES
    assert not re.search(r"@import|url\(", text) or path.suffix != ".css"
    made = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function"
    assert not re.search(made, text)


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(share * part for share, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_stand_out_from_what_is_behind_them(scheme: str) -> None:
    blocks = (PAGE / "style.css").read_text(encoding="utf-8").split(":root {")
    assert len(blocks) == 3
    chosen = blocks[1 if scheme == "light" else 2].split("}")[0]
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", chosen))
    texts = ["ink", "soft", "accent", "alarm", *(f"c{i}" for i in range(8))]
    for text in texts:
        for behind in ("paper", "raised", "faint"):
            assert contrast(colours[text], colours[behind]) >= 4.5, f"{text} on {behind}"
    assert contrast(colours["on-accent"], colours["accent"]) >= 4.5
