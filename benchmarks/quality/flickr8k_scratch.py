"""One exam of recurra.benchmarks.quality.exams, by its name."""

import sys

from recurra.cli import main

sys.exit(main(["bench", "quality", "flickr8k-scratch", *sys.argv[1:]]))
