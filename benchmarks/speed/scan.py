"""Which share of the memory's bandwidth does the scan alone reach, forward and backward?"""

import sys

from recurra.cli import main

sys.exit(main(["bench", "speed", "--question", "scan", *sys.argv[1:]]))
