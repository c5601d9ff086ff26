"""Native streams beyond the laws: narrow weights, every instruction set, threads, processes."""

import copy
import ctypes
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from recurra.cells import GRU, LSTM, Cell, Elman, IndRNN, MinGRU, MinLSTM
from recurra.engines.native import library, stream
from recurra.errors import RecurraError
from recurra.layers import Recurrent, Stack
from recurra.streaming import Stream

pytestmark = pytest.mark.skipif(library.missing() is not None, reason=str(library.missing()))

KINDS: dict[str, Callable[[int, int], Cell[Any]]] = {
    "LSTM": LSTM,
    "GRU": GRU,
    "Elman": Elman,
    "Elman-relu": lambda inputs, hidden: Elman(inputs, hidden, nonlinearity="relu"),
    "IndRNN": IndRNN,
    "MinGRU": MinGRU,
    "MinLSTM": MinLSTM,
}
NARROW = ("float16", "bfloat16", "int8")


def rounded(weight: Tensor, weights: str) -> Tensor:
    """Return what a matrix is when it is kept in narrow numbers."""
    if weights == "int8":
        scale = weight.abs().amax(1, keepdim=True) / 127
        return torch.where(scale > 0, (weight / scale).round() * scale, 0)
    return weight.to(getattr(torch, weights)).to(weight.dtype)


def outputs(cell: Cell[Any], x: Tensor, weights: str = "float32") -> Tensor:
    with Stream(cell, len(x), weights=weights) as stream:
        assert stream.engine == "native"
        return torch.stack([stream.step(frame) for frame in x.unbind(1)], 1)


def check_kind(name: str, weights: str, inputs: int, hidden: int, rows: int) -> None:
    """Compare with the same cell in float64, whose matrices were rounded beforehand."""
    torch.manual_seed(0)
    cell, x = KINDS[name](inputs, hidden), torch.randn(rows, 6, inputs)
    exact = copy.deepcopy(cell)
    with torch.no_grad():
        for parameter in exact.parameters():
            if parameter.dim() == 2 and weights != "float32":
                parameter.copy_(rounded(parameter, weights))
        want, _ = Recurrent(exact.double())(x.double())
    got = outputs(cell, x, weights)
    torch.testing.assert_close(got, want.float(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("rows", [1, 2, 7])
@pytest.mark.parametrize("weights", NARROW)
@pytest.mark.parametrize("name", KINDS)
def test_narrow_weights_are_rounded_and_nothing_else(name: str, weights: str, rows: int) -> None:
    check_kind(name, weights, 19, 37, rows)


@pytest.mark.parametrize("sizes", [(1, 1), (3, 16), (64, 33), (127, 8), (2, 129)])
@pytest.mark.parametrize("name", KINDS)
def test_any_size(name: str, sizes: tuple[int, int]) -> None:
    for rows in (1, 3, 14):
        check_kind(name, "float32", *sizes, rows)


def read_weights(weight: Tensor, weights: str, rows: int) -> Tensor:
    """Return positive weights [hidden, input] as a stream keeps them, read by unit vectors."""
    cell = Elman(weight.shape[1], weight.shape[0], nonlinearity="relu")
    with torch.no_grad():
        cell.from_input.copy_(weight)
        for zero in (cell.from_state, cell.bias):
            zero.zero_()
    return torch.cat(
        [
            outputs(cell, torch.eye(weight.shape[1])[i : i + rows, None], weights)[:, 0]
            for i in range(0, weight.shape[1], rows)
        ]
    ).T


@pytest.mark.parametrize("rows", [1, 4])
def test_rounding_is_to_nearest_with_ties_to_even(rows: int) -> None:
    ties = 1 + torch.arange(64).view(8, 8) * 2.0**-11
    tiny = 2.0**-24 * torch.arange(64).view(8, 8) / 4  # subnormal float16
    large = torch.full((8, 8), 65504.0)
    below = 2.0**-14 * (1 - torch.rand(8, 8) * 2.0**-10)
    for weight in (ties, tiny, large, below, torch.rand(8, 8), 2 * ties, torch.rand(8, 8) * 1e4):
        assert torch.equal(read_weights(weight, "float16", rows), rounded(weight, "float16"))
        assert torch.equal(read_weights(weight, "bfloat16", rows), rounded(weight, "bfloat16"))


@pytest.mark.parametrize("weights", NARROW)
def test_the_change_is_within_what_the_format_allows(weights: str) -> None:
    """|ΔW x| ≤ Σ |ΔW||x|; |ΔW| is half a unit: of 11 or 8 bits, or of a line's largest / 127."""
    torch.manual_seed(0)
    cell, x = Elman(96, 40, nonlinearity="relu"), torch.randn(32, 1, 96)
    with torch.no_grad():
        cell.bias.fill_(100)  # relu is then the identity
    exact = (x[:, 0] @ cell.from_input.T + cell.bias).double()
    matrix = cell.from_input.detach()
    unit = {"float16": matrix.abs() * 2.0**-11, "bfloat16": matrix.abs() * 2.0**-8}.get(weights)
    if unit is None:
        unit = (matrix.abs().amax(1, keepdim=True) / 254).expand_as(matrix)
    allowed = x[:, 0].abs() @ unit.T
    off = (outputs(cell, x, weights)[:, 0] - exact).abs()
    assert (off <= allowed + 1e-4).all()  # 100 has its own last place
    assert off.max() > 0.02 * allowed.max()


@pytest.mark.parametrize("weights", NARROW)
def test_weights_that_do_not_fit_are_refused(weights: str) -> None:
    for bad in (torch.nan, torch.inf, -torch.inf, 1e5 if weights == "float16" else torch.inf):
        for part in ("from_input", "from_state"):
            cell = GRU(3, 4)
            with torch.no_grad():
                cell.get_parameter(part)[5, 1] = bad
            with pytest.raises(RecurraError, match="a weight is not finite, or beyond"):
                Stream(cell, weights=weights)
            assert Stream(cell).step(torch.ones(1, 3)).shape == (1, 4)


@pytest.mark.parametrize("isa", ["baseline", "avx2", "avx512"])
def test_every_instruction_set(isa: str) -> None:
    code = """
import sys
from tests.streaming.test_native_stream import *
try:
    assert library.isa() == sys.argv[1]
except RecurraError as error:
    print(error); sys.exit(3)
for name in KINDS:
    for weights in ("float32", *NARROW):
        for sizes in ((19, 37), (64, 64)):
            for rows in (1, 2, 15):
                check_kind(name, weights, *sizes, rows)
for rows in (1, 4):
    test_rounding_is_to_nearest_with_ties_to_even(rows)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, isa],
        env={**os.environ, "RECURRA_ISA": isa},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 3:
        assert "this machine lacks" in done.stdout
        pytest.skip(done.stdout)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("weights", ["float32", "int8"])
@pytest.mark.parametrize("name", KINDS)
def test_threads_change_no_bit(name: str, weights: str) -> None:
    layer, x = Stack(KINDS[name](70, 70), KINDS[name](70, 150)), torch.randn(9, 5, 70)
    one, some = (Stream(layer, 9, weights=weights, threads=threads) for threads in (1, 3))
    for frame in x.unbind(1):
        assert torch.equal(one.step(frame), some.step(frame))


def test_two_threads_step_different_streams_at_once() -> None:
    torch.manual_seed(0)
    layers = [Stack(LSTM(30, 120), GRU(120, 50)) for _ in range(2)]
    x = torch.randn(2, 400, 30)
    with torch.no_grad():
        want = [layer(x[i : i + 1])[0][0] for i, layer in enumerate(layers)]
    got = [torch.empty(400, 50) for _ in range(2)]
    streams = [Stream(layer) for layer in layers]
    start = threading.Barrier(2)

    def run(i: int) -> None:
        start.wait()
        for t in range(400):
            streams[i].step(x[i : i + 1, t], out=got[i][t : t + 1])

    threads = [threading.Thread(target=run, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one, other in zip(got, want, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)


def test_two_threads_at_one_stream_take_whole_steps_or_are_told() -> None:
    """A cell that counts its steps counts those that were not refused."""
    cell = IndRNN(64, 4096)
    with torch.no_grad():
        for parameter, value in zip(
            (cell.from_input, cell.from_state, cell.bias), (0, 1, 1), strict=True
        ):
            parameter.fill_(value)
    stream, taken, refused = Stream(cell), [0, 0], [0, 0]
    start = threading.Barrier(2)

    def run(i: int) -> None:
        x, out = torch.zeros(1, 64), torch.empty(1, 4096)
        start.wait()
        for _ in range(1000):
            try:
                stream.step(x, out=out)
                taken[i] += 1
            except RecurraError as error:
                refused[i] += "another thread is using this stream" in str(error)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(taken) + sum(refused) == 2000
    assert (stream.state.h == sum(taken)).all()


def test_a_child_process_steps_on() -> None:
    code = """
import os, signal, sys, torch
from recurra import GRU, Stream
torch.manual_seed(0)
torch.set_num_threads(2)
x = torch.randn(300, 300) @ torch.randn(300, 300)  # torch's own threads have run as well
stream = Stream(GRU(300, 200), 2, threads=2)
stream.step(x[:2])
before = stream.state
child = os.fork()
if child == 0:
    signal.alarm(60)
got = [stream.step(x[t : t + 2]) for t in range(5)]
late = Stream(stream.layer, 2, threads=2)
late.state = before
again = [late.step(x[t : t + 2]) for t in range(5)]
assert all(torch.equal(one, other) for one, other in zip(got, again))
if child == 0:
    print(got[-1].double().sum().item(), flush=True)
    os._exit(0)
_, status = os.waitpid(child, 0)
assert status == 0, status
print(got[-1].double().sum().item())
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    child, parent = done.stdout.split()
    assert child == parent


def test_a_stream_frees_its_memory() -> None:
    resident = os.sysconf("SC_PAGE_SIZE") * 1e-6

    def megabytes() -> float:
        with open("/proc/self/statm") as file:  # noqa: PTH123, a file of the kernel
            return int(file.read().split()[1]) * resident

    if not os.path.exists("/proc/self/statm"):  # noqa: PTH110, as above
        pytest.skip("memory is read from /proc")
    cell = LSTM(512, 512)  # 8 MB
    Stream(cell)
    before = megabytes()
    for _ in range(20):
        Stream(cell).step(torch.zeros(1, 512))
    assert megabytes() - before < 40


def test_the_interface_checks_sizes_and_pointers() -> None:
    torch.manual_seed(0)
    w, u, b = torch.randn(12, 3), torch.randn(12, 4), torch.randn(12)
    pointers = {"from_input": w, "bias": b, "from_state": u, "within": b}
    good = {"cell": 2, "format": 0, "inputs": 3, "width": 4}
    good |= {name: part.data_ptr() for name, part in pointers.items()}
    types = ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_int, ctypes.c_void_p
    opened = library.find("stream_open", *types)
    handle = stream.Handle()

    def attempt(*, count: int = 1, capacity: int = 2, threads: int = 1, **fields: Any) -> str:
        layers = (stream.Layer * 2)(*(stream.Layer(**{**good, **fields}) for _ in range(2)))
        return library.describe(opened(layers, count, capacity, threads, ctypes.byref(handle)))

    for text, changes in {
        "a size is out of range": (
            {"inputs": 0}, {"width": -1}, {"width": 2**40}, {"count": 0}, {"capacity": 0},
            {"threads": 0}, {"capacity": 2**40}, {"threads": 10**6},
        ),
        "there is no such cell": ({"cell": -1}, {"cell": 7}),
        "no such kind of numbers": ({"format": 4}, {"format": -1}),
        "a pointer is null": ({name: None} for name in pointers),
        "a layer does not take what the one below it gives": ({"count": 2},),
    }.items():  # fmt: skip  # read as a table
        for change in changes:
            assert text in attempt(**change), change
    assert library.describe(opened(None, 1, 1, 1, ctypes.byref(handle))) == "a pointer is null"
    assert attempt() == "no error"

    step, x = stream.step_function(), torch.zeros(2, 4)
    rows = (ctypes.c_int64 * 2)(0, 0)
    place = ctypes.addressof(rows)

    def take(count: int, named: int | None, x_stride: int = 4, y_stride: int = 4) -> str:
        frames = stream.Frames(count, named, x_stride, y_stride)
        return library.describe(step(handle, frames, x.data_ptr(), x.data_ptr()))

    assert take(2, None) == "no error"
    assert take(0, None) == "no error"
    assert "a size is out of range" in take(3, None)
    assert "a size is out of range" in take(-1, None)
    assert "a size is out of range" in take(2, None, y_stride=3)
    assert "a size is out of range" in take(2, None, x_stride=-1)
    assert "named twice" in take(2, place)
    rows[1] = 2
    assert "a row is none of the stream's" in take(2, place)
    rows[1] = -1
    assert "a row is none of the stream's" in take(2, place)
    frames = stream.Frames(1, None, 4, 4)
    assert library.describe(step(None, frames, x.data_ptr(), x.data_ptr())) == "a pointer is null"
    assert library.describe(step(handle, frames, None, x.data_ptr())) == "a pointer is null"
    with pytest.raises(RecurraError, match="a size is out of range"):
        stream.copy_state(handle, "read", 1, torch.tensor([0]), x, None)
    with pytest.raises(RecurraError, match="a row is none"):
        stream.copy_state(handle, "write", 0, torch.tensor([2]), x, None)
    library.find("stream_close", ctypes.c_void_p)(handle)
