"""A headless browser that measures a page from within it, and the server that it looks at.

Times are taken by the page's own clock, from what a person does to the frame on which the result is on the screen: what
Selenium needs for itself does not count.
"""

from __future__ import annotations

import io
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from nwb_schema.errors import FluoriteError

ROOT = Path(__file__).resolve().parents[2]
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_TIMEOUT_S = 120

# `when(condition)` is the time of the frame after the one on which a condition was first seen to hold.
_MEASURE = """
const done = arguments[arguments.length - 1];
const when = (condition, tries = 6000) => {
  const holds = () => { try { return condition(); } catch { return false; } };
  return new Promise((resolve, reject) => {
    const look = () => {
      if (holds()) return requestAnimationFrame(() => resolve(performance.now()));
      if ((tries -= 1) < 0) return reject(new Error(`did not come: ${condition}`));
      requestAnimationFrame(look);
    };
    look();
  });
};
(async () => { %s })().then(done, (error) => done(`failed: ${error.message}`));
"""


class BenchmarkError(FluoriteError):
    """What a benchmark needs is not here."""


class Browser:
    """A headless Chromium that keeps what it needs in `folder`."""

    def __init__(self, folder: Path) -> None:
        try:
            from selenium import webdriver
            from selenium.webdriver.chrome.service import Service
        except ImportError as error:
            raise BenchmarkError("selenium", "is not installed", "Install fluorite[test].") from error
        found = os.environ.get("FLUORITE_CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
        if found is None:
            raise BenchmarkError("Chromium", "is not here", "Install Debian's chromium and chromium-driver.")
        options = webdriver.ChromeOptions()
        options.binary_location = found
        options.page_load_strategy = "eager"
        for argument in (
            "--headless=new",
            "--disable-gpu",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--window-size=1440,1100",
            f"--user-data-dir={folder}",
            *(["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []),
        ):
            options.add_argument(argument)
        driver = shutil.which("chromedriver")
        self.driver = webdriver.Chrome(options=options, service=Service(driver) if driver else Service())
        self.driver.set_script_timeout(_TIMEOUT_S)

    def open(self, url: str, usable: str) -> float:
        """Open an address; milliseconds from the request to the frame on which the expression `usable` holds.

        Looking begins when the document is there, before Dash has put anything into it.
        """
        self.driver.get("about:blank")
        self.driver.get(url)
        return number(self.measure(f"return when(() => {usable});"))

    def measure(self, code: str) -> Any:
        """What an asynchronous function with the body `code` gives; ``when(condition)`` is there for it."""
        return self.driver.execute_async_script(_MEASURE % code)

    def run(self, code: str) -> Any:
        """What a script gives."""
        return self.driver.execute_script(code)

    def picture(self, path: Path) -> None:
        """Write what the window shows as a PNG of 256 colours."""
        from PIL import Image

        seen = Image.open(io.BytesIO(self.driver.get_screenshot_as_png())).convert("RGB")
        seen.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)

    def memory_mb(self) -> float:
        """Memory of the page's scripts."""
        return round(float(self.run("return performance.memory ? performance.memory.usedJSHeapSize / 1e6 : 0")), 1)

    def close(self) -> None:
        """End it."""
        self.driver.quit()


class Server:
    """The dashboard of a project, or the home page of several, started as a user starts it."""

    def __init__(self, *folders: Path) -> None:
        paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        self._runtime = tempfile.mkdtemp(prefix="fluorite-bench-runtime-")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "fluorite", "serve", *map(str, folders), "--port", "0", "--no-browser"],
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "XDG_RUNTIME_DIR": self._runtime},
        )
        assert self._process.stderr is not None
        for line in self._process.stderr:
            if "http://" in line:
                self.url = line[line.index("http://") :].split()[0].rstrip("/")
                break
        else:
            raise BenchmarkError(" ".join(map(str, folders)), "the server did not start", "Try: fluorite serve")
        threading.Thread(target=lambda: list(self._process.stderr or ()), daemon=True).start()

    def memory_mb(self) -> dict[str, float]:
        """Memory of the server now and at its most, and of the processes that it started."""
        server = psutil.Process(self._process.pid)
        children = [child.memory_info().rss for child in server.children(recursive=True)]
        return {
            "server_mb": round(server.memory_info().rss / 1e6, 1),
            "server_most_mb": round(_most_memory(self._process.pid) / 1e6, 1),
            "children_mb": round(sum(children) / 1e6, 1),
        }

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(timeout=60)
        shutil.rmtree(self._runtime, ignore_errors=True)


def _most_memory(pid: int) -> float:
    """The highest resident memory that a process ever had, where the system says so; else what it has now."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return next(float(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        return float(psutil.Process(pid).memory_info().rss)


@contextmanager
def looking_at(*folders: Path) -> Iterator[tuple[Server, Browser]]:
    """A server of the project in a folder, or the home page of several, and a browser with nothing kept."""
    server = Server(*folders)
    try:
        with tempfile.TemporaryDirectory(prefix="fluorite-bench-browser-", ignore_cleanup_errors=True) as profile:
            browser = Browser(Path(profile))
            try:
                yield server, browser
            finally:
                browser.close()
    finally:
        server.close()


def number(value: Any) -> float:
    """What a page measured; a text is its reason why it could not."""
    if not isinstance(value, (int, float)):
        raise BenchmarkError("page", str(value), "Look at the page: the benchmark may be older than it.")
    return float(value)


def median(values: list[float]) -> float:
    """The median, to the tenth."""
    return round(statistics.median(values), 1)
