"""How many tokens a second does a whole training run see, against plain PyTorch with packing?"""

import sys

from recurra.cli import main

sys.exit(main(["bench", "speed", "--question", "training", *sys.argv[1:]]))
