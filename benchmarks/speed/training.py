"""How long is a whole training run, against the loops that one writes in plain PyTorch?"""

import sys

from recurra.cli import main

sys.exit(main(["bench", "speed", "--question", "training", *sys.argv[1:]]))
