"""How long is one step of a stream, from Python, against torch.nn and ONNX Runtime?"""

import sys

from recurra.cli import main

sys.exit(main(["bench", "speed", "--question", "streaming", *sys.argv[1:]]))
