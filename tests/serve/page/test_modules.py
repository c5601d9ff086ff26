"""What the page's modules compute: messages, MIDI, tables, resampling."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.serve.page.node import needs_node, run

pytestmark = needs_node


def test_frames_go_out_in_messages_of_bounded_size_in_their_order(tmp_path: Path) -> None:
    told = run(
        tmp_path,
        """
        import { joined, parted } from "./page/messages.js";
        const waiting = [...parted(Float32Array.from({ length: 20_000 }, (_, i) => i), false),
          ...parted(Float32Array.of(7, 8), true)];
        waiting.forEach((part, i) => (part.resolves = [i]));
        const out = [];
        while (waiting.length) {
          const { frames, end, resolves } = joined(waiting);
          out.push([frames.constructor.name, frames.length, frames[0], Boolean(end), resolves]);
        }
        tell(out);
        """,
    )
    assert told == [
        ["Float32Array", 8192, 0, False, [0]],
        ["Float32Array", 8192, 8192, False, [1]],
        ["Float32Array", 3618, 16384, False, [2, 3]],
        ["Array", 0, None, True, [4]],
    ]


def test_what_waits_is_joined_but_never_beyond_an_end(tmp_path: Path) -> None:
    told = run(
        tmp_path,
        """
        import { joined, parted } from "./page/messages.js";
        const given = [[["a "], false], [["b "], true], [["c "], false], [["d"], false]];
        const waiting = given.flatMap(([frames, end]) => parted(frames, end));
        waiting.forEach((part) => (part.resolves = []));
        const out = [];
        while (waiting.length) out.push(joined(waiting));
        tell(out.map(({ frames, end }) => [frames, Boolean(end)]));
        """,
    )
    assert told == [[["a ", "b "], True], [["c ", "d"], False]]


def test_a_midi_file_that_is_written_reads_as_its_notes_here_and_elsewhere(tmp_path: Path) -> None:
    told = run(
        tmp_path,
        """
        import { read, written } from "./page/midi.js";
        const notes = [{ start: 0, length: 1, pitch: 60 }, { start: 0, length: 200.5, pitch: 64 },
          { start: 1, length: 0.25, pitch: 60 }];
        const file = written(notes, 90);
        tell({ file: [...file], notes: read(file) });
        """,
    )
    expected = [(0, 1, 60), (0, 200.5, 64), (1, 0.25, 60)]
    found = sorted((n["start"], n["length"], n["pitch"]) for n in told["notes"])
    assert np.allclose(found, expected)
    # files are written by symusic only where the music extra is installed
    symusic = pytest.importorskip("symusic")
    score = symusic.Score.from_midi(bytes(told["file"]))
    notes = score.tracks[0].notes
    beats = [
        (n.start / score.ticks_per_quarter, n.duration / score.ticks_per_quarter, n.pitch)
        for n in notes
    ]
    assert np.allclose(sorted(beats), expected)


def test_midi_files_of_others_are_read_and_broken_ones_refused(tmp_path: Path) -> None:
    # running status, a note that is ended by velocity 0, a meta event, drums
    track = bytes([0, 0xFF, 3, 1, 65, 0, 0x90, 60, 64, 96, 60, 0, 0, 0x99, 35, 64, 96, 35, 0])
    head = b"MThd" + bytes([0, 0, 0, 6, 0, 1, 0, 1, 0, 96])
    file = head + b"MTrk" + len(track).to_bytes(4, "big") + track
    told = run(
        tmp_path,
        f"""
        import {{ read }} from "./page/midi.js";
        const refused = (bytes) => {{ try {{ read(Uint8Array.from(bytes)); return null; }}
          catch (error) {{ return error.message; }} }};
        const file = {list(file)};
        const broken = [[], [1, 2, 3], [0, ...file.slice(1)]];
        tell([read(Uint8Array.from(file)), broken.map(refused)]);
        """,
    )
    notes, refused = told
    assert notes == [{"start": 0, "length": 1, "pitch": 60}]
    assert refused == ["the file cannot be read as MIDI; give a standard MIDI file (.mid)"] * 3


@pytest.mark.parametrize(
    ("text", "names", "rows"),
    [
        ("a,b\n1,2\n3,\n", ["a", "b"], [["1", "2"], ["3", ""]]),
        ("\ufefftime;value\r\n2024-01-01;1.5\r\n", ["time", "value"], [["2024-01-01", "1.5"]]),
        ('"a, b",c\n"say ""so""",2', ["a, b", "c"], [['say "so"', "2"]]),
        ("1\t2\n3\t4", None, [["1", "2"], ["3", "4"]]),
        ("", None, []),
    ],
)
def test_tables_are_read(
    tmp_path: Path, text: str, names: list[str] | None, rows: list[list[str]]
) -> None:
    script = f"""
        import {{ parsed }} from "./page/csv.js";
        tell(parsed({json.dumps(text)}));
        """
    assert run(tmp_path, script) == {"names": names, "rows": rows}


def test_the_recorder_keeps_a_tone_and_drops_what_would_fold_over(tmp_path: Path) -> None:
    told = run(
        tmp_path,
        """
        globalThis.sampleRate = 48_000;
        globalThis.AudioWorkletProcessor = class { constructor() {
          this.port = { postMessage: (part) => this.heard.push(...part) };
          this.heard = [];
        } };
        let Recorder;
        globalThis.registerProcessor = (name, made) => (Recorder = made);
        await import("./page/recorder.js");
        function through(frequency) {
          const recorder = new Recorder({ processorOptions: { rate: 8000, portion: 400 } });
          const wave = (i) => Math.sin((2 * Math.PI * frequency * i) / 48_000);
          for (let from = 0; from < 25_600; from += 128)
            recorder.process([[Float32Array.from({ length: 128 }, (_, i) => wave(from + i))]]);
          return recorder.heard;
        }
        tell([through(1000), through(7000)]);
        """,
    )
    tone, folded = (np.array(one)[200:] for one in told)
    assert len(tone) + 200 == pytest.approx(200 * 128 / 6, abs=500)
    spectrum = np.abs(np.fft.rfft(tone * np.hanning(len(tone))))
    assert np.argmax(spectrum) * 8000 / len(tone) == pytest.approx(1000, abs=10)
    assert np.sqrt((tone**2).mean()) == pytest.approx(0.707, abs=0.02)
    assert np.sqrt((folded**2).mean()) < 0.02


def test_a_wav_file_is_what_others_read(tmp_path: Path) -> None:
    # it is read by soundfile, of the audio extra
    soundfile = pytest.importorskip("soundfile")
    told = run(
        tmp_path,
        """
        import { hum, wav } from "./page/sound.js";
        const samples = hum(8000);
        tell([[...wav(samples, 8000)], [...samples]]);
        """,
    )
    found: Any
    found, rate = soundfile.read(io.BytesIO(bytes(told[0])))
    assert rate == 8000
    assert found == pytest.approx(told[1], abs=1e-4)
    assert 0.1 < np.abs(found).max() <= 1
