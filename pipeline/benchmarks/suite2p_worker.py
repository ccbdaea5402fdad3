"""Run by path in Suite2p's interpreter: ``suite2p_worker.py TASK.json`` does one run of Suite2p on one TIFF.

Imports nothing of Fluorite, and speaks as `pipeline.engines.caiman.worker` does: JSON lines on standard output. The
cells go to an ``.npz`` file: Suite2p's own ``stat.npy`` is a pickle, which nobody should have to open, so what it is
about to save under that name is kept on the way.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import sys
import time
import traceback
from typing import Any


def main() -> int:
    """Do the task; 0 when it is done."""
    private = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def say(**what: Any) -> None:
        private.write(json.dumps(what) + "\n")
        private.flush()

    try:
        with open(sys.argv[1], encoding="utf-8") as file:
            task = json.load(file)
        say(stage="starting Suite2p", fraction=0.0)
        say(done=run(task, say))
    except Exception as error:  # noqa: BLE001 - whatever Suite2p raises has to reach the person, in one line
        traceback.print_exc()
        say(error={"type": type(error).__name__, "message": str(error)})
        return 1
    return 0


def run(task: dict[str, Any], say: Any) -> dict[str, Any]:
    """One run with Suite2p's defaults but for what the task says."""
    import numpy as np
    import suite2p

    kept: dict[str, Any] = {}
    save = np.save

    def keep(path: Any, array: Any, *args: Any, **options: Any) -> None:
        kept[os.path.basename(str(path))] = array
        save(path, array, *args, **options)

    setattr(np, "save", keep)  # noqa: B010 - an assignment would have to have the type of NumPy's own
    settings, db = suite2p.default_settings(), suite2p.default_db()
    settings.update(task["settings"], torch_device="cpu")
    folder = os.path.dirname(task["movie"])
    db.update(data_path=[folder], file_list=[os.path.basename(task["movie"])], save_path0=folder)
    say(stage="suite2p", fraction=0.0)
    start = time.perf_counter()
    suite2p.run_s2p(db=db, settings=settings)
    seconds = time.perf_counter() - start
    cells = [cell for cell, is_cell in zip(kept["stat.npy"], kept["iscell.npy"][:, 0], strict=True) if is_cell]
    coefficient = settings["extraction"]["neuropil_coefficient"]
    traces = (kept["F.npy"] - coefficient * kept["Fneu.npy"])[kept["iscell.npy"][:, 0] > 0]
    joined = {name: np.concatenate([[], *(cell[name] for cell in cells)]) for name in ("ypix", "xpix", "lam")}
    lengths = np.array([len(cell["lam"]) for cell in cells], int)
    y, x, weights = joined["ypix"], joined["xpix"], joined["lam"]
    np.savez(task["results"], lengths=lengths, traces=traces, ypix=y, xpix=x, lam=weights)
    version = importlib.metadata.version("suite2p")
    return {"seconds": {"suite2p": seconds}, "n_components": len(cells), "version": version}


if __name__ == "__main__":
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(importlib.metadata.version("suite2p") + "\n")
        sys.exit()
    code = main()
    sys.stderr.flush()
    os._exit(code)
