#!/bin/sh
# On a machine with an NVIDIA GPU and Python 3.11 or later: installs, runs the laws on cuda, measures, and
# writes benchmarks/results/gpu.json and docs/gpu.md. Eight minutes; what was measured stays when it is cut.
# A torch with CUDA that is installed already is used; PYTHON names another Python. Where nothing can be
# fetched, what is there must do: recurra is installed alone, from WHEELS (a folder) what it lacks, if given.
set -u
cd "$(dirname "$0")/../.."
PYTHON=${PYTHON:-python3}
VENV=${VENV:-.venv-gpu}

if [ "${1:-}" = "--dry" ]; then
  shift
  exec "$PYTHON" -m recurra.benchmarks.gpu.run --dry "$@"
fi
if ! command -v nvidia-smi >/dev/null 2>&1; then
  echo "there is no NVIDIA GPU here (no nvidia-smi): nothing was measured" >&2
  exit 2
fi
purelib='import sysconfig; print(sysconfig.get_path("purelib"))'
if [ ! -x "$VENV/bin/python" ]; then
  "$PYTHON" -m venv "$VENV" || exit 1
  # what that Python has is seen here too, also where it is a virtual environment's own
  if "$PYTHON" -c 'import torch, sys; sys.exit(not torch.cuda.is_available())' 2>/dev/null; then
    "$PYTHON" -c "$purelib" >"$("$VENV/bin/python" -c "$purelib")/beside.pth"
  fi
fi
pip() { "$VENV/bin/python" -m pip --disable-pip-version-check --quiet --retries 0 --timeout 10 "$@"; }
if [ -n "${WHEELS:-}" ]; then
  pip install --no-index --find-links "$WHEELS" cyclopts lightning-fabric torchdata
fi
pip install -e . pytest hypothesis jaxtyping beartype 2>/dev/null ||
  pip install --no-deps --no-build-isolation -e . ||
  { echo "recurra could not be installed: it is run from src, without its kernels for CPUs" >&2
    export PYTHONPATH="$PWD/src"; }

# the laws first, for a fast wrong answer is none; what fails is shown, and does not stop the rest
workers=$("$VENV/bin/python" -c 'import xdist; print("-n 8")' 2>/dev/null)
# shellcheck disable=SC2086  # two words, or none
timeout 140 "$VENV/bin/python" -m pytest -q --maxfail=9 $workers tests/laws tests/engines/triton \
  tests/engines/test_graph.py -m "not slow" -k "cuda or triton or graph" -p no:cacheprovider | tail -n 15
timeout 300 "$VENV/bin/python" -m recurra.benchmarks.gpu.run --root . --seconds 260 "$@"
