"""How long is a train step of a MinGRU layer, and how exact is its gradient in the end?"""

import sys

from recurra.cli import main

sys.exit(main(["bench", "speed", "--question", "mingru", *sys.argv[1:]]))
