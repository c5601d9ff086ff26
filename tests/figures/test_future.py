"""A token that is not read yet changes nothing that is said before it."""

import pytest
import torch

from recurra.tasks.catalogue import TASKS
from recurra.tasks.task import Task
from recurra.topologies import Writer
from tests.recipe.conftest import Lab, bodies, lab, random  # noqa: F401  # fixtures

WRITERS = [
    task for task in TASKS if task.name in ("music_generation", "image_captioning", "translation")
]
READERS = [
    task
    for task in TASKS
    if task.name in ("ner", "sentiment", "translation", "audio_classification")
]


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("fields", [{}, {"input_feeding": True}], ids=["plain", "feeding"])
@pytest.mark.parametrize("task", WRITERS, ids=lambda task: task.name)
def test_of_a_writer(task: Task, fields: dict[str, bool], training: bool, lab: Lab):  # noqa: F811  # a fixture
    if fields and "input_feeding" not in task.options:
        pytest.skip("takes no input feeding")
    network = lab.build(task, dropout=0.0, layers=2, **fields).train(training)
    assert isinstance(network, Writer)
    batch = lab.batch(task, 4)
    if training:
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.eval()
    x = batch.x[:, :4]
    with torch.no_grad():
        before = network(batch.context, x, None, batch.context_lengths)
        for t in range(1, x.shape[1]):
            other = x.clone()
            other[:, t] = (other[:, t] + 5) % network.decoder.embed.num_embeddings
            after = network(batch.context, other, None, batch.context_lengths)
            assert torch.equal(before[:, :t], after[:, :t])
            assert not torch.isclose(before[:, t], after[:, t]).all(-1).any()


@pytest.mark.parametrize("task", READERS, ids=lambda task: task.name)
def test_of_what_reads_one_way_and_its_stream(task: Task, lab: Lab):  # noqa: F811  # a fixture
    from recurra.streaming import Stream

    body = bodies(lab.build(task, bidirectional=False, layers=2, dropout=0.0).eval())[0]
    x = random(2, 7, body.input_size)
    other = x.clone()
    other[:, 4] += 1
    with torch.no_grad():
        one, two = body(x)[0], body(other)[0]
    assert torch.equal(one[:, :4], two[:, :4])
    assert not torch.isclose(one[:, 4:], two[:, 4:]).all(-1).any()
    stream = Stream(body, 2)
    steps = torch.stack([torch.as_tensor(stream.step(frame)) for frame in x.unbind(1)], 1)
    assert torch.allclose(steps, one, atol=1e-6)
