"""Is training in 16 bits faster than in 32, by the units of this processor?"""

import sys

from recurra.cli import main

sys.exit(main(["bench", "speed", "--question", "sixteen", *sys.argv[1:]]))
