"""A session's state as bytes: whole, signed, and nothing else is taken."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load

from recurra.errors import RecurraError
from recurra.serve import snapshot as module
from recurra.serve.memory import alike
from recurra.serve.snapshot import ROOM, Snapshot, pack, unpack

MODEL, SECRET = "ab" * 32, b"a secret of the servers"
MEMORY = {
    "tail": np.arange(6, dtype=np.float32).reshape(2, 3).T,
    "count": 7,
    "since": None,
    "scale": np.float64(0.5),
    "missing": math.nan,
    "words": ["Zürich", "\ud800"],
    "nested": {"array": [np.array(3, dtype=np.int64), {"map": True}]},
    "empty": np.zeros((0, 4), dtype=np.uint8),
}


def snapshot(**changes: Any) -> Snapshot:
    batch = torch.randn(5, 2, 3, generator=torch.Generator().manual_seed(0))
    leaves = [batch[1:2], batch[1:2].transpose(1, 2), torch.tensor([True]), torch.zeros(1, 0)]
    leaves += [torch.tensor([[1 + 2j]]), torch.tensor([2**60]), torch.ones(1, 2).bfloat16()]
    made = Snapshot(MODEL, "session-1", 12, 1, leaves, MEMORY, [{"step": 12, "tag": "B-PER"}])
    return replace(made, **changes)


def refused(
    content: bytes, secret: bytes | None = SECRET, model: str = MODEL, **others: Any
) -> str:
    with pytest.raises(RecurraError) as error:
        unpack(content, model, secret, others.pop("like", snapshot().leaves), **others)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 250
    return str(error.value)


@pytest.mark.parametrize("secret", [None, SECRET])
def test_what_is_packed_comes_back(secret: bytes | None) -> None:
    told = snapshot()
    back = unpack(pack(told, secret), MODEL, secret, told.leaves, MEMORY)
    assert (back.model, back.session, back.at, back.late) == (MODEL, "session-1", 12, 1)
    assert list(back.answers) == list(told.answers)
    for leaf, other in zip(back.leaves, told.leaves, strict=True):
        assert leaf.dtype == other.dtype
        assert torch.equal(leaf, other)
    memory = back.memory
    assert list(memory) == list(MEMORY)
    assert memory["tail"].dtype == np.float32
    assert memory["tail"].tolist() == MEMORY["tail"].tolist()
    memory["tail"][0, 0] = 5  # a session goes on writing into it
    assert memory["empty"].shape == (0, 4)
    assert memory["nested"]["array"][0] == 3
    assert memory["nested"]["array"][1] == {"map": True}
    assert (memory["count"], memory["since"], memory["scale"]) == (7, None, 0.5)
    assert math.isnan(memory["missing"])
    assert memory["words"] == MEMORY["words"]


def lengths_back(answers: list[str]) -> list[int]:
    back = unpack(pack(snapshot(answers=answers)), MODEL, None, snapshot().leaves)
    return [len(one) for one in back.answers]  # what failed would be long to show


def test_what_is_packed_can_be_read_however_long_its_answers_are() -> None:
    long = ["x" * ((1 << 19) + step) for step in range(9)]
    assert lengths_back(long) == [(1 << 19) + step for step in (6, 7, 8)]
    assert lengths_back(["x" * (3 << 20)]) == []
    assert lengths_back(['"' * (1 << 18)] * 3) == [1 << 18] * 3  # each becomes four characters
    with pytest.raises(RecurraError, match="too large to be stored"):
        pack(snapshot(memory={"all": np.zeros(9 << 20, np.uint8)}))


def test_it_is_a_safetensors_file_that_anyone_can_read() -> None:
    tensors = load(pack(snapshot(), SECRET))
    assert torch.equal(tensors["state.0"], snapshot().leaves[0])
    assert tensors["memory.0"].shape == (3, 2)


def test_the_last_64_answers_are_kept() -> None:
    content = pack(snapshot(answers=[{"step": step} for step in range(100)]))
    back = unpack(content, MODEL, None, snapshot().leaves)
    assert [answer["step"] for answer in back.answers] == list(range(36, 100))


def test_every_byte_is_signed() -> None:
    content = pack(snapshot(), SECRET)
    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= 1 << random.Random(place).randrange(8)
        refused(bytes(changed))
    assert "damaged" in refused(content[:-1])
    assert "damaged" in refused(content + b"\0")
    assert "no safetensors" in refused(b"")
    assert "no safetensors" in refused(content[:60])
    assert "no safetensors" in refused(b"\x80\x04cos\nsystem\n.")


def test_another_secret_or_none_is_refused() -> None:
    for one, other in ((SECRET, None), (None, SECRET), (SECRET, SECRET + b"!")):
        assert "another secret" in refused(pack(snapshot(), one), other)


def test_another_model_or_schema_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "of the model 'cdcdcdcd'" in refused(pack(snapshot(model="cd" * 32), SECRET))
    forged = pack(snapshot(model="cd" * 32), None).replace(b"cd" * 32, MODEL.encode())
    assert "damaged" in refused(forged, None)
    other = module._sign(b"content", "cd" * 32, None)
    assert module._sign(b"content", MODEL, None) != other  # the key is the model's
    content = pack(snapshot(), SECRET).replace(b'\\"schema\\": 1', b'\\"schema\\": 2')
    monkeypatch.setattr(module, "_sign", lambda unsigned, model, secret: _signature(content))
    assert "another schema" in refused(content)


def _signature(content: bytes) -> str:
    found = module.SIGNATURE.search(content)
    assert found
    return found[1].decode()


@pytest.mark.parametrize(
    ("number", "leaf", "reason"),
    [
        (0, torch.randn(1, 3, 2), "part 0 of the state is torch.float32 [1, 3, 2]"),
        (0, torch.randn(1, 2, 3).double(), "part 0 of the state is torch.float64"),
        (0, torch.full((1, 2, 3), math.nan), "part 0 of the state holds numbers that are not"),
        (1, torch.full((1, 3, 2), -math.inf), "part 1 of the state holds numbers that are not"),
        (4, torch.tensor([[complex(0, math.inf)]]), "part 4 of the state holds numbers"),
    ],
)
def test_a_state_that_does_not_fit_is_refused(number: int, leaf: torch.Tensor, reason: str) -> None:
    leaves = list(snapshot().leaves)
    leaves[number] = leaf
    assert reason in refused(pack(snapshot(leaves=leaves), SECRET))


def test_infinity_is_taken_where_the_model_begins_with_it() -> None:
    leaf = torch.tensor([[-math.inf]])
    content = pack(snapshot(leaves=[leaf]))
    assert torch.equal(unpack(content, MODEL, None, [leaf]).leaves[0], leaf)


def test_more_or_fewer_parts_are_refused() -> None:
    leaves = list(snapshot().leaves)
    assert "damaged" in refused(pack(snapshot(leaves=leaves[:-1]), SECRET))
    assert "damaged" in refused(pack(snapshot(leaves=[*leaves, leaves[0]]), SECRET))


@pytest.mark.parametrize(
    "changes", [{"at": -1}, {"late": 1 << 60}, {"at": 1.5}, {"at": True}, {"session": 5}]
)
@pytest.mark.unchecked("what is given is wrong on purpose")
def test_wrong_numbers_are_refused(changes: dict[str, Any]) -> None:
    assert "damaged" in refused(pack(snapshot(**changes), SECRET))


def test_what_is_too_long_is_refused_before_it_is_read() -> None:
    most = ROOM + sum(leaf.nbytes for leaf in snapshot().leaves)
    assert f"has {most + 1} bytes" in refused(bytes(most + 1))


@pytest.mark.parametrize(
    "value", [object(), {1: 2}, np.array(["text"]), np.array([None]), {"a": {3}}]
)
def test_a_memory_that_is_not_stored_is_told(value: Any) -> None:
    with pytest.raises(RecurraError, match=r"memory holds a \w+, which is not stored"):
        pack(snapshot(memory={"value": value}))


def test_answers_that_are_no_json_are_told() -> None:
    with pytest.raises(RecurraError, match="cannot be stored"):
        pack(snapshot(answers=[{"step": object()}]))


@pytest.mark.parametrize(
    ("memory", "good"),
    [
        ({"x": np.zeros(9, np.float32), "n": 2.5, "s": ["a"], "since": 4}, True),
        ({"x": np.zeros(3), "n": 0, "s": [], "since": None}, False),
        ({"x": np.zeros((3, 1), np.float32), "n": 0, "s": [], "since": None}, False),
        ({"x": [0.0], "n": 0, "s": [], "since": None}, False),
        ({"x": np.zeros(3, np.float32), "n": "0", "s": [], "since": None}, False),
        ({"x": np.zeros(3, np.float32), "n": 0, "s": "a", "since": None}, False),
        ({"x": np.zeros(3, np.float32), "n": 0, "s": []}, False),
    ],
)
def test_a_memory_is_of_the_kind_that_began(memory: dict[str, Any], good: bool) -> None:
    begun = {"x": np.zeros(3, np.float32), "n": 0, "s": [], "since": None}
    assert alike(memory, begun) == good
    content = pack(snapshot(memory=memory), SECRET)
    if good:
        unpack(content, MODEL, SECRET, snapshot().leaves, begun)
    else:
        assert "not of this model's kind" in refused(content, begun=begun)


def flipped(content: bytes, random: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(random.choice((1, 1, 2, 8))):
        changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    cut = random.randrange(len(changed)) if random.random() < 0.1 else len(changed)
    return bytes(changed[:cut])


def forged(content: bytes, random: random.Random) -> bytes:
    """Change what is in a file, and sign it as one can who knows the model."""
    size = int.from_bytes(content[:8], "little")
    head = json.loads(content[8 : 8 + size])
    told = head["__metadata__"]
    text = list(told["session"])
    for _ in range(random.randrange(4)):
        text[random.randrange(len(text))] = random.choice('0123456789"{}[]:,-nx\\')
    told["session"] = random.choice(["".join(text), "[" * 5000, "null", "{}", "".join(text)])
    name = random.choice([name for name in head if name != "__metadata__"])
    if random.random() < 0.5:
        key, value = random.choice(
            [
                ("dtype", random.choice(["F64", "F8_E4M3", "BOOL", "F4", "Z9", "C64", 3])),
                ("shape", random.choice([[], [0], [1 << 62, 4], [-1], ["a"], None, [6]])),
                ("data_offsets", random.choice([[0, 0], [8, 4], [0, 1 << 62], [-8, 8], "x"])),
            ]
        )
        head[name][key] = value
    elif random.random() < 0.5:
        head[random.choice(["state.99", "x", "state.0", "memory.0"])] = head.pop(name)
    told["hmac"] = module.UNSIGNED
    header = json.dumps(head, separators=(",", ":")).encode()
    unsigned = len(header).to_bytes(8, "little") + header + content[8 + size :]
    mark = module._sign(unsigned, MODEL, None).encode()
    return unsigned.replace(module.UNSIGNED.encode(), mark, 1)


@pytest.mark.parametrize(("change", "count"), [(flipped, 10_000), (forged, 2000)])
def test_nonsense_is_refused_in_a_line(
    change: Callable[[bytes, random.Random], bytes], count: int
) -> None:
    content, like = pack(snapshot()), snapshot().leaves
    taken = 0
    for seed in range(count):
        given = change(content, random.Random(seed))
        try:
            unpack(given, MODEL, None, like, MEMORY)
            taken += 1
        except RecurraError as error:
            assert "\n" not in str(error)  # noqa: PT017, few are taken, and those are right too
    assert taken == 0 if change is flipped else 0 < taken < count / 3
