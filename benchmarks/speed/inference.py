"""How long is a forward pass over whole sequences, against torch.nn and ONNX Runtime?"""

import sys

from recurra.cli import main

sys.exit(main(["bench", "speed", "--question", "inference", *sys.argv[1:]]))
