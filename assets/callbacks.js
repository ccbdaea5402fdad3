/* Clientside callbacks, by the names that the Python side gives them. */
(function () {
  "use strict";
  const fluorite = (window.fluorite = window.fluorite || {});
  const same = (a, b) => a.length === b.length && a.every((value) => b.includes(value));

  /* Go to a page as dcc.Link does: without loading everything anew. */
  fluorite.goTo = function (href) {
    window.history.pushState({}, "", href);
    window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
    window.scrollTo(0, 0);
  };

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    fluorite: {
      mountPlayer(config) {
        fluorite.mountPlayer(config);
        return window.dash_clientside.no_update;
      },

      /* Selected cells -> the image and the table. */
      showSelection(ids) {
        const chosen = ids || [];
        if (fluorite.player) fluorite.player.select(chosen);
        const api = window.dash_ag_grid && document.getElementById("roi-table") ? window.dash_ag_grid.getApi("roi-table") : null;
        if (api) {
          const present = api.getSelectedNodes().map((node) => node.id);
          if (!same(present, chosen)) {
            api.deselectAll();
            const nodes = chosen.map((id) => api.getRowNode(id)).filter(Boolean);
            api.setNodesSelected({ nodes, newValue: true });
            if (nodes.length) api.ensureNodeVisible(nodes[nodes.length - 1]);
          }
        }
        return window.dash_clientside.no_update;
      },

      /* Rows selected in the table -> selected cells, those that stay in the order they had. */
      selectFromTable(rows, present) {
        const api = rows && window.dash_ag_grid.getApi("roi-table");
        if (!api) return window.dash_clientside.no_update;
        // The table as it is now, not as it was when the event was sent: between the two, a click in the image may have
        // changed it, and answering the old event would undo the click.
        const ids = api.getSelectedNodes().map((node) => node.id);
        const before = present || [];
        if (same(ids, before)) return window.dash_clientside.no_update;
        return [...before.filter((id) => ids.includes(id)), ...ids.filter((id) => !before.includes(id))];
      },

      /* The part of the time axis in view, in seconds; null for all of it. */
      traceWindow(relayout) {
        const event = relayout || {};
        if (event["xaxis.range[0]"] !== undefined) return [event["xaxis.range[0]"], event["xaxis.range[1]"]];
        if (event["xaxis.range"]) return event["xaxis.range"];
        if (event["xaxis.autorange"]) return null;
        return window.dash_clientside.no_update;
      },

      attachTraces() {
        // After Plotly has drawn: the graph reports its figure before it does so.
        requestAnimationFrame(fluorite.attachTraces);
        return window.dash_clientside.no_update;
      },

      openSample(cell, rows) {
        const row = cell && (rows || []).find((candidate) => candidate.path === cell.rowId);
        if (row && row.href && cell.colId !== "name") fluorite.goTo(row.href);
        return window.dash_clientside.no_update;
      },
    },
  });
})();
