"""How well are opinions on films told, on SST-2?"""

import sys

from recurra.cli import main

sys.exit(main(["bench", "quality", "sst2", *sys.argv[1:]]))
