#!/bin/sh
# On a machine with an NVIDIA GPU and Python 3.11 or later: installs, runs the laws on cuda, measures, and
# writes benchmarks/results/gpu.json and docs/gpu.md. Eight minutes; what was measured stays when it is cut.
# A torch with CUDA that is installed already is used; PYTHON names another Python.
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
if [ ! -x "$VENV/bin/python" ]; then
  if "$PYTHON" -c 'import torch, sys; sys.exit(not torch.cuda.is_available())' 2>/dev/null; then
    "$PYTHON" -m venv --system-site-packages "$VENV"
  else
    "$PYTHON" -m venv "$VENV"
  fi
fi
"$VENV/bin/python" -m pip install --quiet --disable-pip-version-check -e . pytest hypothesis jaxtyping beartype ||
  { echo "recurra could not be installed" >&2; exit 1; }

# the laws first, for a fast wrong answer is none; what fails is shown, and does not stop the rest
timeout 90 "$VENV/bin/python" -m pytest -q --maxfail 10 --tb line tests/laws/test_cells.py \
  -m "not slow" -p no:cacheprovider | tail -n 15
timeout 60 "$VENV/bin/python" -m pytest -q -x tests/engines/triton tests/engines/test_graph.py \
  -m "not slow" -k "cuda or triton or graph" -p no:cacheprovider | tail -n 15
# which engine is fastest, for the choices below; by itself, so that no kernel can hold up the rest
timeout 60 "$VENV/bin/python" -m recurra.benchmarks.gpu.table --seconds 40 ||
  echo "no table was measured: engines are chosen by their fixed order" >&2
timeout 250 "$VENV/bin/python" -m recurra.benchmarks.gpu.run --root . --seconds 200 "$@"
