"""How long is a train step of a classic cell, against torch.nn, JAX, Keras, torch.compile?"""

import sys

from recurra.cli import main

sys.exit(main(["bench", "speed", "--question", "classic", *sys.argv[1:]]))
