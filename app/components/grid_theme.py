"""The look of all tables, in AG Grid's own terms, with the colours of ``assets/fluorite.css``."""

from __future__ import annotations

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
