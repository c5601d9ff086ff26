"""Sentences whose words are given as they are: one a line, a blank line between sentences."""

from collections.abc import Iterable, Iterator

from recurra.cli.lines import Line


def sentences(lines: Iterable[Line]) -> Iterator[Line]:
    """Yield one input per sentence, its words a line each; blank lines alone are no sentence.

    A line that cannot be read, or holds a space or a tab, is the error of its sentence.
    """
    words: list[str] = []
    place = error = ""
    for line in lines:
        word = line.text.strip(" \t")
        if not word and not line.error:
            if words:
                yield Line(place, "\n".join(words), error)
            words, error = [], ""
            continue
        if not error:
            parted = " " in word or "\t" in word
            error = line.error or ("holds more than one word; give one a line" if parted else "")
            place = line.place if error or not words else place
        words.append(word)
    if words:
        yield Line(place, "\n".join(words), error)


def parted(texts: Iterable[Line]) -> Iterator[Line]:
    """Yield the inputs of a command line, their words, between spaces or tabs, a line each."""
    for place, text, error in texts:
        yield Line(place, "\n".join(text.replace("\t", " ").strip(" ").split(" ")), error)


def parse(text: str) -> list[str]:
    """Return the words of an input."""
    return [word for word in text.split("\n") if word]
