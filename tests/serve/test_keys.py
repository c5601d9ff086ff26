"""Who is let in, and which files and addresses are refused."""

from __future__ import annotations

import hmac
import os
from pathlib import Path

import pytest

from recurra.errors import RecurraError
from recurra.serve import keys as module
from recurra.serve.keys import Keys, check_exposure

ONE, TWO = "k" * 15 + "1", "abcdefgh:ijklmnop"


def file_of(tmp_path: Path, content: bytes, mode: int = 0o600) -> Path:
    path = tmp_path / "keys.txt"
    path.write_bytes(content)
    path.chmod(mode)
    return path


def test_a_file_names_its_keys(tmp_path: Path) -> None:
    path = file_of(tmp_path, f"# ours\n\n  {ONE}  \r\nalice:{TWO}\n".encode())
    keys = Keys.read(path, {"RECURRA_KEYS": "z" * 20})
    assert len(keys) == 2
    assert keys.who(f"Bearer {ONE}") == "key-1"
    assert keys.who(f"bearer  {TWO}") == "alice"
    assert keys.who(None, TWO) == "alice"
    assert keys.who("Bearer " + "z" * 20) is None


def test_the_environment_names_keys_where_no_file_does() -> None:
    keys = Keys.read(None, {"RECURRA_KEYS": f" bob:{ONE}, {'y' * 20},"})
    assert keys.who(f"Bearer {ONE}") == "bob"
    assert keys.who(None, "y" * 20) == "key-2"
    assert len(Keys.read(None, {})) == 0


@pytest.mark.parametrize(
    ("header", "query"),
    [
        (None, None),
        ("", ""),
        ("Bearer", None),
        ("Bearer ", None),
        (f"Bearer {ONE[:-1]}", None),
        (f"Bearer {ONE}x", None),
        (ONE, None),
        (f"Basic {ONE}", None),
        ("Bearer wrong", ONE),  # the header is what counts
        (f"Bearer alice:{ONE}", None),
        ("Bearer \udcff", None),
        (None, "ü" * 10_000),
    ],
)
def test_what_is_not_a_key_is_nobody(header: str | None, query: str | None) -> None:
    assert Keys([f"alice:{ONE}"]).who(header, query) is None
    assert Keys([]).who(header, query) is None


def test_every_key_is_compared_and_none_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    keys, seen = Keys([f"a{n}:{ONE}{n}" for n in range(5)]), []
    compare = hmac.compare_digest
    monkeypatch.setattr(module.hmac, "compare_digest", lambda a, b: seen.append(a) or compare(a, b))
    assert keys.who(f"Bearer {ONE}0") == "a0"
    assert len(seen) == 5
    assert ONE not in repr(vars(keys))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"# nothing\n", "holds no key"),
        (b"short\n", "key 1 is no text of 16"),
        (b"k" * 513, "key 1 is no text of 16"),
        (b"two words of a key\n", "key 1 is no text of 16"),
        ("ü".encode() * 20, "key 1 is no text of 16"),
        (b":" + b"k" * 20, "key 1 has no name"),
        (b"a b:" + b"k" * 20, "key 1 has no name"),
        (f"a:{ONE}\nb:{ONE}".encode(), "key 2 has a key or a name that another has"),
        (f"a:{ONE}\na:{TWO}".encode(), "key 2 has a key or a name that another has"),
        (b"\xff\xfe" * 20, "no text of UTF-8"),
        (b"k" * (1 << 20) + b"k", "larger than 1 MiB"),
    ],
)
def test_a_file_that_is_wrong_is_told_without_its_keys(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    with pytest.raises(RecurraError, match=reason) as error:
        Keys.read(file_of(tmp_path, content))
    assert "\n" not in str(error.value)
    assert ONE not in str(error.value)


@pytest.mark.skipif(os.name != "posix", reason="elsewhere a file has no such bits")
@pytest.mark.parametrize(("mode", "good"), [(0o600, True), (0o640, True), (0o644, False)])
def test_a_file_that_others_may_read_is_refused(tmp_path: Path, mode: int, good: bool) -> None:
    path = file_of(tmp_path, ONE.encode(), mode)
    if good:
        assert len(Keys.read(path)) == 1
    else:
        with pytest.raises(RecurraError, match="open to other users of this machine: chmod 600"):
            Keys.read(path)


def test_a_missing_file_and_a_folder_are_told(tmp_path: Path) -> None:
    with pytest.raises(RecurraError, match="cannot be read: No such file"):
        Keys.read(tmp_path / "none")
    with pytest.raises(RecurraError, match=r"cannot be read|is no file of keys"):
        Keys.read(tmp_path)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_this_machine_may_listen_to_itself(host: str) -> None:
    check_exposure(host, Keys([]))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.168.1.2", "example.org", "localhost.x"])
def test_others_need_keys_or_a_word(host: str) -> None:
    with pytest.raises(RecurraError, match="give --keys FILE or RECURRA_KEYS, or --open"):
        check_exposure(host, Keys([]))
    check_exposure(host, Keys([ONE]))
    check_exposure(host, Keys([]), exposed=True)
