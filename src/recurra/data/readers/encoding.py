"""Which encoding a text file is in: told by its bytes, guessed once per run, or named."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from encodings.aliases import aliases

from recurra.errors import InputError

UTF_8 = "utf-8"
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark begins alike
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
LATIN = ("cp1252", "cp1250", "cp1254", "mac_roman")
OTHERS = (
    *("cp1251", "koi8_r", "cp866", "cp1253", "cp1255", "cp1256", "cp874"),
    *("gb18030", "big5", "cp932", "euc_jp", "cp949"),
)
NOT_TEXT = (
    *("base64", "bz2", "hex", "quopri", "rot-13", "uu", "zlib", "idna", "punycode", "undefined"),
    *("unicode-escape", "raw-unicode-escape", "utf-7", "mbcs", "oem"),
)
SAMPLE = 200_000  # bytes that a guess is made from
# Where fewer bytes lie beyond ASCII, of those that are no spaces, the letters are Latin ones.
LATIN_SHARE = 0.3
FEW = 8
UNDECODED = re.compile("[\udc00-\udfff]")
LINES = re.compile(rb"[\r\n]+")
HANDLER = "recurra.undecoded"


def _mark(error: UnicodeError) -> tuple[str, int]:
    """Return a lone surrogate for each byte that cannot be decoded, so that its row is known."""
    assert isinstance(error, UnicodeDecodeError)
    bad = error.object[error.start : error.end]
    return "".join(chr(0xDC00 + byte) for byte in bad), error.end


codecs.register_error(HANDLER, _mark)


def names(given: str) -> tuple[str, str | None]:
    """Return the encoding named, and whether it is for files that are not UTF-8 only.

    Args:
        given: a name, or "utf-8,NAME".
    Returns:
        (name, None), or ("utf-8", name).
    Raises:
        InputError: a name is no encoding's.
    """
    parts = [_name(part.strip()) for part in given.split(",")]
    if len(parts) == 1:
        return parts[0], None
    if len(parts) == 2 and parts[0] == UTF_8:
        return UTF_8, parts[1]
    raise InputError(f"encoding: received {given!r}; allowed is a name, or utf-8,NAME")


def _name(given: str) -> str:
    try:
        found = codecs.lookup(given).name
    except (LookupError, ValueError):
        found = ""
    if not found or found in NOT_TEXT:
        plain = re.sub(r"\W+", "_", given.lower())
        near = get_close_matches(plain, sorted({*aliases, *aliases.values()}), n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else "give one such as utf-8 or cp1252"
        raise InputError(f"unknown encoding {given!r}; {hint}")
    return UTF_8 if found == "utf-8-sig" else found


def by_mark(start: bytes) -> str | None:
    """Return the encoding that a file's first bytes tell: a byte order mark, or UTF-16's zeros."""
    for mark, name in BOMS:
        if start.startswith(mark):
            return name
    if b"\0" not in start:
        return None
    found = {}
    for name in ("utf-16-le", "utf-16-be"):
        try:
            text = codecs.getincrementaldecoder(name)().decode(start)
        except UnicodeDecodeError:
            continue
        if not any(
            unicodedata.category(c) in ("Cc", "Cn", "Co") and c not in "\t\r\n" for c in text
        ):
            found[name] = sum(c.isascii() for c in text)
    return max(found, key=found.__getitem__, default=None)


class Scan:
    """What the bytes of a file say about UTF-8.

    Args:
        chunks: the whole file, in pieces.
    """

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self.characters = self.strays = 0
        self.sample = bytearray()
        decoder = codecs.getincrementaldecoder(UTF_8)(HANDLER)
        for chunk in chunks:
            text = decoder.decode(chunk)
            if text.isascii():
                continue
            strays = len(UNDECODED.findall(text))
            self.strays += strays
            self.characters += sum(len(run) for run in re.findall(r"[^\x00-\x7f]+", text)) - strays
            if strays and len(self.sample) < SAMPLE:
                self.sample += b"\n".join(line for line in LINES.split(chunk) if _not_utf_8(line))
        self.strays += len(decoder.decode(b"", final=True))

    @property
    def is_utf_8(self) -> bool:
        """Whether all of it is UTF-8, or all but a few stray bytes."""
        return self.strays <= self.characters

    def guess(self) -> str:
        """Return the likeliest encoding of what is not UTF-8.

        Among Latin alphabets, cp1252 (Western Europe, Windows) is taken wherever it is possible.
        """
        from charset_normalizer import from_bytes

        sample = bytes(self.sample[:SAMPLE])
        solid = re.sub(rb"\s+", b"", sample)
        high = len(re.sub(rb"[\x00-\x7f]+", b"", solid))
        latin = high < max(FEW, LATIN_SHARE * len(solid))
        found = from_bytes(sample, cp_isolation=list(LATIN if latin else LATIN + OTHERS))
        possible = [name for match in found for name in match.could_be_from_charset]
        if not possible or (possible[0] in LATIN and LATIN[0] in possible):
            return LATIN[0]
        return codecs.lookup(possible[0]).name


def _not_utf_8(line: bytes) -> bool:
    try:
        line.decode(UTF_8)
    except UnicodeDecodeError:
        return True
    return False


class Encodings:
    """The encodings of a run's files: one guess for all that are neither marked nor UTF-8.

    Args:
        given: the encoding's name where the user gave one, or "utf-8,NAME".
        tell: what is told about a guess goes here.
    """

    def __init__(self, given: str | None, tell: Callable[[str], None]) -> None:
        self.forced = self.guessed = None
        self.tell = tell
        self._found: dict[str, tuple[str, bool]] = {}
        if given:
            name, other = names(given)
            if other is None:
                self.forced = name
            else:
                self.guessed = other

    def of(self, path: str, start: bytes, chunks: Callable[[], Iterable[bytes]]) -> str:
        """Return the encoding of a file.

        Args:
            path: its name, for what is told.
            start: its first bytes.
            chunks: → the whole of it.
        """
        if path not in self._found:
            self._found[path] = self._find(path, start, chunks)
        return self._found[path][0]

    def _find(
        self, path: str, start: bytes, chunks: Callable[[], Iterable[bytes]]
    ) -> tuple[str, bool]:
        if self.forced:
            if self.forced != UTF_8 and (scan := Scan(chunks())).characters and not scan.strays:
                self.tell(f"{path}: read as {self.forced}, as --encoding says; it is UTF-8")
            return self.forced, False
        if marked := by_mark(start):
            if marked.startswith("utf-16-"):
                self.tell(f"{path}: read as {marked} (--encoding changes it)")
            return marked, False
        scan = Scan(chunks())
        if scan.is_utf_8:
            return UTF_8, scan.strays > 0
        if self.guessed is None:
            self.guessed = scan.guess()
        self.tell(f"{path}: is not UTF-8; read as {self.guessed} (--encoding changes it)")
        return self.guessed, False

    def name(self, path: str) -> str:
        """Return the encoding found for a file, as people write it."""
        return self._found[path][0].upper().replace("UTF-8-SIG", "UTF-8")

    def mended(self, path: str, line: str, row: int) -> str | None:
        """Return a line whose stray bytes are read as cp1252, or None where that is not allowed.

        It is allowed in a file that is otherwise UTF-8 where no encoding was named.
        """
        encoding, strays = self._found[path]
        if not strays:
            return None
        other = self.guessed or LATIN[0]
        if (told := f"{path} strays") not in self._found:
            self._found[told] = (encoding, strays)
            byte = ord(UNDECODED.findall(line)[0]) & 0xFF
            self.tell(
                f"{path}:{row}: byte 0x{byte:02x} is not UTF-8, as the rest is; such bytes are "
                f"read as {other} (--encoding changes it)"
            )
        return re.sub(
            "[\udc00-\udfff]+",
            lambda bad: bytes(ord(c) & 0xFF for c in bad[0]).decode(other, errors="replace"),
            line,
        )

    @property
    def settled(self) -> str | None:
        """What as the recipe's `encoding` reads these files, and others like them, the same."""
        if self.forced:
            return self.forced
        return f"{UTF_8},{self.guessed}" if self.guessed else None
