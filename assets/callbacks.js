/* Clientside callbacks, by the names that the Python side gives them. */
(function () {
  "use strict";
  const fluorite = (window.fluorite = window.fluorite || {});
  const sameOrder = (a, b) => a.length === b.length && a.every((value, position) => value === b[position]);
  const same = (a, b) => a.length === b.length && a.every((value) => b.includes(value));

  /* Go to a page as dcc.Link does: without loading everything anew. */
  fluorite.goTo = function (href) {
    window.history.pushState({}, "", href);
    window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
    window.scrollTo(0, 0);
  };

  /* Select cells at once, and tell Dash, which answers later. Keys come faster than its answers: an answer to an earlier
   * selection, arriving meanwhile, must not take back the later one. */
  let awaited = null;
  fluorite.selectCells = function (ids, seen = false) {
    if (fluorite.player) {
      if (sameOrder(fluorite.player.overlay.selected, ids)) return;
      fluorite.player.select(ids, seen);
    }
    selectRows(ids);
    const mine = (awaited = ids);
    setTimeout(() => {
      if (awaited === mine) awaited = null;
    }, 2000);
    window.dash_clientside.set_props("selection", { data: ids });
  };

  /* Through the table's property and not through its grid: Dash AG Grid puts the property's last value back into the
   * grid some time later, and with keys that come fast this would be an old one. */
  function selectRows(ids) {
    const api = window.dash_ag_grid && document.getElementById("roi-table") ? window.dash_ag_grid.getApi("roi-table") : null;
    if (!api) return;
    const present = api.getSelectedNodes().map((node) => node.id);
    if (!same(present, ids)) window.dash_clientside.set_props("roi-table", { selectedRows: { ids } });
    const last = ids.length && api.getRowNode(ids[ids.length - 1]);
    if (last && last.displayed) api.ensureNodeVisible(last);
  }

  function isOutdated(ids) {
    if (awaited === null) return false;
    if (!sameOrder(ids, awaited)) return true;
    awaited = null;
    return false;
  }

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    fluorite: {
      mountPlayer(config) {
        fluorite.mountPlayer(config);
        return window.dash_clientside.no_update;
      },

      mountCuration(config) {
        fluorite.mountCuration(config);
        return window.dash_clientside.no_update;
      },

      importRois(content, name) {
        if (content) fluorite.importRois(content, name);
        return null; // so that the same file can be chosen again
      },

      mountStimuli(state) {
        fluorite.mountStimuli(state);
        return window.dash_clientside.no_update;
      },

      reloadStimuli(done) {
        if (done && fluorite.stimuli) fluorite.stimuli.reload(done.show, done.said);
        return window.dash_clientside.no_update;
      },

      selectStimuli() {
        if (fluorite.stimuli) fluorite.stimuli.selectedInGrid();
        return window.dash_clientside.no_update;
      },

      /* The import is open from its button or a paste on, until something was loaded. */
      stimulusTarget() {
        const target = fluorite.stimulusTarget();
        const [cause] = window.dash_clientside.callback_context.triggered;
        if (!target || !cause || !cause.value) return [window.dash_clientside.no_update, window.dash_clientside.no_update];
        return [cause.prop_id !== "stimulus-loaded.data", target];
      },

      stimulusCopy(clicks) {
        const target = clicks && fluorite.stimulusTarget();
        return target ? [true, target] : [window.dash_clientside.no_update, window.dash_clientside.no_update];
      },

      showShades(shades) {
        const { player } = fluorite;
        const shown = () => fluorite.player && fluorite.player.root.isConnected && fluorite.player.controls;
        fluorite.whenReady(shown, () => fluorite.player.controls.showStimuli(shades || []), player ? 600 : 60);
        return window.dash_clientside.no_update;
      },

      showAddress(address) {
        fluorite.showAddress(address);
        return window.dash_clientside.no_update;
      },

      drawValueLists(found) {
        fluorite.drawValueLists(found);
        return window.dash_clientside.no_update;
      },

      offerColumns(switches) {
        fluorite.offerColumns(switches);
        return window.dash_clientside.no_update;
      },

      reloadRows() {
        fluorite.reloadRows();
        return window.dash_clientside.no_update;
      },

      bulkNonce(clicks) {
        return clicks ? window.crypto.randomUUID() : window.dash_clientside.no_update;
      },

      leaveSample(done) {
        if (done) fluorite.goTo("/");
        return window.dash_clientside.no_update;
      },

      reloadPage(done) {
        if (done) fluorite.reloadPage();
        return window.dash_clientside.no_update;
      },

      pictureFields(kind) {
        const clip = kind === ".mp4" || kind === ".gif";
        return [!clip, kind === ".tif"];
      },

      /* What is shown now, to the callback that makes a file of it: stills at once, clips in the background. */
      savePicture(clicks, kind, ...fields) {
        const { no_update: nothing } = window.dash_clientside;
        if (!clicks || !fluorite.player || !fluorite.player.background) return [nothing, nothing];
        window.dash_clientside.set_props("picture-status", { children: "Saving\u2026" });
        const request = fluorite.pictureRequest(kind, ...fields);
        fluorite.savingClip = kind === ".mp4" || kind === ".gif";
        return fluorite.savingClip ? [nothing, request] : [request, nothing];
      },

      /* A process that was cancelled or killed ends without an answer. */
      pictureEnded(hidden) {
        if (hidden && fluorite.savingClip) setTimeout(fluorite.clipEnded, 1500);
        return window.dash_clientside.no_update;
      },

      fetchSaved(saved) {
        return saved ? fluorite.fetchSaved(saved) : window.dash_clientside.no_update;
      },

      /* Selected cells -> the image and the table. */
      showSelection(ids) {
        const chosen = ids || [];
        if (isOutdated(chosen)) return window.dash_clientside.no_update;
        if (fluorite.player) fluorite.player.select(chosen);
        selectRows(chosen);
        return window.dash_clientside.no_update;
      },

      /* Rows selected in the table -> selected cells, those that stay in the order they had. */
      selectFromTable(rows, present) {
        const api = rows && window.dash_ag_grid.getApi("roi-table");
        // Only what a person did there has rows; what the page selects has their ids.
        if (!api || awaited !== null || !Array.isArray(rows)) return window.dash_clientside.no_update;
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
