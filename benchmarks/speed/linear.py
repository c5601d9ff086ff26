"""What do the other linear cells cost beside their own matrix products?"""

import sys

from recurra.cli import main

sys.exit(main(["bench", "speed", "--question", "linear", *sys.argv[1:]]))
