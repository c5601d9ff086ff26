"""Files that are written at once, and believed only after they are checked."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from recurra.errors import BundleError
from recurra.errors import reason as reason

TENSOR_LIMIT, HEADER_LIMIT = 8 << 30, 100 << 20
PICKLES = {".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt"}


def replace(path: Path, put: Callable[[Path], object]) -> None:
    """Write a file at once: `put` it beside its place, sync it, rename it over the old one."""
    part = path.with_name(f".{path.name}.part")
    try:
        put(part)
        _sync(part)
        part.replace(path)
    except BaseException:  # Ctrl-C too: no half of a file stays
        part.unlink(missing_ok=True)
        raise
    if os.name == "posix":
        _sync(path.parent)  # the new name itself


def replace_text(path: Path, text: str) -> None:
    """Write a UTF-8 file at once; undecodable bytes of a path are escaped, as JSON has it."""
    replace(path, lambda part: part.write_bytes(text.encode("utf-8", "backslashreplace")))


def read_bytes(path: Path, limit: int) -> bytes:
    """Return the content of a regular file of at most `limit` bytes.

    Raises:
        BundleError: it is missing, too large, or no regular file.
    """
    size = _regular(path).st_size
    if size > limit:
        raise BundleError(f"{path} has {size} bytes; at most {limit} are read")
    try:
        with path.open("rb") as file:
            return file.read(limit)
    except OSError as error:
        raise BundleError(f"{path} cannot be read: {reason(error)}") from error


def save_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write one safetensors file at once, with the sha256 of its tensors in its metadata.

    Raises:
        BundleError: the disk refused; what the file held before is kept.
    """
    seen: set[int] = set()
    ready: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        own = tensor.detach().cpu().contiguous()
        # Tied weights share memory, which the format refuses: each name gets its own copy.
        ready[name] = own.clone() if own.untyped_storage().data_ptr() in seen else own
        seen.add(own.untyped_storage().data_ptr())
    signed = {**metadata, "sha256": _hash(ready)}

    try:
        # the library's own writing to a file leaves one of a random name where it is killed
        replace(path, lambda part: part.write_bytes(save(ready, metadata=signed)))
    except (OSError, SafetensorError) as error:
        raise BundleError(
            f"{path} cannot be written: {reason(error)}; what it held before is kept"
        ) from error


def load_tensors(path: Path, limit: int = TENSOR_LIMIT) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return the tensors and the metadata of a file that `save_tensors` wrote.

    Raises:
        BundleError: the file is missing, too large, damaged, or another program's.
    """
    _check_header(path, limit)
    try:
        with safe_open(path, framework="pt") as opened:
            metadata = dict(opened.metadata() or {})
            # the opened file has keys, yet is no mapping to iterate over
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise BundleError(f"{path} is damaged or no safetensors file: {reason(error)}") from error
    if "sha256" not in metadata:
        raise BundleError(f"{path} carries no sha256: it was not written by recurra")
    if metadata["sha256"] != _hash(tensors):
        raise BundleError(f"{path} is damaged: its sha256 is not the recorded one")
    return tensors, metadata


def read_metadata(path: Path) -> dict[str, str]:
    """Return the metadata alone of a file that `save_tensors` wrote; its tensors are not checked.

    Raises:
        BundleError: the file is missing, cut short, or another program's.
    """
    _check_header(path, TENSOR_LIMIT)
    try:
        with safe_open(path, framework="pt") as opened:
            return dict(opened.metadata() or {})
    except (OSError, SafetensorError) as error:
        raise BundleError(f"{path} is damaged or no safetensors file: {reason(error)}") from error


def _check_header(path: Path, limit: int) -> None:
    size = _regular(path).st_size
    try:
        with path.open("rb") as file:
            start = file.read(8)
        header = int.from_bytes(start, "little")
        if len(start) < 8 or header > HEADER_LIMIT or header + 8 > size:
            if start[:2] == b"PK" or start[:1] == b"\x80":
                raise BundleError(f"{path} is a pickle, which recurra never opens")
            raise BundleError(f"{path} is no safetensors file, or is cut short ({size} bytes)")
        if size - header > limit:
            raise BundleError(f"{path} has {size} bytes; at most {limit} are read")
    except OSError as error:
        raise BundleError(f"{path} cannot be read: {reason(error)}") from error


def sha256(content: bytes) -> str:
    """Return the hash of a file's content, as bundles record it."""
    return hashlib.sha256(content).hexdigest()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _regular(path: Path) -> os.stat_result:
    try:
        found = path.lstat()
    except OSError as error:
        beside = path.parent.iterdir() if path.parent.is_dir() else iter(())
        pickles = sorted(other.name for other in beside if other.suffix in PICKLES)
        hint = f"; {pickles[0]} may hold a pickle, which recurra never opens" if pickles else ""
        raise BundleError(f"{path} is missing: {reason(error)}{hint}") from error
    if not stat.S_ISREG(found.st_mode):
        raise BundleError(f"{path} is no regular file; links and devices are not followed")
    return found


def _hash(tensors: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name}:{tensor.dtype}:{list(tensor.shape)};".encode())
        digest.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
