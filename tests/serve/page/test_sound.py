"""Sound in a real browser: the microphone and files are streamed as they are heard, and played."""

import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.serve.page.conftest import Open
from tests.serve.serving import Running, running
from tests.tasks.streams.made import made

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def hearing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("hearing")
    models = {
        "sounds": made("audio_classification", folder),
        "speech": made("speech_recognition", folder, bidirectional=False),
        "harmony": made("polyphonic_music", folder),
    }
    with running(models) as server:
        yield server


def tone(server: Running, name: str, file: Path) -> list[float]:
    """Write half a second of a tone for a model, and return its samples."""
    rate = server.server.models[name].describe()["rate"]
    time = np.arange(rate // 2) / rate
    samples = (8000 * np.sin(2 * np.pi * 440 * time)).astype("<i2")
    with wave.open(str(file), "wb") as out:
        out.setparams((1, 2, rate, 0, "NONE", ""))
        out.writeframes(samples.tobytes())
    found: list[float] = (samples / 32768).tolist()
    return found


def seconds_of(page: Any) -> float:
    label = page.locator(".chart svg[aria-label^=Waveform]").get_attribute("aria-label")
    return float(label.split()[1])


def test_the_microphone_is_heard_as_it_speaks(hearing: Running, open_tab: Open) -> None:
    page = open_tab(permissions=["microphone"]).show(hearing, "sounds")
    page.get_by_role("button", name="Listen").click()
    page.locator(".trace svg").wait_for()
    early = seconds_of(page)
    page.wait_for_timeout(1000)
    page.get_by_role("button", name="Stop listening").click()
    assert seconds_of(page) > early + 0.5
    page.get_by_role("button", name="Listen").wait_for()
    assert page.locator(".failed").inner_text() == ""


def test_a_sound_file_is_streamed_to_what_predict_says(
    hearing: Running, open_tab: Open, tmp_path: Path
) -> None:
    samples = tone(hearing, "sounds", tmp_path / "tone.wav")
    page = open_tab().show(hearing, "sounds")
    page.locator("input[type=file]").set_input_files(tmp_path / "tone.wav")
    answer = hearing.predict("sounds", {"samples": samples})[0]
    page.locator(".bar.best", has_text=answer["label"]).wait_for()
    page.wait_for_timeout(3000)
    found = [float(one.rstrip(" %")) for one in page.locator(".bar .figure").all_inner_texts()]
    assert np.allclose(found, [100 * p for p in answer["probabilities"].values()], atol=1)


def test_keys_are_chosen_by_keyboard_and_the_next_are_tinted(
    hearing: Running, open_tab: Open
) -> None:
    page = open_tab().show(hearing, "harmony")
    page.get_by_role("button", name="C4", exact=True).focus()
    for key in ["Enter", *["ArrowRight"] * 4, "Enter"]:
        page.keyboard.press(key)
    assert page.locator(".keys [aria-pressed=true]").count() == 2
    page.get_by_role("button", name="Add step").click()
    page.locator(".keys [aria-label*='next with']").first.wait_for()
    page.get_by_role("button", name="Add step").click()
    page.get_by_role("button", name="Let it go on").click()
    page.locator(".roll .note.c1").first.wait_for(state="attached")
    page.get_by_role("button", name="Play").click()
    page.get_by_role("button", name="Stop").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download .mid").click()
    assert download.value.path().read_bytes().startswith(b"MThd")


def test_what_is_said_is_written_with_its_times(
    hearing: Running, open_tab: Open, tmp_path: Path
) -> None:
    samples = tone(hearing, "speech", tmp_path / "tone.wav")
    page = open_tab().show(hearing, "speech")
    page.locator("input[type=file]").set_input_files(tmp_path / "tone.wav")
    text = hearing.predict("speech", {"samples": samples}, beam=1)[0]["text"]
    assert text, "this model says something of any sound"
    page.wait_for_function(
        """(text) => {
          const parts = [...document.querySelector(".transcript").childNodes];
          const words = parts.filter((part) => part.nodeType === Node.TEXT_NODE);
          return words.map((part) => part.data).join("") === text;
        }""",
        arg=text,
    )
    times = [float(one.rstrip(" s")) for one in page.locator(".when").all_inner_texts()]
    assert times == sorted(times)
    assert 0 < times[-1] < 1
