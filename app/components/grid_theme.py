"""The look of all tables, in AG Grid's own terms; the rest of the page's look is in ``assets/fluorite.css``."""

from __future__ import annotations

THEME = {
    "function": "themeQuartz.withParams({"
    "fontFamily: 'inherit', fontSize: 13, headerFontSize: 12.5, headerFontWeight: 600, accentColor: '#5b3fc4', "
    "borderColor: '#e1e6ed', foregroundColor: '#18212f', headerTextColor: '#4a5565', headerBackgroundColor: '#f8f9fb', "
    "rowHoverColor: '#f6f4fd', selectedRowBackgroundColor: '#ece7fb', wrapperBorderRadius: 8, "
    "cellHorizontalPadding: 10, columnBorder: false, headerColumnResizeHandleColor: 'transparent'"
    "})"
}
