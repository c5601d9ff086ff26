"""What do narrow weights gain a stream, and what do they change in a task's metric?"""

import sys

from recurra.cli import main

sys.exit(main(["bench", "speed", "--question", "narrow", *sys.argv[1:]]))
