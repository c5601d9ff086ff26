import subprocess
import sys

import torch
from torch import nn

from recurra.tasks.outlined import outlined


def test_an_outline_has_shapes_and_types_alone() -> None:
    with outlined():
        network = nn.Sequential(nn.Embedding(3, 4), nn.Linear(4, 2))
        nn.init.kaiming_normal_(network[1].weight)
        nn.init.trunc_normal_(network[1].weight)
    assert all(weight.is_meta for weight in network.parameters())
    assert network[0].weight.shape == (3, 4)
    assert nn.Embedding(3, 4).weight.std() > 0, "afterwards numbers are drawn again"
    assert torch.empty(1).normal_().device.type == "cpu"


def test_an_outline_does_not_import_the_compiler() -> None:
    code = (
        "import sys, recurra\nfrom torch import nn\nfrom recurra.tasks.outlined import outlined\n"
        "with outlined(): nn.Embedding(3, 4)\nsys.exit('torch._dynamo' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
