"""What does training on one long sequence need, with a graph of all of it and without?"""

import sys

from recurra.cli import main

sys.exit(main(["bench", "speed", "--question", "long", *sys.argv[1:]]))
