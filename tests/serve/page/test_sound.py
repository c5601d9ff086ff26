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
    rate = hearing.server.models["sounds"].describe()["rate"]
    time = np.arange(rate // 2) / rate
    samples = (8000 * np.sin(2 * np.pi * 440 * time)).astype("<i2")
    file = tmp_path / "tone.wav"
    with wave.open(str(file), "wb") as out:
        out.setparams((1, 2, rate, 0, "NONE", ""))
        out.writeframes(samples.tobytes())
    page = open_tab().show(hearing, "sounds")
    page.locator("input[type=file]").set_input_files(file)
    answer = hearing.predict("sounds", {"samples": (samples / 32768).tolist()})[0]
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


def test_what_is_said_is_written_with_its_times(hearing: Running, open_tab: Open) -> None:
    page = open_tab().show(hearing, "speech")
    page.get_by_role("button", name="Hear an example").click()
    page.wait_for_timeout(2500)
    text = page.locator(".transcript").inner_text()
    page.get_by_text("Answer as JSON").click()
    told = page.get_by_label("Answer as JSON").last.inner_text()
    assert (text != "–") is ('"text"' in told)
