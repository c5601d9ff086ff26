"""Does time grow linearly with the sequence, and is the memory's peak no more than torch's?"""

import sys

from recurra.cli import main

sys.exit(main(["bench", "speed", "--question", "growth", *sys.argv[1:]]))
