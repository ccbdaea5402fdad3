/* Clientside callbacks, by the names that the Python side gives them. */
(function () {
  "use strict";
  const fluorite = (window.fluorite = window.fluorite || {});

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

      openSample(cell, rows) {
        const row = cell && (rows || []).find((candidate) => candidate.path === cell.rowId);
        if (row && row.href && cell.colId !== "name") fluorite.goTo(row.href);
        return window.dash_clientside.no_update;
      },
    },
  });
})();
