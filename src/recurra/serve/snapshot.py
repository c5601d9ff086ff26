"""A session's state as bytes, and back: a safetensors file that is signed."""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from recurra.errors import RecurraError
from recurra.serve.memory import alike, decode, encode
from recurra.tasks.streams import Memory

SCHEMA, ANSWERS = 1, 64
ROOM = 8 << 20  # bytes beside the layer's state: memory, answers, and the format's header
TOLD = 2 << 20  # of these for answers, which the header may double
UNSIGNED = "0" * 64
SIGNATURE = re.compile(rb'"hmac":"([0-9a-f]{64})"')
DAMAGED = "the state is damaged, or was signed with another secret; begin a new session"


@dataclass(frozen=True)
class Snapshot:
    """A session between two frames.

    Args:
        model: the hash of its model.
        session: its name.
        at: frames that it has taken.
        late: outputs that are still left out at its beginning.
        leaves: of the layer's state of this one row, in the order of `tree.leaves`.
        memory: of its reader and its teller.
        answers: the last ones told, JSON; at most 64, and of 2 MiB, are stored.
    """

    model: str
    session: str
    at: int
    late: int
    leaves: Sequence[Tensor]
    memory: Memory = field(default_factory=dict)
    answers: Sequence[Any] = ()


def pack(snapshot: Snapshot, secret: bytes | None = None) -> bytes:
    """Return a session's state as a signed safetensors file.

    Without a secret the signature is keyed by the model's hash alone: it tells damage and another
    model's states, but anybody who knows the hash can write it.

    Raises:
        RecurraError: the memory or the answers hold what is not stored, or are too large.
    """
    tensors = dict[str, Tensor]()
    for number, leaf in enumerate(snapshot.leaves):
        # leaves may be parts of one batched state, or of each other
        own = leaf.detach().cpu().clone(memory_format=torch.contiguous_format)
        tensors[f"state.{number}"] = own
    try:
        arrays = dict[str, Tensor]()
        rest = {
            "schema": SCHEMA,
            "session": snapshot.session,
            "at": snapshot.at,
            "late": snapshot.late,
            "memory": encode(dict(snapshot.memory), arrays),
            "answers": _last(snapshot.answers),
        }
        told = {"model": snapshot.model, "session": json.dumps(rest), "hmac": UNSIGNED}
        content = save(tensors | arrays, told)
    except (TypeError, ValueError, KeyError, SafetensorError) as error:
        raise RecurraError(f"a session's state cannot be stored: {error}") from error
    if len(content) > ROOM + sum(leaf.nbytes for leaf in snapshot.leaves):
        raise RecurraError(f"a session's state of {len(content)} bytes is too large to be stored")
    found = SIGNATURE.search(content, 8, _end(content))
    assert found, "the header has what was just given to it"
    mark = _sign(content, snapshot.model, secret).encode()
    return content[: found.start(1)] + mark + content[found.end(1) :]


def unpack(
    content: bytes,
    model: str,
    secret: bytes | None,
    like: Sequence[Tensor],
    begun: Memory | None = None,
) -> Snapshot:
    """Return the session whose state `pack` wrote.

    Args:
        content: the bytes, from wherever.
        model: the hash of the model that goes on with it.
        secret: that it was signed with.
        like: leaves of a state of one row, whose shapes and number types it must have; where these
            are finite, its numbers are too.
        begun: the memory of a session that begins, whose names and types it must have.
    Raises:
        RecurraError: it is too long, damaged, of another model, schema or secret, or does not fit.
    """
    most = ROOM + sum(leaf.nbytes for leaf in like)
    if len(content) > most:
        raise RecurraError(
            f"the state has {len(content)} bytes; of this model it has at most {most}"
        )
    own, found = _header(content), SIGNATURE.search(content, 8, _end(content))
    if own is None or found is None:
        raise RecurraError("the state is no safetensors file of a session; send what was fetched")
    if own.get("model") != model:
        theirs = str(own.get("model"))[:8]
        raise RecurraError(
            f"the state is of the model {theirs!r}, and this one is {model[:8]!r}; go on with the "
            "model that it was fetched from"
        )
    unsigned = content[: found.start(1)] + UNSIGNED.encode() + content[found.end(1) :]
    if not hmac.compare_digest(_sign(unsigned, model, secret).encode(), found[1]):
        raise RecurraError(DAMAGED)
    return _read(content, own, like, begun)


def _read(
    content: bytes, own: Mapping[str, Any], like: Sequence[Tensor], begun: Memory | None
) -> Snapshot:
    """Return what a file holds whose signature is right, which without a secret says little."""
    try:
        tensors = load(content)
        told = json.loads(own["session"])
        schema, session, at, late, answers = (
            told[name] for name in ("schema", "session", "at", "late", "answers")
        )
        if schema != SCHEMA:
            raise RecurraError(f"the state has another schema than {SCHEMA}; begin a new session")
        leaves = [tensors.pop(f"state.{number}") for number in range(len(like))]
        memory = decode(told["memory"], tensors)
    except (SafetensorError, LookupError, TypeError, ValueError, AttributeError, RecursionError):
        raise RecurraError(DAMAGED) from None
    whole = all(type(number) is int and 0 <= number < 1 << 53 for number in (at, late))
    known = {f"memory.{number}" for number in range(len(tensors))}
    if not (
        whole and isinstance(session, str) and isinstance(answers, list) and known == {*tensors}
    ):
        raise RecurraError(DAMAGED)
    if len(answers) > ANSWERS or not isinstance(memory, dict):
        raise RecurraError(DAMAGED)
    for number, (leaf, other) in enumerate(zip(leaves, like, strict=True)):
        _fit(number, leaf, other)
    if begun is not None and not alike(memory, begun):
        raise RecurraError("the state's memory is not of this model's kind; begin a new session")
    return Snapshot(own["model"], session, at, late, leaves, memory, answers)


def _fit(number: int, leaf: Tensor, like: Tensor) -> None:
    if leaf.shape != like.shape or leaf.dtype != like.dtype:
        raise RecurraError(
            f"part {number} of the state is {leaf.dtype} {list(leaf.shape)}; this model's is "
            f"{like.dtype} {list(like.shape)}"
        )
    if bool(like.isfinite().all()) and not bool(leaf.isfinite().all()):
        raise RecurraError(f"part {number} of the state holds numbers that are not finite")


def _last(answers: Sequence[Any]) -> list[Any]:
    """Return as many of the last answers as there is room for."""
    kept, room = list[Any](), TOLD
    for one in reversed(list(answers)[-ANSWERS:]):
        room -= len(json.dumps(one))
        if room < 0:
            break
        kept.insert(0, one)
    return kept


def _sign(unsigned: bytes, model: str, secret: bytes | None) -> str:
    key = hmac.digest(secret or b"", f"recurra {SCHEMA} {model}".encode(), "sha256")
    return hmac.digest(key, unsigned, "sha256").hex()


def _end(content: bytes) -> int:
    """Return where the header ends: after its length in 8 bytes."""
    return min(len(content), 8 + int.from_bytes(content[:8], "little"))


def _header(content: bytes) -> dict[str, Any] | None:
    """Return the metadata of a safetensors file, or None where it is none."""
    try:
        own = json.loads(content[8 : _end(content)])["__metadata__"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    return own if isinstance(own, dict) else None
