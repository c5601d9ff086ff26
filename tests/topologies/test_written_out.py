"""Losses and contexts, computed again from their definitions."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from recurra.cells import LSTM
from recurra.data.batch import Paired, Single
from recurra.topologies import OneToMany
from tests.topologies.test_every_cell import LENGTHS, SHORT, SIZE, TOPOLOGIES, decoder

SMOOTHING = 0.3


def logits_and_lengths(net: Any, batch: Any) -> tuple[Tensor, Tensor | None]:
    if isinstance(batch, Single):
        return net(batch.x), None
    if isinstance(batch, Paired):
        return net(batch.context, batch.x, batch.lengths, batch.context_lengths), batch.lengths
    return net(batch.x, batch.lengths), batch.lengths if batch.y.dim() == 2 else None


@pytest.mark.parametrize("name", [name for name in TOPOLOGIES if "CRF" not in name])
@pytest.mark.parametrize("smoothing", [0.0, SMOOTHING])
def test_the_loss_is_the_smoothed_sum_over_what_is_live(name: str, smoothing: float) -> None:
    torch.manual_seed(0)
    net, batch = TOPOLOGIES[name](LSTM)
    logits, lengths = logits_and_lengths(net, batch)
    rows = [(logits[i], batch.y[i]) for i in range(4)]
    if lengths is not None:
        rows = [(row[:n], y[:n]) for (row, y), n in zip(rows, lengths.tolist(), strict=True)]
    total, count = torch.zeros(()), 0
    for row, y in rows:
        logp = row.reshape(-1, logits.shape[-1]).log_softmax(-1)
        of_true = logp.gather(1, y.reshape(-1, 1))[:, 0]
        total = total - ((1 - smoothing) * of_true + smoothing * logp.mean(1)).sum()
        count += len(logp)
    found = net.loss(batch, smoothing)
    torch.testing.assert_close(found.total, total)
    assert int(found.count) == count


def test_a_crf_within_a_tagger_is_smoothed_too() -> None:
    net, batch = TOPOLOGIES["ManyToManyEqual with CRF"](LSTM)
    plain, smoothed = (float(net.loss(batch, s).total.detach()) for s in (0.0, SMOOTHING))
    assert abs(plain - smoothed) > 1e-3


def test_what_is_told_of_a_source_is_its_mean_and_its_last_step() -> None:
    torch.manual_seed(0)
    net, _ = TOPOLOGIES["ManyToManyUnequal"](LSTM)
    y = torch.randn(4, 5, 2 * SIZE)
    for row, n in enumerate(LENGTHS.tolist()):
        steps = y[row, :n] if n else torch.zeros(1, 2 * SIZE)
        both = torch.cat([steps.mean(0), steps[-1]])
        told = net.bridge(y, LENGTHS)[row]
        torch.testing.assert_close(told, torch.tanh(net.bridge.summarise(both)))


def test_what_is_told_of_a_grid_is_the_mean_of_what_is_real() -> None:
    torch.manual_seed(0)
    net = OneToMany(nn.Identity(), decoder(LSTM, attention=None, feeding=False))
    grid = torch.randn(4, 5, SIZE)
    told = net.start(grid, SHORT).context
    for row, n in enumerate(SHORT.tolist()):
        torch.testing.assert_close(told[row], grid[row, :n].mean(0))


@pytest.mark.parametrize("name", ["OneToMany", "OneToMany with attention", "ManyToManyUnequal"])
def test_every_step_is_told_the_context(name: str) -> None:
    torch.manual_seed(0)
    net, batch = TOPOLOGIES[name](LSTM)
    seen = list[Tensor]()
    net.decoder.body.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    logits_and_lengths(net, batch)
    context = net.start(batch.context, batch.context_lengths).context
    (told,) = seen
    torch.testing.assert_close(told[..., SIZE:], context[:, None].expand(-1, told.shape[1], -1))


def test_a_decoder_drops_embeddings_and_what_its_logits_read() -> None:
    net, batch = TOPOLOGIES["OneToMany"](LSTM)
    net.decoder.dropout.p = 1.0
    seen = list[Tensor]()
    net.decoder.body.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    logits, _ = logits_and_lengths(net, batch)
    torch.testing.assert_close(logits, net.decoder.to_logits.bias.expand_as(logits))
    assert bool((seen[0][..., :SIZE] == 0).all())
    logits, _ = logits_and_lengths(net.eval(), batch)
    assert float((logits - net.decoder.to_logits.bias).detach().abs().max()) > 1e-3
