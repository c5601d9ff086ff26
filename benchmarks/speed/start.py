"""How long does `import recurra` take beside torch's, and `recurra --help` altogether?"""

import sys

from recurra.cli import main

sys.exit(main(["bench", "speed", "--question", "start", *sys.argv[1:]]))
