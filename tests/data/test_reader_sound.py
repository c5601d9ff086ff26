"""Sound files: what they hold decides, they are one channel of one rate, and bad ones are told."""

import numpy as np
import pytest

from recurra.data.readers import sound
from recurra.data.readers.sound import Wanted, load, of_array
from recurra.data.readers.text import Rows
from recurra.errors import DataError, MissingExtra
from tests.data.sounds import RATE, tone, truncate, write

WANTED = Wanted(RATE, 10.0)


@pytest.mark.parametrize(
    ("name", "options", "error"),
    [
        ("a.wav", {"subtype": "PCM_U8"}, 1 / 128),
        ("a.wav", {"subtype": "PCM_16"}, 1e-4),
        ("a.wav", {"subtype": "PCM_24"}, 1e-6),
        ("a.wav", {"subtype": "PCM_32"}, 1e-6),
        ("a.wav", {"subtype": "FLOAT"}, 1e-6),
        ("a.wav", {"subtype": "DOUBLE"}, 1e-6),
        ("a.flac", {}, 1e-4),
        ("a.ogg", {}, 0.05),
        ("a.aiff", {}, 1e-4),
        ("flac.wav", {"format": "FLAC"}, 1e-4),
        ("wave.raw.flac", {"format": "WAV"}, 1e-4),
    ],
)
def test_every_kind_of_file_gives_its_samples(tmp_path, name, options, error):
    path = write(tmp_path / name, tone(), **options)
    found = load(path, WANTED, Rows())
    assert found.dtype == np.float32
    assert found.shape == (2000,)
    np.testing.assert_allclose(found, tone(), rtol=0, atol=error)


def test_an_mp3_named_wav_is_read_as_what_it_is(tmp_path):
    path = write(tmp_path / "a.wav", tone(), format="MP3")
    found = load(path, WANTED, Rows())
    assert len(found) == 2000
    assert np.corrcoef(found, tone())[0, 1] > 0.99


@pytest.mark.parametrize("channels", [2, 6])
def test_channels_are_averaged_and_that_is_said_once(tmp_path, capsys, channels):
    several = np.stack([tone() * (i + 1) / channels for i in range(channels)], axis=1)
    paths = [write(tmp_path / f"{i}.wav", several, subtype="PCM_24") for i in range(2)]
    rows = Rows()
    for path in paths:
        np.testing.assert_allclose(load(path, WANTED, rows), several.mean(1), rtol=0, atol=1e-5)
    told = capsys.readouterr().err
    assert told.count("several channels; their mean is read") == 1
    assert str(paths[0]) in told


def test_another_rate_is_resampled(tmp_path, capsys):
    path = write(tmp_path / "a.wav", tone(1.0, rate=44100), 44100)
    found = load(path, WANTED, Rows())
    assert len(found) == RATE
    np.testing.assert_allclose(found[200:-200], tone(1.0)[200:-200], rtol=0, atol=1e-3)
    assert "has 44,100 Hz; resampled to 8,000" in capsys.readouterr().err


def test_what_is_too_high_for_the_rate_is_gone_and_not_folded(tmp_path):
    path = write(tmp_path / "a.wav", tone(1.0, pitch=5000, rate=16000), 16000)
    assert np.abs(load(path, WANTED, Rows())[200:-200]).max() < 1e-3


def test_a_long_sound_is_cut_or_refused_as_asked(tmp_path, capsys):
    path = write(tmp_path / "a.wav", tone(1.0))
    found = load(path, Wanted(RATE, 0.5), Rows())
    np.testing.assert_allclose(found, tone(1.0)[:4000], rtol=0, atol=1e-4)
    assert "over 0.5 s; its beginning is read (--max-length)" in capsys.readouterr().err
    with pytest.raises(DataError, match=r"a\.wav: lasts 1\.0 s; at most 0\.5 s is taken"):
        load(path, Wanted(RATE, 0.5, cut=False), Rows())


def bad_files(folder):
    """Return files that are no usable sound, and what is said of them."""
    nan = tone()
    nan[7] = np.nan
    loud = tone() * 1e9
    text = folder / "text.wav"
    text.write_text("these are words\n" * 50)
    raw = folder / "a.raw"
    raw.write_bytes(bytes(4000))
    empty = folder / "empty.wav"
    empty.touch()
    noise = folder / "noise.flac"
    noise.write_bytes(np.random.default_rng(0).bytes(4000))
    flac = write(folder / "cut.flac", np.random.default_rng(0).standard_normal(9000) / 9)
    return [
        (write(folder / "zero.wav", np.zeros(0)), "holds 0 samples"),
        (truncate(flac), "cannot be read as a sound"),
        (write(folder / "nan.wav", nan, subtype="FLOAT"), "no finite numbers"),
        (write(folder / "loud.wav", loud, subtype="FLOAT"), "full scale is 1"),
        (write(folder / "slow.wav", tone(), 100), "rate of 100 Hz"),
        (text, "cannot be read as a sound: .*not recogni"),
        (noise, "cannot be read as a sound: .*not recogni"),
        (raw, "headerless"),
        (empty, "is empty"),
        (folder, "is a folder"),
        (folder / "zer.wav", r"is missing; did you mean zero\.wav"),
    ]


def test_bad_files_are_refused_by_name_or_skipped_and_counted(tmp_path):
    bad = bad_files(tmp_path)
    for path, words in bad:
        with pytest.raises(DataError, match=words) as caught:
            load(path, WANTED, Rows())
        assert str(caught.value).startswith(f"{path}: ")
        assert "\n" not in str(caught.value)
        assert str(caught.value).count(str(path)) == 1
    rows = Rows(skip=True, quiet=True)
    assert [load(path, WANTED, rows) for path, _ in bad] == [None] * len(bad)
    assert rows.skipped == len(bad)


def test_a_wav_that_was_cut_off_is_read_as_far_as_it_goes_and_that_is_said(tmp_path, capsys):
    path = truncate(write(tmp_path / "a.wav", tone()))
    found = load(path, WANTED, Rows())
    np.testing.assert_allclose(found, tone()[: len(found)], rtol=0, atol=1e-4)
    assert 900 < len(found) < 1000
    assert "longer than it is" in capsys.readouterr().err


def test_only_what_is_wanted_of_a_huge_file_is_read(tmp_path, monkeypatch):
    import soundfile

    path = write(tmp_path / "a.wav", tone(5.0))
    asked = []
    read = soundfile.SoundFile.read

    def spy(self, frames=-1, **options):
        asked.append(frames)
        return read(self, frames, **options)

    monkeypatch.setattr(soundfile.SoundFile, "read", spy)
    load(path, Wanted(RATE, 0.1), Rows())
    assert asked == [800]


def test_a_file_with_fewer_samples_than_it_says_is_refused(tmp_path, monkeypatch):
    import soundfile

    path = write(tmp_path / "a.wav", tone())
    read = soundfile.SoundFile.read
    monkeypatch.setattr(
        soundfile.SoundFile, "read", lambda self, frames, **way: read(self, frames - 900, **way)
    )
    with pytest.raises(DataError, match=r"truncated: 1,100 of 2,000 samples are there"):
        load(path, WANTED, Rows())


@pytest.mark.parametrize("missing", ["soundfile", "soxr"])
def test_a_missing_library_is_named(tmp_path, monkeypatch, missing):
    path = write(tmp_path / "a.wav", tone(rate=16000), 16000)
    monkeypatch.setitem(__import__("sys").modules, missing, None)
    with pytest.raises(MissingExtra, match=rf"{missing}: pip install 'recurra\[audio\]'"):
        load(path, WANTED, Rows(skip=True))


@pytest.mark.parametrize(
    ("kind", "scale", "middle"),
    [("int16", 2**15, 0), ("int32", 2**31, 0), ("uint8", 2**7, 2**7), ("float64", 1, 0)],
)
def test_arrays_are_parts_of_their_full_scale(kind, scale, middle):
    given = (tone() * scale + middle).astype(kind)
    np.testing.assert_allclose(of_array(given, RATE, WANTED), tone(), rtol=0, atol=1 / 128)


def test_arrays_are_averaged_resampled_and_cut_as_files_are():
    both = np.stack([tone(1.0, rate=16000), np.zeros(16000)], 1)
    found = of_array(both, 16000, Wanted(RATE, 0.5))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[200:3800], tone(1.0)[200:3800] / 2, rtol=0, atol=1e-3)
    with pytest.raises(DataError, match=r"lasts 1\.0 s"):
        of_array(both, 16000, Wanted(RATE, 0.5, cut=False))


@pytest.mark.parametrize(
    ("samples", "rate", "words"),
    [
        (np.zeros(0), RATE, "0 samples"),
        (np.array(["a"]), RATE, "is no sound"),
        (np.zeros((2, 3, 4)), RATE, "is no sound"),
        (np.float32(1.0), RATE, "is no sound"),
        (np.zeros((2, 400)), RATE, "more channels than samples"),
        (np.array([np.inf, 0.0]), RATE, "no finite numbers"),
        (np.zeros(10, complex), RATE, "is no sound"),
        (np.zeros(10), 0, "rate of 0 Hz"),
        (np.zeros(10), 8000.5, r"rate of 8000\.5"),
        (np.zeros(10), "8000", "rate of '8000'"),
        (np.zeros(10), True, "rate of True"),
    ],
)
def test_arrays_that_are_no_sound_are_refused(samples, rate, words):
    with pytest.raises(DataError, match=words):
        of_array(samples, rate, WANTED)


def test_endings_tell_sounds_and_hidden_files_are_none(tmp_path):
    for name in ("a.WAV", ".b.wav", "c.txt", "d.flac"):
        (tmp_path / name).touch()
    assert sorted(p.name for p in tmp_path.iterdir() if sound.is_sound(p)) == ["a.WAV", "d.flac"]
