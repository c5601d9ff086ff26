"""Is recurra ahead of torch.nn at every batch, length and width, not only at chosen ones?"""

import sys

from recurra.cli import main

sys.exit(main(["bench", "speed", "--question", "grid", *sys.argv[1:]]))
