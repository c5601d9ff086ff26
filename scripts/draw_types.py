"""Draw the README's five pictures: docs/images/<type>.svg."""

from pathlib import Path

from recurra.demo.drawings import LAYOUTS, draw

FOLDER = Path(__file__).parent.parent / "docs" / "images"


def main() -> None:
    for kind in LAYOUTS:
        (FOLDER / f"{kind.replace(' ', '-')}.svg").write_text(draw(kind) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
