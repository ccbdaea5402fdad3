"""Run by path in CaImAn's interpreter: ``worker.py TASK.json`` does one run of CaImAn, through its public interface.

It imports nothing of Fluorite. What it has to say goes to standard output as JSON lines: ``{"stage": ..., "fraction":
...}`` while it works, ``{"note": ...}`` for what a reader of the result should know, and at the end ``{"done": ...}``
or ``{"error": ...}``. Everything that CaImAn prints goes to standard error, which is its log.

It lives no longer than who started it: when its standard input closes, it ends itself and all processes that it has
started.
"""

from __future__ import annotations

import inspect
import json
import logging
import os
import re
import signal
import sys
import threading
import time
import traceback
from typing import Any, TextIO

OURS = {"motion": ("motion_correct",), "patch": ("refit", "n_processes")}  # switches that CaImAn does not know


class Telling:
    """JSON lines to whoever started this, with the seconds of each stage."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._stage = self._step = ""
        self._since = 0.0
        self.seconds: dict[str, float] = {}

    def say(self, **what: Any) -> None:
        """One line; forked processes, which inherit the stream and maybe a taken lock, keep silent."""
        if os.getpid() != self._process:
            return
        with self._lock:
            self._stream.write(json.dumps(what) + "\n")
            self._stream.flush()

    def stage(self, name: str) -> None:
        """A stage begins; the one before it has ended."""
        now = time.perf_counter()
        if self._stage:
            self.seconds[self._stage] = self.seconds.get(self._stage, 0.0) + now - self._since
        self._stage, self._step, self._since = name, "", now
        if name:
            self.say(stage=name, fraction=0.0)

    def step(self, name: str) -> None:
        """A step of the present stage begins."""
        if name != self._step:
            self._step = name
            self.fraction(0.0)

    def fraction(self, done: float) -> None:
        """How far the present stage, or its step, is."""
        name = f"{self._stage}: {self._step}" if self._step else self._stage
        self.say(stage=name, fraction=min(1.0, max(0.0, done)))


class Steps(logging.Handler):
    """Tells CaImAn's own log lines that name a step, or count, as steps of the present stage."""

    NAMES = re.compile(
        r"(generating template|starting parallel motion correction|preprocessing|initializing|update spatial|"
        r"update temporal|updating temporal|merging|computing residuals|embedding patches|constructing background|"
        r"compressing background|estimating neuron)",
        re.IGNORECASE,
    )
    COUNT = re.compile(r"\b(\d+) out of total (\d+)\b")

    def __init__(self, telling: Telling) -> None:
        super().__init__(level=logging.INFO)
        self._telling = telling

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        counted, named = self.COUNT.search(text), self.NAMES.search(text)
        if counted:
            self._telling.fraction(int(counted[1]) / max(1, int(counted[2])))
        elif named:
            self._telling.step(named[1].lower())


def main() -> int:
    """Do the task and tell of it; 0 when it is done."""
    telling = Telling(take_stdout())
    end_with_parent()
    try:
        with open(sys.argv[1], encoding="utf-8") as file:
            task = json.load(file)
        telling.stage("starting CaImAn")
        wrap_toeplitz()
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
        logging.getLogger().addHandler(Steps(telling))
        run = online if task["online"] else batch
        answer = run(task, telling)
        telling.stage("")
        telling.say(done={**answer, "seconds": telling.seconds, "versions": versions()})
    except Exception as error:  # noqa: BLE001 - whatever CaImAn raises has to reach the person, in one line
        traceback.print_exc()
        telling.say(error={"type": type(error).__name__, "message": str(error)})
        return 1
    return 0


def take_stdout() -> TextIO:
    """Standard output for us alone: from now on, everything that is printed goes to standard error."""
    private = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return private


def end_with_parent() -> None:
    """End this process and its children as soon as standard input closes: then nobody waits for the result."""

    def watch() -> None:
        # Not through sys.stdin: forked processes close that, and would wait for ever for the lock that reading holds.
        while os.read(0, 1):
            pass
        if hasattr(os, "killpg") and os.getpgid(0) == os.getpid():
            os.killpg(0, signal.SIGKILL)
        os._exit(1)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()


def wrap_toeplitz() -> None:
    """Let CaImAn up to 1.12 run with SciPy 1.17 and newer.

    It hands columns ``(n, 1)`` to ``scipy.linalg.toeplitz``, which used to flatten them and now takes them for n
    matrices. Flattened before, they mean the same in all versions.
    """
    import numpy as np
    import scipy.linalg

    if tuple(int(part) for part in scipy.__version__.split(".")[:2]) < (1, 17):
        return
    original = scipy.linalg.toeplitz

    def toeplitz(c: Any, r: Any = None) -> Any:
        return original(np.ravel(c), None if r is None else np.ravel(r))

    scipy.linalg.toeplitz = toeplitz


def batch(task: dict[str, Any], telling: Telling) -> dict[str, Any]:
    """Motion correction, CNMF (or CNMF-E), refinement, evaluation and dF/F, in the order of CaImAn's own demos."""
    import caiman as cm
    import numpy as np
    from caiman.source_extraction import cnmf

    params = parameters(cnmf, task)
    cluster, n_processes = start_processes(cm, task["n_processes"])
    try:
        answer: dict[str, Any] = {"registered": None, "shifts": None}
        sources, border = [task["movie"]], 0
        if task["motion_correct"]:
            telling.stage("motion correction")
            sources, border, answer = correct_motion(task, params, cluster)
        telling.stage("memory map")
        name = cm.save_memmap(sources, base_name="ordered_", order="C", border_to_0=border, dview=cluster)
        flat, dims, n_frames = cm.load_memmap(name)
        images = np.reshape(flat.T, [n_frames, *dims], order="F")
        telling.stage("extraction")
        if cluster is not None:
            # Processes that were started before the memory map hold on to what the motion correction needed.
            cm.stop_server(dview=cluster)
            cluster, n_processes = start_processes(cm, task["n_processes"])
        model = cnmf.cnmf.CNMF(n_processes, params=params, dview=cluster)
        model.fit(images)
        found = model.estimates.A.shape[1]
        if task["refit"] and found:
            telling.stage("refinement")
            model = model.refit(images, dview=cluster)
        if found:
            telling.stage("evaluation")
            evaluate(model, images, params, cluster, telling)
            telling.stage("dF/F")
            relative_change(model, telling)
        else:
            telling.say(note="CaImAn found no component.")
            model.estimates.idx_components = np.zeros(0, int)
        telling.stage("saving")
        save(model, params, task, [int(size) for size in dims])
    finally:
        if cluster is not None:
            cm.stop_server(dview=cluster)
    return {**answer, "n_components": int(model.estimates.A.shape[1])}


def correct_motion(task: dict[str, Any], params: Any, cluster: Any) -> tuple[list[str], int, dict[str, Any]]:
    """The files of the corrected movie, the border that was filled, and what is told of both."""
    import caiman as cm
    import numpy as np
    from caiman.motion_correction import MotionCorrect

    correction = MotionCorrect([task["movie"]], dview=cluster, **params.get_group("motion"))
    correction.motion_correct(save_movie=True)
    files = list(correction.mmap_file)
    _, dims, n_frames = cm.load_memmap(files[0])
    if correction.pw_rigid:
        axes = [correction.x_shifts_els, correction.y_shifts_els]
        if task["is3D"]:
            axes.append(correction.z_shifts_els)
        # One shift for every patch; their mean says how far the whole field was moved.
        shifts = np.stack([np.asarray(axis, float).reshape(n_frames, -1).mean(axis=1) for axis in axes], axis=1)
    else:
        shifts = np.asarray(correction.shifts_rig, float)
    border = 0 if correction.border_nan == "copy" else int(np.max(correction.border_to_0))
    registered = {
        "path": os.path.abspath(files[0]),
        "dims": [int(size) for size in dims],
        "n_frames": int(n_frames),
        # CaImAn takes the movie's minimum away before correcting, and leaves it out of what it stores.
        "offset": float(correction.min_mov or 0.0),
    }
    return files, border, {"registered": registered, "shifts": shifts.tolist()}


def evaluate(model: Any, images: Any, params: Any, cluster: Any, telling: Telling) -> None:
    """Accept and reject; without the network where its weights or its libraries are missing."""
    if params.quality["use_cnn"]:
        try:
            evaluate_sizes(model, images, params, cluster)
        except Exception as error:  # noqa: BLE001 - missing weights and missing or broken TensorFlow raise anything
            traceback.print_exc()
            telling.say(
                note=f"CaImAn's network could not judge the footprints ({type(error).__name__}: {error}); the other "
                "criteria decided alone. `caimanmanager install` puts its weights in place."
            )
            params.set("quality", {"use_cnn": False})
        else:
            return
    model.estimates.evaluate_components(images, params, dview=cluster)


def evaluate_sizes(model: Any, images: Any, params: Any, cluster: Any) -> None:
    """Judge with every size of ``gSig_range``, and keep the one whose scores by the network are highest on average.

    CaImAn has that parameter, but its evaluation does not pass it on; the network looks at footprints in units of gSig.
    """
    sizes = params.quality.get("gSig_range") or []
    if not sizes:
        model.estimates.evaluate_components(images, params, dview=cluster)
        return
    import numpy as np

    usual, means = params.init["gSig"], []
    try:
        for size in sizes:
            params.set("init", {"gSig": tuple(size)})
            model.estimates.evaluate_components(images, params, dview=cluster)
            means.append(float(np.mean(model.estimates.cnn_preds)) if len(model.estimates.cnn_preds) else 0.0)
        best = int(np.argmax(means))
        if best != len(sizes) - 1:
            params.set("init", {"gSig": tuple(sizes[best])})
            model.estimates.evaluate_components(images, params, dview=cluster)
    finally:
        params.set("init", {"gSig": usual})


def relative_change(model: Any, telling: Telling) -> None:
    """dF/F over a running window of 250 frames; without a low-rank background (CNMF-E) traces are only detrended."""
    detrend_only = model.estimates.b is None or not getattr(model.estimates.b, "size", 0)
    known = inspect.signature(model.estimates.detrend_df_f).parameters
    options = {"detrend_only": True} if detrend_only and "detrend_only" in known else {}
    try:
        model.estimates.detrend_df_f(quantileMin=8, frames_window=250, **options)
    except Exception as error:  # noqa: BLE001 - hours of extraction are worth keeping without dF/F
        traceback.print_exc()
        telling.say(note=f"CaImAn could not compute dF/F ({type(error).__name__}: {error}).")


def online(task: dict[str, Any], telling: Telling) -> dict[str, Any]:
    """CaImAn Online (OnACID): frames one at a time."""
    from caiman.source_extraction import cnmf

    params = parameters(cnmf, task)
    params.set("data", {"fnames": [task["movie"]]})
    params.set("online", {"motion_correct": bool(task["motion_correct"]), "show_movie": False})
    telling.stage("online")
    model = cnmf.online_cnmf.OnACID(params=params)
    model.fit_online()
    import numpy as np

    shifts = np.asarray(model.estimates.shifts, float) if task["motion_correct"] else None
    if shifts is not None and shifts.ndim == 3:
        shifts = shifts.mean(axis=1)  # piecewise-rigid: one for every patch
    if model.estimates.A.shape[1]:
        telling.stage("dF/F")
        relative_change(model, telling)
    telling.stage("saving")
    save(model, params, task, task["shape"][1:])
    return {
        "registered": None,
        "shifts": None if shifts is None else shifts.tolist(),
        "n_components": int(model.estimates.A.shape[1]),
    }


def parameters(cnmf: Any, task: dict[str, Any]) -> Any:
    """CaImAn's parameters from the task's, which have CaImAn's names and groups."""
    groups = {
        group: {name: sized(value) for name, value in values.items() if name not in OURS.get(group, ())}
        for group, values in task["parameters"].items()
    }
    params = cnmf.params.CNMFParams()
    if "allow_legacy" in inspect.signature(params.change_params).parameters:
        params.change_params(groups)
    else:  # before 1.11, names stood alone
        params.change_params({name: value for values in groups.values() for name, value in values.items()})
    return params


def sized(value: Any) -> Any:
    """JSON has no tuples; CaImAn's sizes are some."""
    return tuple(map(sized, value)) if isinstance(value, list) else value


def start_processes(cm: Any, wanted: int) -> tuple[Any, int]:
    """A pool of processes, or None where one process does it all."""
    if wanted < 2:
        return None, 1
    _, cluster, n_processes = cm.cluster.setup_cluster(
        backend="multiprocessing", n_processes=wanted, single_thread=False
    )
    return cluster, int(n_processes)


def save(model: Any, params: Any, task: dict[str, Any], dims: list[int]) -> None:
    """CaImAn's own file, with the size of the field that it worked on, which it would leave out without file names."""
    for known in (params, model.params):
        known.set("data", {"dims": tuple(dims)})
    model.save(task["results"])


def versions() -> dict[str, str]:
    """What did the work."""
    import caiman
    import numpy
    import scipy

    return {"caiman": caiman.__version__, "numpy": numpy.__version__, "scipy": scipy.__version__}


if __name__ == "__main__":
    # os._exit: TensorFlow's and the cluster's threads must not keep a finished run alive.
    code = main()
    sys.stderr.flush()
    os._exit(code)
