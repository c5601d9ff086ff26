"""One exam of recurra.benchmarks.quality.exams, by its name."""

import sys

from recurra.cli import main

sys.exit(main(["bench", "quality", "sst2-three", *sys.argv[1:]]))
