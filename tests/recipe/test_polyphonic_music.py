"""Rows of the fields that only the foretelling of notes has."""

import numpy as np
import pytest
import torch

from recurra.data.rolls import KEYS
from recurra.errors import RecurraError
from recurra.tasks.run import complete
from recurra.tasks.task import Task
from recurra.topologies import NADE, Bernoulli
from tests.figures.parts import write
from tests.tasks.conftest import write_midi

from .conftest import Lab, Seen
from .table import proves

WHO = "polyphonic_music"


@proves("embedding", WHO)
def test_embedding_is_the_width_of_a_step(task: Task, lab: Lab):
    network = lab.build(task, embedding=13)
    seen = Seen(body=network.body)
    network.loss(lab.batch(task))
    assert seen.x["body"][0][0].shape[2] == 13


@proves("output", WHO)
def test_output_is_of_keys_on_their_own_or_jointly(task: Task, lab: Lab):
    assert isinstance(lab.build(task, output="independent").output, Bernoulli)
    joint = lab.build(task, output="joint", hidden=11).output
    assert isinstance(joint, NADE)
    assert joint.hidden == 11


@proves("neighbours", WHO)
def test_neighbours_is_how_far_a_key_looks_around(task: Task, lab: Lab):
    def moved(neighbours: int) -> set[int]:
        torch.manual_seed(0)
        looked = {"past": 2} if neighbours else {}
        network = lab.build(task, neighbours=neighbours, **looked).eval()
        if neighbours:
            torch.nn.init.zeros_(network.head.own.weight)
            torch.nn.init.zeros_(network.head.told.weight)
        x = torch.zeros(1, 3, KEYS)
        before = network(x)
        x[0, 0, 40] = 1.0
        changed = (network(x) != before)[0, 0, :KEYS]
        return {int(key) - 40 for key in changed.nonzero()[:, 0]}

    assert moved(2) == {-2, -1, 0, 1, 2}
    assert moved(5) == set(range(-5, 6))
    assert len(moved(0)) > 40  # a state speaks of all keys


@proves("past", WHO)
def test_past_is_how_many_steps_of_the_neighbours_are_seen(task: Task, lab: Lab):
    for past in (1, 3):
        network = lab.build(task, neighbours=1, past=past).eval()
        torch.nn.init.zeros_(network.head.own.weight)
        torch.nn.init.zeros_(network.head.told.weight)
        x = torch.zeros(1, 6, KEYS)
        before = network(x)
        x[0, 0, 40] = 1.0
        steps = (network(x) != before)[0, :, 40].nonzero()[:, 0].tolist()
        assert steps == list(range(past))


@proves("filters", WHO)
def test_filters_are_what_is_looked_for(task: Task, lab: Lab):
    network = lab.build(task, neighbours=2, past=3, filters=7)
    assert network.body.layers[1].weight.shape == (7, 1, 3, 5)
    assert network.head.shared.in_features == 7


@proves("past filters", WHO)
@pytest.mark.parametrize("field", ["past", "filters"])
def test_how_to_look_at_no_neighbours_is_refused(task: Task, lab: Lab, field: str):
    with pytest.raises(RecurraError, match=f"{field} 3: no neighbours"):
        lab.build(task, **{field: 3})


def test_a_key_is_scored_by_the_state_and_by_what_sounds_around_it(lab: Lab):
    from recurra.tasks.catalogue import find

    network = lab.build(find(WHO), neighbours=2, past=2, filters=3, output="joint").eval()
    x = (torch.rand(2, 5, KEYS) < 0.1).float()
    layers, near = network.body.layers
    h, f = layers(x)[0], near(x)[0].unflatten(-1, (KEYS, 3))
    head, scores = network.head, network(x)
    own = h @ head.own.weight.T + head.own.bias
    for key in (0, 40, KEYS - 1):
        inner = (f[:, :, key] + h @ head.told.weight.T + head.key[key]).clamp(min=0)
        wanted = own[..., key] + inner @ head.shared.weight[0]
        torch.testing.assert_close(scores[..., key], wanted)
    torch.testing.assert_close(scores[..., KEYS:], own[..., KEYS:])


@proves("steps_per_beat", WHO)
def test_steps_per_beat_is_how_fine_a_tune_is_read_and_written(task: Task, tmp_path):
    import symusic

    data = write_midi(tmp_path)
    coarse, fine = (
        task.read(complete(task, {"data": data, "steps_per_beat": steps})).train for steps in (1, 3)
    )
    for one, other in zip(coarse, fine, strict=True):
        assert np.array_equal(np.repeat(one.frames, 3, axis=0), other.frames)
        assert len(one.frames) == 16
    recipe = complete(task, {"data": data, "steps_per_beat": 3, "length": 6, "hidden": 8})
    codec = task.fit(fine, recipe)
    network = task.build(codec, recipe)
    (answer,) = task.predict(network, codec, [tmp_path / "0.mid"], recipe)
    assert answer.steps == 48
    assert symusic.Score.from_midi(answer.midi).end() <= 480 * (16 + 2)


@proves("transpose", WHO)
def test_transpose_moves_a_piece_up_or_down_in_training_alone(task: Task, lab: Lab):
    batch = lab.batch(task)
    for most in (0, 3):
        network = lab.build(task, transpose=most, dropout=0.0)
        seen = Seen(embed=network.embed)
        told = []
        nll = network.output.nll
        network.output.nll = lambda scores, y, told=told, nll=nll: told.append(y) or nll(scores, y)
        torch.manual_seed(0)
        for _ in range(30):
            network.loss(batch)
        moves = set()
        for (x,), y in zip(seen.x["embed"], told, strict=True):
            live = torch.arange(x.shape[1]) < batch.lengths[:, None]
            first = 0
            for row, before in enumerate(batch.x):
                by = int(x[row, 0].nonzero()[0] - before[0].nonzero()[0])
                moves.add(by)
                assert torch.equal(x[row], before.roll(by, -1))
                steps = int(live[row].sum())
                assert torch.equal(y[first : first + steps], batch.y[row, :steps].roll(by, -1))
                first += steps
        assert moves == set(range(-most, most + 1))
        network.eval()
        network.loss(batch)
        assert torch.equal(seen.x["embed"][-1][0], batch.x)


def test_what_would_leave_the_keyboard_stays(lab: Lab):
    from recurra.tasks.catalogue import find

    network = lab.build(find(WHO), transpose=9)
    x = torch.zeros(40, 2, KEYS)
    x[:, 0, 0] = x[:, 1, KEYS - 2] = 1.0
    torch.manual_seed(0)
    moved, y = network._moved(x, x)
    assert torch.equal(moved, y)
    assert bool((moved.sum((1, 2)) == 2).all())
    assert {int(row[0].nonzero()[0]) for row in moved} == {0, 1}  # one key is free above


@proves("length", WHO)
@pytest.mark.parametrize("length", [1, 7])
def test_length_is_the_steps_that_follow(task: Task, length: int, tmp_path):
    data = write(task.name, tmp_path).data
    recipe = complete(task, {"data": data, "length": length, "hidden": 8, "embedding": 8})
    codec = task.fit(task.read(recipe).train, recipe)
    network = task.build(codec, recipe).eval()
    (answer,) = task.predict(network, codec, [data], recipe)
    assert len(answer.notes) == length


@proves("temperature seed", WHO)
def test_temperature_and_seed_of_what_follows(task: Task, tmp_path):
    data = write(task.name, tmp_path).data
    recipe = complete(task, {"data": data, "hidden": 8, "embedding": 8, "length": 12})
    codec = task.fit(task.read(recipe).train, recipe)
    torch.manual_seed(0)
    network = task.build(codec, recipe).eval()
    with torch.no_grad():
        network.head[-1].weight.zero_()
        network.head[-1].bias[:KEYS] = -1.0
        network.head[-1].bias[KEYS:] = 0.0
        network.output.write.zero_()

    def share(**fields: float) -> tuple[float, str]:
        given = {"data": data, "length": 40, **fields}
        (answer,) = task.predict(network, codec, [data], complete(task, given))
        return sum(map(len, answer.notes)) / 40 / KEYS, str(answer.notes)

    for temperature in (0.5, 1.0, 2.0):
        found, _ = share(temperature=temperature)
        assert found == pytest.approx(1 / (1 + np.exp(1 / temperature)), abs=0.03)
    assert share(temperature=0.0)[0] == 0.0
    assert share(seed=1)[1] == share(seed=1)[1] != share(seed=2)[1]
