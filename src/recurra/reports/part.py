"""What a page is made of."""

from typing import Protocol, runtime_checkable


@runtime_checkable
class Shown(Protocol):
    """Something that a page can show."""

    def html(self) -> str:
        """Return it as HTML, in which every text of a user is escaped."""
        ...


@runtime_checkable
class Part(Shown, Protocol):
    """A section of a page: a title, a line about it, and what it shows."""

    @property
    def title(self) -> str:
        """What it is about."""
        ...

    @property
    def note(self) -> str:
        """What a reader must know, or ""."""
        ...
