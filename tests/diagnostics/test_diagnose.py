"""Verdicts on models of which they are known; and that nothing of a model is changed."""

import copy
import json
import math
import random
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import mse_loss

import recurra
from recurra import diagnose
from recurra.diagnostics import cures
from recurra.diagnostics.cures import cured
from recurra.errors import InputError, InputTypeError, RecurraError

from .models import Last, Loop, batch, loss


def verdicts(report):
    return [finding.verdict for finding in report.findings]


@pytest.mark.parametrize("seed", range(10))
def test_known_verdicts(seed):
    torch.manual_seed(seed)
    given = batch(rows=2, steps=60)
    quick = {"count": 1, "probes": 2}
    assert verdicts(diagnose(Last(nn.LSTM(4, 16, batch_first=True), 16), given, loss, **quick)) == [
        "vanishing"
    ]
    wild = Last(nn.RNN(4, 32, batch_first=True), 32)
    nn.init.normal_(wild.rnn.weight_hh_l0, std=3 / math.sqrt(32))
    nn.init.normal_(wild.rnn.weight_ih_l0, std=0.01)
    assert "exploding" in verdicts(diagnose(wild, given, loss, **quick))
    ring = Last(nn.RNN(4, 16, nonlinearity="relu", batch_first=True), 16)
    with torch.no_grad():
        nn.init.eye_(ring.rnn.weight_hh_l0)
        ring.rnn.weight_ih_l0.mul_(0.01)
        ring.rnn.bias_ih_l0.fill_(0.1)
        ring.rnn.bias_hh_l0.zero_()
    assert verdicts(diagnose(ring, given, loss, **quick)) == ["healthy"]
    chrono = Last(recurra.Recurrent(recurra.LSTM(4, 16, time_scale=60.0)), 16)
    assert verdicts(diagnose(chrono, given, loss, **quick)) == ["healthy"]


def test_a_newcomers_lstm_vanishes_and_its_cure_reaches_ten_times_as_far():
    torch.manual_seed(0)
    model, given = Last(nn.LSTM(4, 32, batch_first=True), 32), batch(rows=4, steps=400)
    first = diagnose(model, given, nn.MSELoss(), count=0)
    (finding,) = first.findings
    assert (finding.layer, finding.verdict, finding.measure) == ("rnn", "vanishing", "horizon")
    assert finding.value == first["rnn"].horizon < finding.threshold == 200
    assert "chrono(model.rnn, time_scale=400)" in finding.cure
    assert cured(model, first) == [
        "model.rnn: chrono initialisation of the gates' biases, time_scale=400"
    ]
    second = diagnose(model, given, nn.MSELoss(), count=0)
    assert second.horizon >= 10 * first.horizon
    assert verdicts(second) == ["healthy"]


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
def test_the_words_of_a_cure_are_python_that_cures(kind: type[nn.RNNBase]):
    torch.manual_seed(0)
    model, given = Last(kind(4, 32, batch_first=True), 32), batch(rows=4, steps=400)
    first = diagnose(model, given, nn.MSELoss(), count=0)
    (words,) = re.findall(r"recurra\.init\.\w+\(.*?\)", first.findings[0].cure)
    assert eval(words, {"recurra": recurra, "model": model})
    second = diagnose(model, given, nn.MSELoss(), count=0)
    assert second.horizon >= 10 * first.horizon
    assert verdicts(second) == ["healthy"]


def test_all_that_cures_name_is_there():
    texts = Path(cures.__file__).read_text(encoding="utf-8")
    names = set(re.findall(r"recurra\.init\.(\w+)", texts))
    assert {"chrono", "orthogonal", "identity"} <= names <= set(recurra.init.__all__)


def test_saturated_and_dead_units_are_found():
    torch.manual_seed(0)
    model, given = Last(nn.RNN(4, 8, batch_first=True), 8), batch()
    with torch.no_grad():
        model.rnn.weight_ih_l0.mul_(100)
    found = diagnose(model, given, loss)
    assert "saturated" in verdicts(found)
    assert found["rnn"].saturated["h"] > 0.9
    relu = Last(nn.RNN(4, 8, nonlinearity="relu", batch_first=True), 8)
    with torch.no_grad():
        relu.rnn.bias_ih_l0[:2] = -100
    found = diagnose(relu, given, loss)
    assert found["rnn"].dead == 0.25
    assert "dead" in verdicts(found)


def test_time_constants_are_those_of_the_forget_gate():
    rnn = nn.LSTM(4, 8, batch_first=True)
    with torch.no_grad():
        for weight in rnn.parameters():
            weight.zero_()
        rnn.bias_ih_l0[8:16] = math.log(9.0)  # σ = 0.9
    found = diagnose(rnn, batch()[0], lambda m, x: m(x)[0].sum() + m.bias_ih_l0.sum())
    assert found["model"].time_constants == pytest.approx((10, 10, 10), rel=1e-4)


def test_layers_that_do_nothing_are_dead():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b, self.c = (nn.GRU(4, 4, batch_first=True) for _ in range(3))

        def forward(self, x):
            self.b(x)
            return self.a(x)[0][:, -1, :2]

    found = diagnose(Model(), batch(), loss)
    told = {f.layer: (f.verdict, f.measure) for f in found.findings}
    assert told["b"] == ("dead", "loss_gradient")
    assert told["c"] == ("dead", "calls")


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_the_first_number_that_is_not_finite_is_found(wrong):
    x, y = batch()
    x[1, 7, 2] = wrong
    model = Last(nn.LSTM(4, 8, 2, batch_first=True), 8)
    found = diagnose(model, (x, y), loss)
    assert found.fault[:4] == ("the input of rnn.l0", "rnn.l0", 7, 1)
    assert found.findings[0].verdict == "not finite"
    relu = Last(nn.RNN(4, 8, nonlinearity="relu", batch_first=True), 8)
    nn.init.constant_(relu.rnn.weight_hh_l0, 1e9)
    found = diagnose(relu, batch(), loss)
    assert (found.fault.where, found.findings[0].verdict) == ("the output of rnn", "exploding")
    with torch.no_grad():
        model.head.weight[0, 0] = wrong
    assert diagnose(model, batch(), loss).fault.where == "the weight head.weight"


def test_a_trained_model_that_does_not_use_its_memory_is_told():
    torch.manual_seed(0)
    model = Last(nn.LSTM(4, 8, batch_first=True), 8)
    with torch.no_grad():
        model.rnn.bias_ih_l0[8:16] = -100  # forgets at once
        model.rnn.weight_hh_l0.zero_()
    assert "under-using its memory" in verdicts(diagnose(model, batch(), loss, trained=True))
    assert "under-using its memory" not in verdicts(diagnose(model, batch(), loss))


def everything(model):
    return {
        "weights": {n: t.clone() for n, t in model.state_dict().items()},
        "modes": [m.training for m in model.modules()],
        "hooks": [
            {n: len(v) for n, v in vars(m).items() if "hooks" in n and v is not None}
            for m in model.modules()
        ],
        "attributes": [sorted(vars(m)) for m in model.modules()],
        "gradients": [None if p.grad is None else p.grad.clone() for p in model.parameters()],
        "ours": [p.grad is None for p in model.parameters()],
        "frozen": [p.requires_grad for p in model.parameters()],
        "random": (torch.get_rng_state().tolist(), random.getstate(), np.random.rand()),  # noqa: NPY002  # the global one
    }


class Busy(nn.Module):
    """Draws, keeps its state, counts, and has a norm with statistics."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.drop = nn.BatchNorm1d(4), nn.Dropout(0.5)
        self.rnn, self.head = nn.LSTM(4, 8, 2, batch_first=True, dropout=0.5), nn.Linear(8, 2)
        self.ours = recurra.Recurrent(recurra.GRU(8, 8))
        self.state = None
        self.register_buffer("seen", torch.zeros(1))

    def forward(self, x):
        self.seen.add_(1)
        random.random()
        np.random.rand()  # noqa: NPY002  # the global one
        y, self.state = self.rnn(self.drop(self.norm(x.transpose(1, 2)).transpose(1, 2)))
        return self.head(self.ours(y)[0][:, -1]) + torch.rand(())


@pytest.mark.unchecked("what checks annotations draws from Python's generator")
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("fails", [None, "before", "after"])
def test_nothing_is_changed(training, fails):
    torch.manual_seed(0)
    model, given = Busy().train(training), batch()
    model.rnn.eval()
    model.norm.train()
    model.head.requires_grad_(False)
    model.rnn.register_forward_hook(lambda *_: None)
    model.rnn.weight_hh_l0.grad = torch.ones_like(model.rnn.weight_hh_l0)

    def either(model, batch):
        if fails == "before":
            raise ValueError("mine")
        found = loss(model, batch)
        if fails == "after":
            raise ValueError("mine")
        return found

    np.random.seed(0)  # noqa: NPY002  # the global one
    before = everything(model)
    np.random.seed(0)  # noqa: NPY002  # as above
    if fails is None:
        diagnose(model, given, either)
    else:
        with pytest.raises(RecurraError, match="could not be computed: ValueError: mine"):
            diagnose(model, given, either)
    after = everything(model)
    for name in before:
        if name in ("weights", "gradients"):
            torch.testing.assert_close(before[name], after[name], rtol=0, atol=0)
        else:
            assert before[name] == after[name], name
    assert model.state is None


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_any_number_format_is_measured(dtype):
    torch.manual_seed(0)
    model = Last(nn.LSTM(4, 16, batch_first=True), 16)
    given = batch(steps=40)
    single = diagnose(model, given, loss)["rnn"].horizon
    found = diagnose(model.to(dtype), tuple(part.to(dtype) for part in given), loss)
    assert found["rnn"].horizon == pytest.approx(single, rel=0.05)


def test_small_batches_and_frozen_weights_are_measured():
    model = Last(nn.LSTM(4, 8, batch_first=True), 8).requires_grad_(False)
    assert diagnose(model, batch(), loss)["rnn"].horizon > 1
    one = diagnose(model, batch(rows=1, steps=1), loss)
    assert one["rnn"].horizon is None
    assert verdicts(one) == ["healthy"]
    assert diagnose(Loop(nn.GRUCell(4, 8), 8), batch(rows=1), loss)["cell"].calls == 12


def test_a_loss_may_be_written_either_way():
    torch.manual_seed(0)
    model, given = Last(nn.GRU(4, 8, batch_first=True), 8), batch()
    ways = [loss, mse_loss, nn.MSELoss(), lambda said, wanted: (said - wanted).square().mean()]
    losses = [diagnose(model, given, way, count=0).loss for way in ways]
    assert losses == pytest.approx([losses[0]] * 4)
    model.loss = lambda batch: loss(model, batch)
    assert diagnose(model, given).loss == pytest.approx(losses[0])


CHECKED = pytest.mark.unchecked("annotations refuse it first")
WRONG = [
    (nn.Linear(4, 2), loss, {}, RecurraError, "no recurrent layer"),
    pytest.param(3, loss, {}, InputTypeError, "model is a int", marks=CHECKED),
    pytest.param(nn.GRU(4, 8), 3, {}, InputTypeError, "loss_fn is a int", marks=CHECKED),
    (nn.GRU(4, 8), None, {}, InputTypeError, "has no `loss"),
    (Loop(nn.GRUCell(4, 8), 8), lambda m, b: m(b[0]), {}, InputError, r"of shape \[3, 2\]"),
    (Loop(nn.GRUCell(4, 8), 8), lambda m, b: 1.0, {}, InputTypeError, "loss is a float"),
    (Loop(nn.GRUCell(4, 8), 8), loss, {"probes": 0}, InputError, "probes is 0"),
    (Loop(nn.GRUCell(4, 8), 8), loss, {"every": 0}, InputError, "every is 0"),
    (Loop(nn.GRUCell(4, 8), 8), loss, {"clip": -1.0}, InputError, "clip is -1"),
    (Loop(nn.GRUCell(4, 8), 8), loss, {"data": "x"}, InputTypeError, "data is of a Model"),
    (Loop(nn.GRUCell(5, 8), 8), loss, {}, RecurraError, "could not be computed"),
]


@pytest.mark.parametrize(("model", "how", "options", "error", "words"), WRONG)
def test_what_cannot_be_diagnosed_is_told_in_one_line(model, how, options, error, words):
    with pytest.raises(error, match=words) as told:
        diagnose(model, batch(), how, **options)
    assert "\n" not in str(told.value)


def test_the_report_is_written(tmp_path):
    torch.manual_seed(0)
    model, given = Last(nn.LSTM(4, 8, 2, batch_first=True), 8), batch(steps=40)
    first = diagnose(model, given, loss)
    other = copy.deepcopy(model)
    cured(other, first)
    second = diagnose(other, given, loss)
    stored, page = second.save(tmp_path / "deep", first)
    told = json.loads(stored.read_text())
    assert [f["verdict"] for f in told["findings"]] == verdicts(second)
    assert {"layer", "verdict", "measure", "value", "threshold", "cure"} == set(told["findings"][0])
    assert [la["horizon"] for la in told["layers"]] == [la.horizon for la in second.layers]
    assert told["before"]["findings"][0]["verdict"] == "vanishing"
    text = page.read_text()
    for words in ("lag (steps back)", "time (steps)", "visible context (steps)", "horizon before"):
        assert words in text
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    screen = str(second)
    assert "rnn.l0" in screen
    assert "healthy" in screen
