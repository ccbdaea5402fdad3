"""The version of this installation."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("fluorite")
except PackageNotFoundError:  # run from a checkout that was not installed
    __version__ = "0.0.0+uninstalled"
