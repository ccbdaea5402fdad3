"""A path as people type or paste it."""

from __future__ import annotations


def unquoted(typed: str) -> str:
    """Without the space around it, and without the quotation marks that file managers copy with a path."""
    return typed.strip().strip("\"'")
