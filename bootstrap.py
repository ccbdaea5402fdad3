#!/usr/bin/env python3
"""Set up Fluorite in this folder and run it: the only script that a fresh machine needs.

    python3 bootstrap.py demo     set up, make a demo project, process its movies, open the dashboard
    python3 bootstrap.py test     set up and run every test, the browser tests too

Everything goes into ``.venv/`` here. Needs Python 3.11 to 3.13 and nothing else; uses the standard library only.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
SUPPORTED = ((3, 11), (3, 12), (3, 13))
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def main(arguments: list[str]) -> int:
    """Do what was asked for; further arguments go to the command (``demo``) or to pytest (``test``)."""
    if not arguments or arguments[0] not in ("demo", "test"):
        print(__doc__)
        return 2
    task, rest = arguments[0], arguments[1:]
    if sys.version_info[:2] not in SUPPORTED:
        return run_with_supported_python(arguments)
    python = set_up(extras="[test]" if task == "test" else "")
    if task == "demo":
        return subprocess.call([str(python), "-m", "fluorite", "demo", *rest], cwd=ROOT)
    ensure_chromium()
    ensure_redis()
    return run_tests(python, rest)


def run_with_supported_python(arguments: list[str]) -> int:
    """Start again with a Python that Fluorite runs on, if the machine has one."""
    for major, minor in SUPPORTED:
        found = shutil.which(f"python{major}.{minor}")
        # A version manager may put a name on PATH that does not run: ask it.
        if found and subprocess.run([found, "-c", ""], capture_output=True, check=False).returncode == 0:
            return subprocess.call([found, str(Path(__file__).resolve()), *arguments])
    print(
        f"{sys.executable}: is Python {sys.version_info[0]}.{sys.version_info[1]}, and Fluorite needs 3.11, 3.12 or"
        " 3.13. Install one of these (Debian: apt-get install python3 python3-venv) and run this again with it.",
        file=sys.stderr,
    )
    return 1


def set_up(extras: str) -> Path:
    """Make ``.venv`` with everything in it, unless it is there already; returns its Python."""
    python = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        print("Making .venv ...", file=sys.stderr)
        made = subprocess.run([sys.executable, "-m", "venv", str(VENV)], capture_output=True, text=True, check=False)
        if made.returncode != 0:
            shutil.rmtree(VENV, ignore_errors=True)  # half of one would be taken for a whole one next time
            sys.exit(
                f"{VENV}: could not be made ({(made.stderr or made.stdout).strip().splitlines()[-1]})."
                " On Debian or Ubuntu, install python3-venv and run this again."
            )
    wanted = extras + "".join(
        hashlib.sha256((ROOT / name).read_bytes()).hexdigest() for name in ("pyproject.toml", "constraints.txt")
    )
    stamp = VENV / f"installed{extras.strip('[]') and '-' + extras.strip('[]')}.txt"
    if not stamp.exists() or stamp.read_text() != wanted:
        print("Installing (a few minutes the first time) ...", file=sys.stderr)
        pip = [str(python), "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
        installed = subprocess.call([*pip, "-c", "constraints.txt", "-e", f".{extras}"], cwd=ROOT)
        if installed != 0:
            sys.exit(f"{ROOT}: installation failed (see above). Check the network, then run this again.")
        stamp.write_text(wanted)
    return python


def ensure_chromium() -> None:
    """Install Debian's Chromium for the browser tests, or say which packages to install."""
    browser = os.environ.get("FLUORITE_CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)
    if browser and shutil.which("chromedriver"):
        return
    install(["chromium", "chromium-driver"], "The browser tests need Chromium and its driver")


def ensure_redis() -> None:
    """Install Debian's Redis for the tests of background work, or say which package to install."""
    if not shutil.which("redis-server"):
        install(["redis-server"], "The tests of background work need Redis")


def install(packages: list[str], reason: str) -> None:
    """Install Debian's packages where this user may, or end and say what to install."""
    if shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0:
        print(f"Installing Debian's {' and '.join(packages)} ...", file=sys.stderr)
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.call(["apt-get", "update", "-qq"], env=environment)
        if subprocess.call(["apt-get", "install", "-y", "-qq", *packages], env=environment) == 0:
            return
    sys.exit(
        f"{reason}, which cannot be installed by this user. Install the packages {' and '.join(packages)}"
        f" (Debian: apt-get install -y {' '.join(packages)}) and run this again."
    )


def run_tests(python: Path, arguments: list[str]) -> int:
    """Style, types and every test; with arguments, pytest alone with these."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    module = [str(python), "-m"]
    if arguments:
        return subprocess.call([*module, "pytest", *arguments], cwd=ROOT, env=environment)
    # The browser has the machine to itself: on two cores, other tests beside it slow a page down tenfold.
    checks = [
        [*module, "ruff", "check", "."],
        [*module, "ruff", "format", "--check", "."],
        [*module, "mypy"],
        [*module, "pytest", "-n", str(max(2, len(available_cpus()))), "-m", "not browser and not nightly"],
        [*module, "pytest", "-m", "browser and not nightly"],
    ]
    failed = []
    for check in checks:  # all of them, so that one run tells everything that is wrong
        print("+", " ".join(check[2:]), file=sys.stderr, flush=True)
        if subprocess.call(check, cwd=ROOT, env=environment) != 0:
            failed.append(" ".join(check[2:]))
    for check in failed:
        print(f"failed: {check}", file=sys.stderr)
    return 1 if failed else 0


def available_cpus() -> set[int]:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return set(os.sched_getaffinity(0))
    return set(range(os.cpu_count() or 1))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
