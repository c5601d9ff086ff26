"""Docstrings as help: a paragraph is one line, which the terminal breaks where it is wide."""

import inspect
from collections.abc import Callable
from itertools import groupby

SECTION = "Parameters\n----------\n"


def flowing(command: Callable[..., int | None]) -> Callable[..., int | None]:
    """Return the command with paragraphs and arguments' texts unbroken; indented lines stay."""
    text, section, arguments = inspect.cleandoc(command.__doc__ or "").partition(SECTION)
    paragraphs = [
        part if part.startswith(" ") else " ".join(part.split("\n"))
        for part in text.strip().split("\n\n")
    ]
    # a name, and below it, indented, what it is
    told = [
        "    " + " ".join(line.strip() for line in lines) if indented else "\n".join(lines)
        for indented, lines in groupby(arguments.split("\n"), lambda line: line.startswith(" "))
    ]
    command.__doc__ = "\n\n".join(paragraphs)
    if section:
        command.__doc__ += f"\n\n{section}" + "\n".join(told)
    return command
