"""Keep a catalogue up to date in the background, and tell whoever wants to know that it changed.

It polls: on network shares nothing else works, and looking at 1,000 unchanged files takes milliseconds.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType

from nwb_schema.catalogue.catalogue import Catalogue
from nwb_schema.errors import FluoriteError

Listener = Callable[[], None]
_log = logging.getLogger("fluorite")


@dataclass(frozen=True)
class ScanState:
    """What a watcher is doing.

    Attributes
    ----------
    scanning
        Whether files are being looked at at this moment.
    done, of
        Files read by the present scan, and how many it has to read.
    problem
        Why the last scan failed, or None.
    n_scans
        Scans that ended, however they did.
    """

    scanning: bool = False
    done: int = 0
    of: int = 0
    problem: str | None = None
    n_scans: int = 0


class Watcher:
    """A thread that refreshes a catalogue every few seconds, and calls listeners after every change.

    Changes that others made are noticed too: another process's edit, another dashboard's scan. Use it as a context, or
    call `start` and `stop`. Listeners are called in the watcher's thread, and one that fails does not stop it.
    """

    def __init__(self, catalogue: Catalogue, *, every_s: float = 2.0) -> None:
        self._catalogue = catalogue
        self._every_s = every_s
        self._listeners: list[Listener] = []
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopping = False
        self._thread: threading.Thread | None = None
        self._state = ScanState()
        self._token = ""

    @property
    def state(self) -> ScanState:
        """What it is doing."""
        with self._lock:
            return self._state

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Have `listener` called after every change; returns what ends that."""
        with self._lock:
            self._listeners.append(listener)

        def end() -> None:
            with self._lock:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return end

    def start(self) -> None:
        """Start watching; does nothing when it does already."""
        with self._lock:
            if self._thread is None:
                self._stopping = False
                self._thread = threading.Thread(target=self._run, name="catalogue watcher", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """Stop watching, after the scan that may be going on."""
        with self._lock:
            thread, self._thread = self._thread, None
            self._stopping = True
        self._wake.set()
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def look_now(self) -> None:
        """Do not wait for the next time."""
        self._wake.set()

    def __enter__(self) -> Watcher:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def _run(self) -> None:
        while not self._stopping:
            self._wake.clear()
            self._look()
            self._wake.wait(self._every_s)

    def _look(self) -> None:
        problem = None
        self._set(ScanState(scanning=True, n_scans=self._state.n_scans))
        try:
            self._catalogue.refresh(self._progressed)
            token = self._catalogue.token()
        except FluoriteError as error:
            # A folder that is away for a moment, a full disk: it looks again the next time.
            problem, token = str(error), self._token
        except Exception as error:  # noqa: BLE001 - whatever a file or a filesystem does, it has to look again
            _log.exception("the catalogue could not be brought up to date")
            problem, token = f"{type(error).__name__}: {error}", self._token
        changed, self._token = token != self._token, token
        self._set(ScanState(problem=problem, n_scans=self._state.n_scans + 1))
        if changed:
            with self._lock:
                listeners = list(self._listeners)
            for listener in listeners:
                try:
                    listener()
                except Exception:  # noqa: BLE001 - whatever it raises, the others have to hear of it
                    _log.exception("a listener of the catalogue failed")

    def _progressed(self, done: int, of: int) -> None:
        self._set(ScanState(scanning=True, done=done, of=of, n_scans=self._state.n_scans))

    def _set(self, state: ScanState) -> None:
        with self._lock:
            self._state = state
