"""The page in a real browser: typed, drawn, dropped, streamed, by keys alone, at phone width."""

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.serve.page.conftest import Open
from tests.serve.serving import Running, running
from tests.tasks.streams.made import made

pytestmark = pytest.mark.slow

TEXT = "the film was fine my train was awful"


def told(answer: dict[str, Any]) -> tuple[str, list[str]]:
    """Return a label, and its bars' figures, as the page shows them."""
    shown = [f"{100 * p:.1f} %" for p in answer["probabilities"].values()]
    return answer["label"], shown


def shown(page: Any) -> tuple[str, list[str]]:
    headline: str = page.locator(".headline").inner_text()
    return headline, page.locator(".bar .figure").all_inner_texts()


def until(page: Any, expected: tuple[str, list[str]]) -> None:
    """Wait until the page shows a label and bars."""
    for _ in range(100):
        if shown(page) == expected:
            return
        page.wait_for_timeout(100)
    assert shown(page) == expected


def test_a_text_is_answered_word_by_word_as_it_is_typed(server: Running, open_tab: Open) -> None:
    page = open_tab().show(server, "sentiment")
    field = page.get_by_label("Type a sentence")
    field.press_sequentially("the film was ", delay=20)
    page.locator(".trace svg").wait_for()
    early = page.locator(".trace svg").get_attribute("aria-label")
    field.press_sequentially(TEXT.removeprefix("the film was "), delay=20)
    until(page, told(server.predict("sentiment", TEXT)[0]))
    late = page.locator(".trace svg").get_attribute("aria-label")
    assert [early.split(" after ")[1], late.split(" after ")[1]] in (
        ["2 words", "8 words"],
        ["3 words", "8 words"],
    )
    field.fill("the meal")  # what was typed is changed: the session begins anew
    until(page, told(server.predict("sentiment", "the meal")[0]))
    page.get_by_text("Answer as JSON").click()
    assert '"step": 2' in page.get_by_label("Answer as JSON").last.inner_text()


def test_a_model_that_waits_answers_what_is_typed_so_far(server: Running, open_tab: Open) -> None:
    page = open_tab().show(server, "both-ways")
    page.get_by_label("Type a sentence").press_sequentially(TEXT, delay=5)
    until(page, told(server.predict("both-ways", TEXT)[0]))
    page.get_by_text("As a command").click()
    command = page.locator("pre", has_text="curl").inner_text()
    assert f"127.0.0.1:{server.port}/v1/models/both-ways/predict" in command
    assert TEXT in command


def test_what_is_named_is_marked_as_predict_says(server: Running, open_tab: Open) -> None:
    page = open_tab().show(server, "ner")
    text = "Ann saw Oslo . Bo met Rome ."
    page.get_by_label("Who, where, when?").press_sequentially(text, delay=5)
    entities = server.predict("ner", text)[0]["entities"]
    marks = page.locator("mark")
    for _ in range(50):
        if marks.count() == len(entities):
            break
        page.wait_for_timeout(100)
    found = [mark.split() for mark in marks.all_inner_texts()]
    assert found == [[*words.split(), kind] for words, kind, _, _ in entities]


def test_a_digit_is_drawn_by_pointer_and_by_keys(server: Running, open_tab: Open) -> None:
    page = open_tab().show(server, "images")
    field = page.locator(".sketch canvas")
    box = field.bounding_box()
    page.mouse.move(box["x"] + 80, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 180, box["y"] + 200, steps=5)
    page.mouse.up()
    page.locator(".bar.best").wait_for()
    drawn = page.locator(".seen").screenshot()
    page.get_by_role("button", name="Clear").click()
    page.locator(".bar.best").wait_for(state="detached")
    field.focus()
    for key in ["Space", *["ArrowRight"] * 4, *["ArrowDown"] * 4, "Space"]:
        page.keyboard.press(key)
    page.locator(".bar.best").wait_for()
    assert page.locator(".seen").screenshot() != drawn
    page.get_by_text("Answer as JSON").click()
    assert '"label"' in page.get_by_label("Answer as JSON").last.inner_text()


def test_a_picture_is_dropped(server: Running, open_tab: Open) -> None:
    # pictures are made by pillow, of the vision extra
    image = pytest.importorskip("PIL.Image")
    pixels = np.random.default_rng(1).integers(0, 256, (8, 8), dtype=np.uint8)
    file = io.BytesIO()
    image.fromarray(pixels).save(file, "PNG")
    content = base64.b64encode(file.getvalue()).decode()
    page = open_tab().show(server, "images")
    given = page.evaluate_handle(
        """async (content) => {
          const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
          const transfer = new DataTransfer();
          transfer.items.add(new File([bytes], "digit.png", { type: "image/png" }));
          return transfer;
        }""",
        content,
    )
    page.locator(".drop").dispatch_event("drop", {"dataTransfer": given})
    until(page, told(server.predict("images", {"file": content})[0]))


def test_a_table_is_chosen_and_streamed(server: Running, open_tab: Open, tmp_path: Path) -> None:
    channels = len(server.server.models["signals"].describe()["channels"])
    values = np.random.default_rng(2).normal(size=(30, channels)).round(4)
    table = tmp_path / "signal.csv"
    names = ",".join(f"c{i}" for i in range(channels))
    np.savetxt(table, values, delimiter=",", header=names, comments="", fmt="%.4f")
    page = open_tab().show(server, "signals")
    page.locator("input[type=file]").set_input_files(table)
    page.locator(".trace svg[aria-label*='30 steps']").wait_for()
    until(page, told(server.predict("signals", {"values": values.tolist()})[0]))


def test_a_table_that_cannot_be_read_is_told_in_words(
    server: Running, open_tab: Open, tmp_path: Path
) -> None:
    table = tmp_path / "signal.csv"
    table.write_text("a,b,c,d,e,f,g\n1,2,3,4,5,6,7\n", encoding="utf-8")
    page = open_tab().show(server, "signals")
    page.locator("input[type=file]").set_input_files(table)
    page.locator(".failed:not(:empty)").wait_for()
    assert "channel" in page.get_by_role("alert").inner_text()


def test_pieces_grow_while_they_are_written(server: Running, open_tab: Open) -> None:
    page = open_tab().show(server, "tunes")
    page.get_by_role("button", name="Write a piece").click()
    page.get_by_text("notes", exact=False).last.wait_for()
    page.locator(".token", has_text="G major").wait_for()
    page = open_tab().show(server, "language")
    page.get_by_label("A beginning").fill("a")
    page.get_by_label("Parts at most").fill("60")
    page.get_by_role("button", name="Write on").click()
    page.wait_for_function("document.querySelector('.prose').textContent.length > 5")
    page.get_by_role("button", name="Write on").wait_for()
    page.locator(".surprise span").first.wait_for()


def test_two_tabs_are_two_sessions(server: Running, open_tab: Open) -> None:
    one, other = open_tab().show(server, "sentiment"), open_tab().show(server, "sentiment")
    texts = {one: "the film was fine", other: "our book was awful"}
    for page in texts:
        page.get_by_label("Type a sentence").press_sequentially("the ", delay=5)
    for page, text in texts.items():
        page.get_by_label("Type a sentence").fill(text)
    for page, text in texts.items():
        until(page, told(server.predict("sentiment", text)[0]))


@pytest.mark.parametrize("kept", [True, False], ids=["its state is kept", "it has forgotten"])
def test_a_server_that_goes_and_comes_back_is_gone_on_with(
    tmp_path: Path, open_tab: Open, kept: bool
) -> None:
    models = {"sentiment": made("sentiment", tmp_path, bidirectional=False)}
    state = str(tmp_path / "states") if kept else "memory"
    tab = open_tab()
    with running(models, state=state) as first:
        port = first.port
        page = tab.show(first, "sentiment")
        field = page.get_by_label("Type a sentence")
        field.press_sequentially("the film was ", delay=5)
        page.locator(".trace svg").wait_for()
    page.get_by_text("The server is gone").wait_for()
    field.press_sequentially("fine and", delay=5)
    with running(models, state=state, port=port) as second:
        page.get_by_text("connected").wait_for()
        until(page, told(second.predict("sentiment", "the film was fine and")[0]))
        sessions = [url.split("session=")[1] for url in tab.asked if "session=" in url]
        assert len({session.split("&")[0] for session in sessions}) == 1


def test_a_key_is_asked_for_and_kept_in_the_tab(models: Any, open_tab: Open) -> None:
    with running({"sentiment": models["sentiment"]}, "a-key-of-32-letters-abcdefghijkl") as server:
        tab = open_tab()
        tab.page.goto(f"http://127.0.0.1:{server.port}/")
        dialog = tab.page.get_by_role("dialog")
        dialog.wait_for()
        dialog.get_by_label("Key").fill("a-key-of-32-letters-abcdefghijkl")
        dialog.get_by_label("Key").press("Enter")
        field = tab.page.get_by_label("Type a sentence")
        field.press_sequentially("the film", delay=5)
        tab.page.locator(".bar.best").wait_for()
        assert len(tab.page.evaluate("sessionStorage.getItem('recurra-key')")) == 32
        assert tab.page.evaluate("localStorage.length") == 0
        tab.page.reload()
        field.press_sequentially("the film", delay=5)
        tab.page.locator(".bar.best").wait_for()


def test_keys_alone_lead_to_an_answer(server: Running, open_tab: Open) -> None:
    page = open_tab().show(server, "images")
    page.reload()
    page.locator("h1").wait_for()
    focused = "document.activeElement.textContent || document.activeElement.id"
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Tab")
    assert page.evaluate(focused) == "Skip to the model"
    assert page.locator(".skip").bounding_box()["x"] >= 0
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate(focused).startswith("sentiment"):
            break
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none"
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="sentiment").wait_for()
    page.keyboard.press("Tab")
    page.keyboard.type("the film was fine")
    until(page, told(server.predict("sentiment", "the film was fine")[0]))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_a_phone(server: Running, open_tab: Open, scheme: str) -> None:
    tab = open_tab(viewport={"width": 360, "height": 720}, color_scheme=scheme)
    for name in server.server.models:
        page = tab.show(server, name)
        page.get_by_role("heading", name=name, level=1).wait_for()
        for label in ("Try an example", "Draw an example", "Write on", "Write a piece"):
            button = page.get_by_role("button", name=label)
            if button.count():
                button.first.click()
        page.wait_for_timeout(300)
        wider = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wider <= 0, name
        small = page.evaluate(
            """[...document.querySelectorAll("button, summary, nav a, .drop")].filter((one) =>
              one.checkVisibility() && !one.closest(".keys") && one.offsetHeight < 24).length"""
        )
        assert small == 0, name
    assert page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") is (scheme == "dark")
