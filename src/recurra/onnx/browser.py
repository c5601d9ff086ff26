"""onnxruntime-web, which runs graphs in a browser: brought by npm, checked, kept in the cache."""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from functools import partial
from io import BytesIO
from pathlib import Path

from recurra.data.samples.cache import cache_folder
from recurra.errors import RecurraError
from recurra.storage import reason, replace

PACKAGE, VERSION = "onnxruntime-web", "1.30.0"
SHA512 = "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
# of the package, what runs in any browser on one thread of the processor
FILES = ("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
PATIENCE = 300  # seconds


def runtime() -> list[Path]:
    """Return the files that run graphs in a browser; npm brings them the first time.

    Raises:
        RecurraError: npm is not installed, does not bring the package, or brings another one.
    """
    folder = cache_folder() / f"{PACKAGE}-{VERSION}"
    found = [folder / name for name in FILES]
    if not all(path.is_file() for path in found):
        try:
            with tempfile.TemporaryDirectory() as place:
                unpack(pack(Path(place)), folder)
        except OSError as error:
            raise RecurraError(f"{PACKAGE} cannot be kept: {reason(error)}") from error
    return found


def pack(place: Path) -> bytes:
    """Return the package's archive as npm brings it.

    Raises:
        RecurraError: npm is not installed, or does not bring it.
    """
    npm, wanted = shutil.which("npm"), f"{PACKAGE}@{VERSION}"
    if npm is None:
        raise RecurraError(f"--web needs {wanted}, which npm brings: install Node.js with npm")
    try:
        done = subprocess.run(
            [npm, "pack", wanted, "--silent", "--pack-destination", str(place)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise RecurraError(f"npm took over {PATIENCE} s for {wanted}; try again") from error
    archives = list(place.glob("*.tgz"))
    if done.returncode or not archives:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        last = f": {said[-1].strip()[:200]}" if said else ""
        raise RecurraError(f"npm does not bring {wanted}{last}; is there a network?")
    return archives[0].read_bytes()


def unpack(archive: bytes, folder: Path) -> None:
    """Write what is needed of the package's archive, if it is the one that we know.

    Raises:
        RecurraError: it is another one.
    """
    if base64.b64encode(hashlib.sha512(archive).digest()).decode() != SHA512:
        raise RecurraError(f"{PACKAGE} {VERSION} is not the one that recurra was tested with")
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=BytesIO(archive), mode="r:gz") as opened:
        for name in FILES:
            member = opened.extractfile(f"package/dist/{name}")
            assert member is not None, "the package is known"
            replace(folder / name, partial(Path.write_bytes, data=member.read()))
