"""What several parts of the page say of a result."""

from __future__ import annotations

from app.formatting import ABSENT
from app.parameters.form import TWINS
from pipeline.variants.listing import Variant


def memory_text(variant: Variant | None) -> str:
    """The most memory that making it took."""
    return ABSENT if variant is None or variant.peak_rss_mb is None else f"{variant.peak_rss_mb:,.0f} MB"


def is_shown(key: str) -> bool:
    """Whether a parameter is not the second one of two parameters that the form has one field for."""
    return key not in TWINS.values()
