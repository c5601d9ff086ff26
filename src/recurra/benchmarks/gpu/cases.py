"""What is measured on a GPU, against whom, what is asked for: written before any figure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from recurra.benchmarks.contest import Target
from recurra.benchmarks.job import Job, differentiate
from recurra.benchmarks.peers import torch_nn
from recurra.cells import GRU, LSTM, MLSTM, SLSTM, Cell, IndRNN, MinGRU
from recurra.engines import choose, unroll
from recurra.engines.affine import scan_affine
from recurra.layers import Recurrent, to_torch
from recurra.streaming import Stream

Run = Callable[[], Any]
Make = Callable[[Job], Run]

SHORT = {torch.float32: "float32", torch.bfloat16: "bf16", torch.float16: "fp16"}


class NormalLSTM(LSTM):
    """An LSTM of a user's with layer normalisation of its gates: no kernel knows it."""

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__(inputs, hidden)
        self.norm = nn.LayerNorm(4 * hidden)

    def step(self, u: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Return h' and (h', c')."""
        h, c = state
        i, f, g, o = self.norm(u + h @ self.from_state.T).chunk(4, -1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        return h, type(state)(h, c)


class Case(NamedTuple):
    """One job, recurra and its peers, each made when its turn comes.

    Args:
        section: of the page.
        what: cell and sizes, in words.
        job: makes the job.
        ours: makes recurra's run.
        peers: makes theirs, by name.
        targets: by name; the least ratio that is good enough, and the aim.
        engine: what runs, where it is asked for; else what is chosen.
    """

    section: str
    what: str
    job: Callable[[], Job]
    ours: Make
    peers: Mapping[str, Make]
    targets: Mapping[str, Target]
    engine: str = ""


def unrolled(job: Job, engine: str | None = None) -> Run:
    """Return a pass forward and back of the cell, under an engine."""
    weights = list(job.cell.parameters())
    return lambda: differentiate(
        unroll(job.cell, job.x, lengths=job.lengths, engine=engine)[0], job, weights
    )


def compiled(job: Job) -> Run:
    """Return the loop over the step, compiled."""
    return torch_nn.compiled(job).run


def vendor(job: Job) -> Run:
    """Return torch.nn's module of the cell (cuDNN); its own GRU where it has none."""
    if type(job.cell) in (LSTM, GRU):
        module: nn.Module = to_torch(Recurrent(job.cell))
    else:
        module = nn.GRU(job.cell.input_size, job.cell.hidden_size, batch_first=True).to(job.x)
    weights = list(module.parameters())
    return lambda: differentiate(module(job.x)[0], job, weights)


def packed(job: Job) -> Run:
    """Return torch.nn's module on a PackedSequence, made at each pass as its users do."""
    module, steps = to_torch(Recurrent(job.cell)), job.x.shape[1]
    assert job.lengths is not None
    weights, lengths = list(module.parameters()), job.lengths.cpu()

    def run() -> Any:
        rows = pack_padded_sequence(job.x, lengths, batch_first=True, enforce_sorted=False)
        y = pad_packed_sequence(module(rows)[0], batch_first=True, total_length=steps)[0]
        return differentiate(y, job, weights)

    return run


def projections(job: Job) -> Run:
    """Return the cell's product with its input alone, forward and back."""
    weight = job.cell.get_parameter("from_input")
    grad = torch.randn_like(job.x @ weight.T)
    return lambda: torch.autograd.grad(job.x @ weight.T, [job.x, weight], grad)


def fla(job: Job) -> Run:
    """Return flash-linear-attention's chunked kernel of the same sizes, a decay for each head."""
    # not at the top: it is not in the project's requirements
    from fla.ops.simple_gla import chunk_simple_gla

    cell: Any = job.cell
    batch, steps, width = job.x.shape
    sizes = batch, steps, cell.heads, width // cell.heads
    q, k, v = (torch.randn(sizes, device=job.x.device, dtype=job.x.dtype) for _ in range(3))
    g = torch.rand(sizes[:3], device=job.x.device).log()
    sources = [part.requires_grad_() for part in (q, k, v)]
    grad = torch.randn_like(v)
    return lambda: torch.autograd.grad(chunk_simple_gla(q, k, v, g)[0], sources, grad)


def scanned(job: Job) -> Run:
    """Return h ← decay ⊙ h + inject alone, as the engine chosen here computes it."""
    decay = torch.sigmoid(job.x.detach()).requires_grad_()
    x, initial = job.x, torch.zeros_like(job.x[:, 0]).detach()
    found: Callable[..., Tensor] = scan_affine
    if x.device.type == "cuda":
        from recurra.cells.base import Affine
        from recurra.engines.transition import scan_transition
        from recurra.engines.triton.padded import Padded
        from recurra.engines.triton.scan import SCANS

        rows = Padded(len(x), x.shape[1], None)

        def found(a: Tensor, b: Tensor, h: Tensor) -> Tensor:
            part = Affine(a.flatten(0, 1), b.flatten(0, 1))
            hs, _ = scan_transition(SCANS, rows, part, (h,))
            return hs[0].view_as(b)

    return lambda: torch.autograd.grad(found(decay, x, initial), [decay, x], job.grad)


def copied(job: Job) -> Run:
    """Return copies of as many numbers as a scan must move: 3 forward, 5 on the way back."""
    a, b = torch.empty_like(job.x.detach()), job.x.detach()
    return lambda: [a.copy_(b) for _ in range(4)]  # each reads one and writes one


def streamed(job: Job, *, eager: bool = False) -> Run:
    """Return one step of as many streams as the job has rows."""
    frame = job.x.detach()[:, 0].contiguous()
    if not eager:
        stream = Stream(job.cell, len(frame))
        return lambda: stream.step(frame)
    cell, state = job.cell, job.cell.initial_state(len(frame))

    def run() -> Any:
        with torch.inference_mode():
            return cell(frame, state)

    return run


def engine(job: Job) -> str:
    """Return the name of the engine that is chosen."""
    return choose(job.cell, job.x, ragged=job.lengths is not None).name


def prepare(
    kind: Callable[..., Cell[Any]],
    shape: tuple[int, int, int],
    dtype: torch.dtype,
    device: torch.device,
    *,
    ragged: bool = False,
) -> Job:
    """Return a job of random numbers."""
    batch, steps, width = shape
    torch.manual_seed(0)
    cell = kind(width, width).to(device, dtype)
    x = torch.randn(batch, steps, width, device=device, dtype=dtype, requires_grad=True)
    grad = torch.randn(batch, steps, cell.output_size, device=device, dtype=dtype)
    lengths = None
    if ragged:
        lengths = torch.linspace(max(steps // 8, 1), steps, batch, device=device).long()
        grad *= (torch.arange(steps, device=device) < lengths[:, None])[..., None]
    return Job(cell, x, grad, lengths)


def cases(device: torch.device, *, dry: bool = False) -> Iterator[Case]:
    """Yield all that is asked; dry, at sizes of a few numbers."""
    half, single = torch.bfloat16, torch.float32
    loop: dict[str, Make] = {
        "eager loop": partial(unrolled, engine="loop"),
        "torch.compile of the step": compiled,
    }
    custom = {"eager loop": Target(20.0, 50.0), "torch.compile of the step": Target(5.0, 10.0)}
    if dry:
        loop.pop("torch.compile of the step")

    def made(section: str, kind: Any, shape: tuple[int, int, int], dtype: torch.dtype) -> Any:
        small = (2, 9, 8) if dry else shape
        what = f"{kind.__name__} {' × '.join(map(str, small))} {SHORT[dtype]}"
        job = partial(prepare, kind, small, dtype, device, ragged=section.startswith("ragged"))
        return partial(Case, section, what, job)

    nvidia = {"cuDNN": vendor}
    for kind in (LSTM, GRU):
        for shape in ((32, 512, 512), (16, 1024, 768)):
            for dtype in (half, torch.float16, single):
                yield made("classic", kind, shape, dtype)(
                    unrolled, nvidia, {"cuDNN": Target(0.98, 1.3)}
                )
    yield made("linear", MinGRU, (8, 4096, 1024), half)(
        unrolled, {"cuDNN GRU": vendor}, {"cuDNN GRU": Target(10.0, 25.0)}
    )
    yield made("custom", NormalLSTM, (32, 512, 512), single)(unrolled, loop, custom)
    yield made("custom", NormalLSTM, (32, 512, 512), half)(unrolled, loop, custom)
    for other in (SLSTM, IndRNN):
        yield made("custom", other, (32, 512, 512), half)(unrolled, loop, custom)
    yield made("custom", NormalLSTM, (32, 512, 512), half)(
        partial(unrolled, engine="graph"), {"eager loop": loop["eager loop"]}, custom, "graph"
    )
    yield made("matrix memory", partial_mlstm, (8, 4096, 1024), half)(
        unrolled,
        {"its own projections": projections, "fla simple_gla": fla},
        {"its own projections": Target(1 / 2.0, 1 / 1.4), "fla simple_gla": Target(1.0, 1.2)},
    )
    for steps in (2048, 8192, 65536):
        yield made("scan", MinGRU, (8, steps, 1024), single)(
            scanned,
            {"as many copies": copied},
            {"as many copies": Target(0.6, 0.85)},
            "triton",
        )
    for kind in (LSTM, GRU):
        yield made("ragged 1:8", kind, (32, 512, 512), half)(
            unrolled, {"cuDNN packed": packed}, {"cuDNN packed": Target(1.0, 2.0)}
        )
    yield made("streaming", LSTM, (1024, 1, 512), single)(
        streamed, {"the cell in eager PyTorch": partial(streamed, eager=True)}, {}
    )


def partial_mlstm(inputs: int, hidden: int) -> MLSTM:
    """Return an MLSTM of four heads."""
    return MLSTM(inputs, hidden, heads=4)


partial_mlstm.__name__ = "MLSTM"
