/* The browse page: what others change appears without a reload, and takes away no selection, filter or edit. */
(function () {
  "use strict";
  const LOOK_EVERY_MS = 4000;
  let known = null;
  let timer = null;

  const grid = () =>
    window.dash_ag_grid && document.getElementById("browse-grid") ? window.dash_ag_grid.getApi("browse-grid") : null;

  async function look() {
    const api = grid();
    // A table that is drawn anew would close the cell that somebody writes in.
    if (!api || document.hidden || api.getEditingCells().length) return;
    const asked = known;
    try {
      const response = await fetch(`/catalogue?known=${encodeURIComponent(asked)}`);
      if (response.status !== 200) return;
      const { version } = await response.json();
      const now = grid();
      if (known !== asked || !now || now.getEditingCells().length) return;
      known = version;
      window.dash_clientside.set_props("browse-changed", { data: version });
      now.refreshInfiniteCache(); // keeps what is selected, and where it is scrolled to
    } catch {
      // The next filter says that the server does not answer.
    }
  }

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.fluorite = Object.assign(window.dash_clientside.fluorite || {}, {
    watchBrowse(version) {
      known = version;
      if (!timer) timer = setInterval(look, LOOK_EVERY_MS);
      return window.dash_clientside.no_update;
    },
  });
})();
