"""One thread per test process: tiny tensors gain nothing from more, and xdist runs several."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
