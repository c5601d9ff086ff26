"""What a frozen network sees in a set of pictures: computed once, and kept on the disk."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from recurra.data.readers.text import say
from recurra.engines.table import cache_folder
from recurra.errors import RecurraError
from recurra.storage import reason, replace
from recurra.tasks.encoders.frozen import FrozenEncoder
from recurra.training.progress import shown

AT_ONCE = 32  # pictures


def remembered(
    encoder: FrozenEncoder,
    images: Sequence[NDArray[Any]],
    scale: Callable[[NDArray[Any]], NDArray[np.float32]],
) -> list[NDArray[np.float16]]:
    """Return the features [positions channels] of each picture, in pages of one file.

    The file lies in the user's cache, under a name that follows from the pictures' pixels and the
    frozen weights; it is computed where it is not there yet.

    Args:
        encoder: filled with its weights.
        images: pictures of one shape; one that occurs twice is seen once.
        scale: stored pixels → 0 to 1.
    Raises:
        RecurraError: the disk refused.
    """
    first = {id(image): image for image in images}
    pictures = list(first.values())
    path = cache_folder() / "features" / f"{_name(encoder, pictures)}.npy"
    whole = (len(pictures), encoder.seen.positions, encoder.seen.channels)
    try:
        if not _is_whole(path, whole):
            path.parent.mkdir(parents=True, exist_ok=True)
            say(f"features of {len(pictures):,} pictures are computed once, and kept in {path}")
            replace(path, lambda part: _write(part, encoder, pictures, scale, whole))
        # "c": pages may be written to, and stay the file's; so torch shares them without a copy
        kept = np.load(path, mmap_mode="c", allow_pickle=False)
    except OSError as error:
        raise RecurraError(f"{path} cannot be written: {reason(error)}") from error
    place = dict(zip(first, range(len(pictures)), strict=True))
    return [kept[place[id(image)]] for image in images]


def _name(encoder: FrozenEncoder, pictures: Sequence[NDArray[Any]]) -> str:
    digest = hashlib.sha256()
    for name, tensor in encoder.frozen.state_dict().items():
        digest.update(name.encode() + tensor.cpu().numpy().tobytes())
    digest.update(repr((encoder.mean.tolist(), encoder.std.tolist())).encode())
    for picture in pictures:
        digest.update(f"{picture.dtype}{picture.shape}".encode() + picture.tobytes())
    return digest.hexdigest()[:32]


def _is_whole(path: Path, shape: tuple[int, ...]) -> bool:
    """Return whether a file holds features of this shape; another one is written anew."""
    try:
        kept = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return False
    return bool(kept.shape == shape and kept.dtype == np.float16)


def _write(
    path: Path,
    encoder: FrozenEncoder,
    pictures: Sequence[NDArray[Any]],
    scale: Callable[[NDArray[Any]], NDArray[np.float32]],
    shape: tuple[int, ...],
) -> None:
    device = next(encoder.parameters()).device
    # NumPy gives it no types
    features = np.lib.format.open_memmap(path, "w+", np.float16, shape)  # type: ignore[no-untyped-call]
    for start in shown(range(0, len(pictures), AT_ONCE), "features"):
        some = scale(np.stack(pictures[start : start + AT_ONCE]))
        seen = encoder.look(torch.from_numpy(some).to(device))
        features[start : start + AT_ONCE] = seen.cpu().numpy()
    features.flush()
