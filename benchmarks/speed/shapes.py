"""Is an LSTM ahead of torch.nn at common shapes, with and without gradients?"""

import sys

from recurra.cli import main

sys.exit(main(["bench", "speed", "--question", "shapes", *sys.argv[1:]]))
