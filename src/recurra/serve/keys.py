"""Who may ask: bearer keys, kept as digests."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

from recurra.errors import DataError, RecurraError
from recurra.serve.origin import loopback

VARIABLE = "RECURRA_KEYS"
LEAST, MOST = 16, 512  # characters of a key
NAME, KEY = re.compile(r"[A-Za-z0-9_.-]{1,64}"), re.compile(r"[!-~]+")
FILE_LIMIT = 1 << 20


class Keys:
    """The keys that are taken; of each only its SHA-256 is kept, and its name.

    Args:
        lines: `key` or `name:key`; a key without a name is called by its place: `key-1`.
        origin: what they are read from, for errors.
    Raises:
        RecurraError: a key or a name cannot be used, or is there twice.
    """

    def __init__(self, lines: Iterable[str], origin: str = VARIABLE) -> None:
        self._names: dict[bytes, str] = {}
        for place, line in enumerate(lines, 1):
            name, colon, key = line.partition(":")
            name, key = (name, key) if colon else (f"key-{place}", line)
            if not NAME.fullmatch(name):
                raise RecurraError(f"{origin}: key {place} has no name of letters, digits, - . _")
            if not (LEAST <= len(key) <= MOST and KEY.fullmatch(key)):
                raise RecurraError(
                    f"{origin}: key {place} is no text of {LEAST} to {MOST} ASCII characters "
                    "without spaces; one can be made by: openssl rand -base64 32"
                )
            digest = hashlib.sha256(key.encode()).digest()
            if digest in self._names or name in self._names.values():
                raise RecurraError(f"{origin}: key {place} has a key or a name that another has")
            self._names[digest] = name

    @classmethod
    def read(cls, file: Path | None, environment: Mapping[str, str] = os.environ) -> Keys:
        """Return the keys of a file, or else those that RECURRA_KEYS holds, separated by commas.

        Args:
            file: one key a line; empty lines and those that begin with `#` are left out.
            environment: where the variable is looked up.
        Raises:
            RecurraError: the file is missing, holds no key, or is open to other users.
        """
        if file is not None:
            lines = [line.strip() for line in _read(file).splitlines()]
            keys = cls([line for line in lines if line and not line.startswith("#")], str(file))
            if not keys:
                raise DataError(file, "holds no key; write one a line, or start without --keys")
            return keys
        given = environment.get(VARIABLE, "").split(",")
        return cls([key.strip() for key in given if key.strip()])

    def __len__(self) -> int:
        return len(self._names)

    def who(self, header: str | None, query: str | None = None) -> str | None:
        """Return the name of the key that a request has, or None where it has none of these.

        Every key is compared, each in constant time.

        Args:
            header: what stands in `Authorization`, "Bearer KEY".
            query: the parameter `key`, looked at where there is no header.
        """
        scheme, _, key = (header or f"Bearer {query or ''}").partition(" ")
        digest = hashlib.sha256(key.strip().encode("utf-8", "surrogatepass")).digest()
        found = None
        for known, name in self._names.items():
            if hmac.compare_digest(known, digest):
                found = name
        return found if scheme.lower() == "bearer" else None


def check_exposure(host: str, keys: Keys, *, exposed: bool = False) -> None:
    """Refuse a server without keys on other addresses than this machine's own.

    Args:
        host: what it listens on.
        keys: that it takes.
        exposed: that this is meant (`--open`).
    Raises:
        RecurraError: everybody who reaches the address could ask.
    """
    if not (keys or exposed or loopback(host)):
        raise RecurraError(
            f"without keys the server listens on 127.0.0.1 only, not on {host!r}: give --keys FILE "
            f"or {VARIABLE}, or --open where everybody may ask"
        )


def _read(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            found = os.fstat(opened.fileno())
            if not stat.S_ISREG(found.st_mode) or found.st_size > FILE_LIMIT:
                raise DataError(file, "is no file of keys: it is none, or larger than 1 MiB")
            if os.name == "posix" and found.st_mode & stat.S_IRWXO:
                raise DataError(file, f"is open to other users of this machine: chmod 600 {file}")
            return opened.read(FILE_LIMIT).decode("utf-8-sig")
    except OSError as error:
        raise DataError(file, f"cannot be read: {error.strerror}; --keys takes a file") from error
    except UnicodeDecodeError as error:
        raise DataError(file, "is no text of UTF-8; write one key a line") from error
