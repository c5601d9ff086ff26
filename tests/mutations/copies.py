"""A copy of the tree, in which faults are made; the working tree is never touched."""

import compileall
import json
import os
import py_compile
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.mutations.catalogue import ROOT, Fault

PARTS = ["src", "native", "tests", "examples", "docs", "benchmarks", "scripts"]
FILES = ["pyproject.toml", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "Makefile"]
LIBRARY = "src/recurra/engines/native/librecurra"
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": ""}


class Copy:
    """A copy of the tree with an interpreter that imports recurra from there.

    Args:
        folder: where, and made anew.
        native: whether the library will be built from changed source.
    """

    def __init__(self, folder: Path, native: bool) -> None:
        self.root, self.build, self.clean = folder, folder / "build", folder / "clean"
        shutil.rmtree(folder, ignore_errors=True)  # mostly there is none
        ignored = shutil.ignore_patterns("__pycache__", "build", "*.so", "results")
        for part in PARTS:
            shutil.copytree(ROOT / part, folder / part, ignore=ignored)
        for name in FILES:
            shutil.copy2(ROOT / name, folder / name)
        # bytecode that is valid for one text of its source, whatever the clock says
        mode = py_compile.PycInvalidationMode.CHECKED_HASH
        compileall.compile_dir(folder / "src", quiet=1, invalidation_mode=mode)
        self.python = self._interpreter()
        if native:
            self._configure()
        else:
            self._install(Path(_installed()))
        self.server = subprocess.Popen(
            [self.python, "-m", "tests.mutations.server"],
            cwd=folder,
            env=os.environ | ENVIRONMENT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._read()

    def run(self, tests: list[str], limit: float, stop: bool = True) -> dict[str, Any]:
        """Run tests in the copy as it is, and return what the server answers."""
        assert self.server.stdin is not None
        named = [f"tests/{test}" for test in tests]
        request = {"tests": named, "log": str(self.log), "limit": limit, "stop": stop}
        self.server.stdin.write(json.dumps(request) + "\n")
        self.server.stdin.flush()
        return self._read()

    @property
    def log(self) -> Path:
        """Where the last run wrote."""
        return self.root / "log"

    @contextmanager
    def broken(self, fault: Fault) -> Iterator[None]:
        """Have the fault in the copy for a while.

        Raises:
            ValueError: its text does not occur once.
            CalledProcessError: the library cannot be built with it.
        """
        path = self.root / fault.file
        text, times = path.read_text(encoding="utf-8"), path.stat()
        path.write_text(fault.apply(text), encoding="utf-8")
        try:
            if fault.native:
                self._make(*(f"kernels_{isa}/fast" for isa in self.isas), "recurra/fast")
            yield
        finally:
            path.write_text(text, encoding="utf-8")
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
            if fault.native:
                shutil.rmtree(self.build)
                shutil.copytree(self.clean, self.build)

    def close(self) -> None:
        """End the server and delete the copy."""
        assert self.server.stdin is not None
        self.server.stdin.close()
        self.server.wait()
        shutil.rmtree(self.root, ignore_errors=True)  # a child may write there still

    def _read(self) -> dict[str, Any]:
        assert self.server.stdout is not None
        answer: dict[str, Any] = json.loads(self.server.stdout.readline())
        return answer

    def _interpreter(self) -> Path:
        """Make an environment: recurra of this copy first, then all that is installed here."""
        home = self.root / ".venv"
        venv.create(home, symlinks=True)
        site = next(home.glob("lib/python*/site-packages"))
        paths = [str(self.root / "src"), *(p for p in sys.path if p.endswith("site-packages"))]
        (site / "copy.pth").write_text("\n".join(paths) + "\n")
        return home / "bin" / "python"

    def _configure(self) -> None:
        """Build the library, in few optimisations: what takes seconds is building it anew."""
        # the second for fused multiply-adds, without which sums are less exact than tests want
        flags = "-DCMAKE_CXX_FLAGS_RELEASE=-O1 -fexpensive-optimizations -DNDEBUG"
        where = ["-S", str(self.root / "native"), "-B", str(self.build)]
        _call([_cmake(), "-G", "Unix Makefiles", *where, "-DCMAKE_BUILD_TYPE=Release", flags])
        self._make()
        self._make()  # only now does make know which file includes which
        shutil.copytree(self.build, self.clean)
        code = "from recurra.engines.native.library import isa, wide_isa; print(isa(), wide_isa())"
        out = subprocess.run(
            [self.python, "-c", code], env=os.environ | ENVIRONMENT, capture_output=True, check=True
        )
        # the other instruction sets' kernels are made of the same source, and not built again
        self.isas = sorted(set(out.stdout.decode().split()))

    def _make(self, *targets: str) -> None:
        for target in targets or ["all"]:
            _call(["make", "-C", str(self.build), target])
        self._install(next(self.build.glob("librecurra.*")))

    def _install(self, library: Path) -> None:
        # a new file: a process may still have the old one mapped
        to = self.root / f"{LIBRARY}{library.suffix}"
        to.unlink(missing_ok=True)
        shutil.copy2(library, to)


def _installed() -> str:
    from recurra.engines.native import library

    path = library._find()
    assert path is not None, library.NOT_BUILT
    return str(path)


def _cmake() -> str:
    beside = Path(sys.executable).with_name("cmake")
    return str(beside) if beside.exists() else shutil.which("cmake") or "cmake"


def _call(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)
