"""The look of all tables, in AG Grid's own terms, with the colours of ``assets/fluorite.css``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

THEME = {
    "function": "themeQuartz.withParams({"
    "fontFamily: 'inherit', fontSize: 13, headerFontSize: 12.5, headerFontWeight: 600, "
    "accentColor: 'var(--accent)', "
    "borderColor: 'var(--line)', foregroundColor: 'var(--ink)', headerTextColor: 'var(--ink-soft)', "
    "headerBackgroundColor: 'var(--surface-soft)', backgroundColor: 'var(--surface)', "
    "rowHoverColor: 'var(--accent-faintest)', selectedRowBackgroundColor: 'var(--accent-faint)', "
    "wrapperBorderRadius: 8, cellHorizontalPadding: 10, columnBorder: false, "
    "headerColumnResizeHandleColor: 'transparent', "
    # Scroll bars as light or dark as the page; AG Grid's own are light.
    "browserColorScheme: 'inherit'"
    "})"
}


def choosing(selectable: str, row_classes: Mapping[str, str], *, page_rows: int = 100) -> dict[str, Any]:
    """Options of a table whose rows are ticked: it is as high as its rows, page by page.

    Parameters
    ----------
    selectable
        Expression of JavaScript: which rows can be ticked.
    row_classes
        CSS classes of rows, each with the expression of when.
    """
    return {
        "theme": THEME,
        "rowSelection": {
            "mode": "multiRow",
            "checkboxes": True,
            "headerCheckbox": True,
            "isRowSelectable": {"function": selectable},
        },
        "rowClassRules": dict(row_classes),
        "rowHeight": 34,
        "headerHeight": 36,
        "tooltipShowDelay": 300,
        "suppressNoRowsOverlay": True,
        "pagination": True,
        "paginationPageSize": page_rows,
        "paginationPageSizeSelector": False,
        "domLayout": "autoHeight",
    }
