/* Which cells are selected. The image shows it at once; whoever else draws cells hears of it by the event "fluorite:selection"
 * on the window; and Dash, which takes a tenth of a second for it, learns of it when nothing more is selected for a moment. */
(function () {
  "use strict";
  const fluorite = (window.fluorite = window.fluorite || {});
  const CALM_MS = 100;
  const TELL_AFTER_MS = 200;
  const BY_HAND = ["rowClicked", "checkboxSelected", "spaceKey"];
  const sameOrder = (a, b) => a.length === b.length && a.every((value, position) => value === b[position]);
  const same = (a, b) => a.length === b.length && a.every((value) => b.includes(value));
  const grid = () => (window.dash_ag_grid && document.getElementById("roi-table") ? window.dash_ag_grid.getApi("roi-table") : null);

  let untold = null; // what Dash does not know yet
  let telling = null;

  fluorite.selectCells = function (ids, seen = false) {
    if (fluorite.player) {
      if (sameOrder(fluorite.player.overlay.selected, ids)) return;
      fluorite.player.select(ids, seen);
    }
    untold = ids;
    markRows(ids);
    announce(ids);
    clearTimeout(telling);
    telling = setTimeout(tell, TELL_AFTER_MS);
  };

  /* The selected cells of a sample; Dash may still know of `known` alone. */
  fluorite.selectedCells = function (sample, known) {
    const { player } = fluorite;
    if (player && player.root.isConnected && player.config.sample === sample) return player.overlay.selected;
    return untold || known || [];
  };

  /* Keys that come faster than traces are drawn are waited for: nobody looks at what is between them. */
  let waiting = null;
  function announce(ids) {
    clearTimeout(waiting);
    const dispatch = () => window.dispatchEvent(new CustomEvent("fluorite:selection", { detail: { ids } }));
    if (fluorite.tracePlot && fluorite.tracePlot.busy) waiting = setTimeout(dispatch, CALM_MS);
    else dispatch();
  }

  async function tell() {
    const ids = untold;
    if (fluorite.tracePlot) await fluorite.tracePlot.drawn;
    if (ids !== untold) return; // another cell was selected meanwhile
    untold = null;
    // Another page, or that of another sample.
    if (!document.getElementById("traces") || (fluorite.player && fluorite.player.overlay.selected !== ids)) return;
    selectRows(ids);
    window.dash_clientside.set_props("selection", { data: ids });
  }

  /* ---- the table ---- */

  /* Until the grid itself selects them, rows that it has drawn look selected. To draw others takes it so long that the
   * traces would wait. */
  function markRows(ids) {
    const rows = [...document.querySelectorAll("#roi-table .ag-row")];
    for (const row of rows) {
      const id = row.getAttribute("row-id");
      row.classList.toggle("is-marked", ids.includes(id));
      row.classList.toggle("is-unmarked", !ids.includes(id));
    }
    if (rows.some((row) => row.getAttribute("row-id") === ids[ids.length - 1])) scrollTo(ids[ids.length - 1]);
  }

  function scrollTo(id) {
    const api = grid();
    const node = api && id && api.getRowNode(id);
    if (node && node.displayed) api.ensureNodeVisible(node);
  }

  /* Through the table's property and not through its grid: Dash AG Grid puts the property's last value back into the
   * grid some time later, and with keys that come fast this would be an old one. */
  function selectRows(ids) {
    const api = grid();
    if (!api) return;
    for (const row of document.querySelectorAll("#roi-table .ag-row")) row.classList.remove("is-marked", "is-unmarked");
    const present = api.getSelectedNodes().map((node) => node.id);
    if (!same(present, ids)) window.dash_clientside.set_props("roi-table", { selectedRows: { ids } });
    scrollTo(ids[ids.length - 1]);
  }

  /* Rows selected in the table by hand -> selected cells, those that stay in the order they had. */
  fluorite.followTable = function (api) {
    api.addEventListener("selectionChanged", ({ source }) => {
      if (!BY_HAND.includes(source)) return;
      const ids = api.getSelectedNodes().map((node) => node.id);
      const before = fluorite.player ? fluorite.player.overlay.selected : [];
      fluorite.selectCells([...before.filter((id) => ids.includes(id)), ...ids.filter((id) => !before.includes(id))]);
    });
  };
})();
