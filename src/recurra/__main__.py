"""`python -m recurra`: the command line."""

import sys

from recurra.cli import main

sys.exit(main())
