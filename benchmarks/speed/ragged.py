"""What does a train step cost where lengths vary 1:8, against torch.nn packed and padded?"""

import sys

from recurra.cli import main

sys.exit(main(["bench", "speed", "--question", "ragged", *sys.argv[1:]]))
