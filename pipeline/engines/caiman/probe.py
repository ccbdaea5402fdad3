"""Run by path in another interpreter: says as one JSON line which CaImAn is there. With ``--import``, imports it, too.

Imports nothing of Fluorite, and nothing but the standard library unless it is told to.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import platform
import sys
import time
from typing import Any

WEIGHTS = (".h5", ".keras", ".pb", ".pt", ".pth", ".onnx")


def look() -> dict[str, Any]:
    """What can be told without importing anything heavy."""
    spec = importlib.util.find_spec("caiman")
    folder = os.path.dirname(spec.origin) if spec is not None and spec.origin else None
    return {
        "python": platform.python_version(),
        "executable": sys.executable,
        "caiman": version_of("caiman") if spec is not None else None,
        "folder": folder,
        # The package of that name on PyPI is another project; only CaImAn has this part.
        "is_caiman": folder is not None and os.path.isdir(os.path.join(folder, "source_extraction")),
        "packages": {name: version_of(name) for name in ("numpy", "scipy", "tensorflow", "keras", "torch")},
        "cnn_weights": cnn_weights(),
    }


def version_of(name: str) -> str | None:
    """The installed version of a distribution, or None."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def cnn_weights() -> list[str]:
    """Files of the network that judges footprints, where ``caimanmanager install`` puts them."""
    data = os.environ.get("CAIMAN_DATA") or os.path.join(os.path.expanduser("~"), "caiman_data")
    folder = os.path.join(data, "model")
    if not os.path.isdir(folder):
        return []
    names = sorted(name for name in os.listdir(folder) if name.startswith("cnn_model") and "online" not in name)
    return [os.path.join(folder, name) for name in names if name.endswith(WEIGHTS)]


def try_import() -> dict[str, Any]:
    """Whether importing CaImAn works, and how long it takes."""
    start = time.perf_counter()
    try:
        import caiman
        from caiman.source_extraction import cnmf  # noqa: F401 - whether it can be imported is the question
    except Exception as error:  # noqa: BLE001 - whatever a foreign package raises is what the person has to know
        return {"import_error": f"{type(error).__name__}: {error}"}
    return {"import_error": None, "import_s": round(time.perf_counter() - start, 2), "caiman": caiman.__version__}


if __name__ == "__main__":
    answer = look()
    if "--import" in sys.argv[1:] and answer["is_caiman"]:
        # What packages print while they are imported must not mix with the answer.
        private, sys.stdout = sys.stdout, sys.stderr
        answer.update(try_import())
        sys.stdout = private
    sys.stdout.write(json.dumps(answer) + "\n")
