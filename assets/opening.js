/* What a page of a sample shows first is its image, the outlines and the list of cells. The rest, which the browser draws for
 * as long again, waits until they are there. */
(function () {
  "use strict";
  const fluorite = (window.fluorite = window.fluorite || {});
  const AT_MOST_MS = 3000;

  function isUsable() {
    const root = document.getElementById("player");
    const { player } = fluorite;
    if (!root || root.hidden) return true;
    if (!player || player.root !== root || !root.dataset.background) return false;
    if (!player.config.n_rois) return true;
    return root.dataset.contours === "ready" && document.querySelector("#roi-table .ag-row") !== null;
  }

  /* Resolves once that is on the screen; where something of it fails to come, some seconds later. */
  fluorite.pageUsable = function () {
    const latest = performance.now() + AT_MOST_MS;
    return new Promise((resolve) => {
      const look = () => {
        if (!isUsable() && performance.now() < latest) return requestAnimationFrame(look);
        return requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(resolve)));
      };
      look();
    });
  };

  Object.assign(window.dash_clientside.fluorite, {
    /* After the traces, which are higher on the page. */
    async whenUsable() {
      await fluorite.pageUsable();
      if (fluorite.tracePlot) await fluorite.tracePlot.drawn;
      return true;
    },
  });
})();
