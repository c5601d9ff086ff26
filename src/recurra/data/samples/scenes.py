"""Scenes of handwritten digits with captions: the sample for image captioning."""

import random
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from recurra.data.readers.captions import CaptionedImage
from recurra.data.samples import digits
from recurra.data.splits import Splits
from recurra.training.recipe import Recipe

SIZES = {"train": 4000, "valid": 400, "test": 400}
SIDE = 24
DIGIT = 8
NAMES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
INK = {"bright": 1.0, "dim": 0.5}
COLOURS = {"red": (1.0, 0.3, 0.3), "green": (0.3, 1.0, 0.3), "white": (1.0, 1.0, 1.0)}
# Digits that never stand together in a training or validation scene.
UNSEEN = frozenset({(0, 7), (1, 5), (2, 8), (3, 9), (4, 6)})
UNSEEN_SHARE = 0.25
TRIPLE_SHARE = 0.2


class Thing(NamedTuple):
    """A digit, or two of the same, drawn bright or dim."""

    digit: int
    ink: str
    copies: int = 1

    def __str__(self) -> str:
        name = NAMES[self.digit]
        if self.copies == 1:
            return f"a {self.ink} {name}"
        return f"two {self.ink} {name}es" if name == "six" else f"two {self.ink} {name}s"


class Scene(NamedTuple):
    """What is in a picture: the bright thing, where it stands, and the dim one."""

    first: Thing
    relation: str
    second: Thing

    def caption(self) -> str:
        """Return the one right caption."""
        return f"{self.first} {self.relation} {self.second}"


RELATIONS = ("to the left of", "to the right of", "above", "below")


def load(recipe: Recipe) -> Splits[CaptionedImage]:
    """Return 4,000 / 400 / 400 scenes of 24×24 pixels; the seed shuffles training only.

    The grammar: thing relation thing. A thing is `a INK DIGIT` or `two INK DIGITs`; a relation
    is `to the left of`, `to the right of`, `above` or `below`. The bright thing is named first, so
    each scene has one caption. The colour of a scene is not told.
    The parts share no digit image; a quarter of the test scenes combine digits never seen together.

    Raises:
        MissingExtra: scikit-learn is not installed.
    """
    parts: dict[str, list[CaptionedImage]] = {}
    for part, images in digits.by_part().items():
        choice = random.Random(part)
        drawings: dict[int, list[NDArray[Any]]] = {}
        for example in images:
            drawings.setdefault(int(example.label), []).append(example.image[..., 0])
        parts[part] = []
        for i in range(SIZES[part]):
            unseen = part == "test" and i < UNSEEN_SHARE * SIZES[part]
            scene = compose(choice, unseen=unseen)
            image = draw(scene, drawings, choice)
            where = f"scenes/{'unseen' if unseen else part}:{i + 1}"
            parts[part].append(CaptionedImage(image, [scene.caption()], where))
    random.Random(recipe.seed).shuffle(parts["train"])
    return Splits(parts["train"], parts["valid"], parts["test"])


def compose(choice: random.Random, *, unseen: bool) -> Scene:
    """Return a scene, of digits that stand together in training or of those that never do."""
    pair = choice.choices(range(10), k=2)
    while ((min(pair), max(pair)) in UNSEEN) != unseen:
        pair = choice.choices(range(10), k=2)
    copies = choice.choices([(1, 1), (2, 1), (1, 2)], [1 - TRIPLE_SHARE, *[TRIPLE_SHARE / 2] * 2])
    first, second = map(Thing, pair, INK, copies[0])
    return Scene(first, choice.choice(RELATIONS), second)


def draw(
    scene: Scene, drawings: dict[int, list[NDArray[Any]]], choice: random.Random
) -> NDArray[Any]:
    """Return the picture of a scene, each digit a drawing chosen at random, on faint noise."""
    upright = scene.relation in ("above", "below")
    near, far = choice.randint(1, 2), choice.randint(SIDE - DIGIT - 2, SIDE - DIGIT - 1)
    if scene.relation in ("to the right of", "below"):
        near, far = far, near
    noise = np.random.default_rng(choice.getrandbits(32))
    canvas = noise.uniform(0, 16, (SIDE, SIDE, 3))
    colour = np.array(choice.choice(list(COLOURS.values())))
    for thing, along in ((scene.first, near), (scene.second, far)):
        middle = (SIDE - DIGIT) // 2
        across = (
            [middle + choice.randint(-1, 1)]
            if thing.copies == 1
            else [choice.randint(1, 2), choice.randint(SIDE - DIGIT - 2, SIDE - DIGIT - 1)]
        )
        for offset in across:
            top, left = (along, offset) if upright else (offset, along)
            ink = choice.choice(drawings[thing.digit])[..., None] * colour * INK[thing.ink]
            patch = canvas[top : top + DIGIT, left : left + DIGIT]
            np.maximum(patch, ink, out=patch)
    return canvas.round().astype(np.uint8)
