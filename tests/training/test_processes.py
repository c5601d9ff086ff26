import json
import os
import subprocess
import sys
from pathlib import Path

import torch

from recurra import bundle
from recurra.training.checkpoint import RunFolder
from recurra.training.fit import fit
from tests.training import lanes_worker
from tests.training.tiny import collate, network, recipe, rows, validate
from tests.training.train_worker import FIELDS, prepare


def in_two_processes(module: str, folder: Path) -> None:
    """Run a module of these tests under torchrun."""
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    command += ["--standalone", "-m", f"tests.training.{module}", str(folder)]
    roots = [str(Path(bundle.__file__).parents[1]), str(Path(__file__).parents[2])]
    paths = os.pathsep.join([*roots, os.environ.get("PYTHONPATH", "")])
    with subprocess.Popen(
        command,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": paths},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as started:
        try:
            shown, errors = started.communicate(timeout=120)
        finally:
            started.terminate()  # torchrun then stops its processes, as kill would not
    assert started.returncode == 0, errors
    assert shown == ""


def test_two_processes_equal_one(tmp_path):
    """The same batches, dealt out to two: resumed there, too, with a cosine that went on."""
    two = prepare(tmp_path / "two")
    in_two_processes("train_worker", two)
    one = prepare(tmp_path / "one")
    for epochs, resume in (2, False), (3, True):
        history = fit(
            network(),
            rows(13),
            collate,
            recipe=recipe(**{**FIELDS, "epochs": epochs, "resume": resume}),
            run=RunFolder(one),
            validate=validate,
            metric="loss",
            higher=False,
        )
    expected, found = bundle.read(one).tensors, bundle.read(two).tensors
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-9)
    for rank in 0, 1:
        assert abs(float((two / f"rank{rank}").read_text()) - history.best) < 1e-6
    logs = [
        [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
        for folder in (one, two)
    ]
    assert [entry["step"] for entry in logs[1]] == [entry["step"] for entry in logs[0]] == [3, 6, 9]
    for ours, theirs in zip(*logs, strict=True):
        assert abs(ours["train_loss"] - theirs["train_loss"]) < 1e-6


def test_lanes_of_two_processes_equal_those_of_one(tmp_path):
    """Each process carries the state of its own lanes, and saves it beside the others'."""
    one, two = (lanes_worker.prepare(tmp_path / name) for name in ("one", "two"))
    in_two_processes("lanes_worker", two)
    for stage in lanes_worker.STAGES:
        lanes_worker.train(one, **stage)
    torch.testing.assert_close(
        bundle.read(two).tensors, bundle.read(one).tensors, rtol=0, atol=1e-9
    )
    (ours, _), (theirs, _) = (RunFolder(folder).load_last() for folder in (one, two))
    names = [name for name in ours if name.startswith("carried")]
    assert names
    for name in names:  # [processes, lanes, …]: dealt out like cards
        joined = theirs[name].transpose(0, 1).flatten(0, 1)
        torch.testing.assert_close(joined, ours[name][0], rtol=0, atol=1e-9)
