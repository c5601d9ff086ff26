"""What the engine `triton` refuses, and in which words; where it is chosen."""

import pytest
import torch

from recurra.cells import GRU, LRU, LSTM, MLSTM, MinGRU
from recurra.engines import choose, order, triton, unroll
from recurra.engines.triton import missing, refuse
from recurra.errors import EngineRefused


@pytest.fixture(autouse=True)
def afresh():
    missing.cache_clear()
    yield
    missing.cache_clear()


def test_without_a_gpu_or_the_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    assert refuse(MinGRU(2, 3), torch.zeros(1, 4, 2)) == (
        "Triton kernels run on cuda; the input or a weight is on cpu"
    )


def test_without_triton(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    monkeypatch.setattr(triton, "find_spec", lambda _: None)
    assert "Triton is not installed" in str(refuse(MinGRU(2, 3), torch.zeros(1, 4, 2)))


def test_an_old_gpu_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "Tesla V100")
    for capability, taken in (((7, 5), False), ((8, 0), True), ((9, 0), True)):
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _, c=capability: c)
        missing.cache_clear()
        reason = missing(torch.device("cuda", 0))
        assert taken or "8.0 or more; Tesla V100" in str(reason)
        assert not taken or reason is None or "not installed" in reason


def test_float64_and_transforms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    cell, x = MinGRU(2, 3), torch.zeros(1, 4, 2)
    with pytest.raises(EngineRefused, match="take float32 and 16 bits; the input or a weight is"):
        unroll(cell.double(), x.double(), engine="triton")
    with pytest.raises(EngineRefused, match="no rules for vmap"):
        torch.func.vmap(lambda one: unroll(cell.float(), one, engine="triton")[0])(x[None])


def test_the_interpreter_is_never_chosen() -> None:
    x = torch.zeros(1, 100, 2)
    assert "triton" not in [engine.name for engine in order(100)]
    assert all(choose(kind(2, 4), x).name != "triton" for kind in (MinGRU, LRU, GRU, MLSTM))


def test_on_a_gpu_cudnn_goes_before_triton_and_triton_before_scan() -> None:
    names = [engine.name for engine in order(100, "cuda")]
    assert "native" not in names
    assert names.index("vendor") < names.index("triton") < names.index("scan")
    assert (
        next(e for e in order(100, "cuda") if e.name == "vendor").refuse(
            LSTM(2, 3), torch.zeros(1, 4, 2)
        )
        is None
    )
