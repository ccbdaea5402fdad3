/* The dialogue that makes a figure for a paper: what it shows is taken from the page. */
(function () {
  "use strict";
  const fluorite = (window.fluorite = window.fluorite || {});

  Object.assign(window.dash_clientside.fluorite, {
    openFigure() {
      const [cause] = window.dash_clientside.callback_context.triggered;
      if (!cause || !cause.value) return [window.dash_clientside.no_update, window.dash_clientside.no_update];
      return [true, cause.prop_id.startsWith("figure-open-heatmap") ? "heatmap" : "traces"];
    },

    /* Every change asks for another preview, the button for the file. */
    figureRequest(
      open, what, image, rejected, width, height, font, format, dpi, downloads, selected, kinds, arrangement, normalise,
      seconds, tables, cells, kind, scale, order, identifier
    ) {
      const triggered = window.dash_clientside.callback_context.triggered.map((one) => one.prop_id);
      const download = triggered.includes("figure-download.n_clicks") && Boolean(downloads);
      if (!open || !identifier) return [window.dash_clientside.no_update, what !== "image"];
      const keys = cells === "listed" ? fluorite.listedCells() : [];
      const request = {
        nonce: window.crypto.randomUUID(),
        identifier, download, what, image, width, height, font, format, dpi, selected, kinds, arrangement, tables,
        rejected: Boolean(rejected && rejected.length),
        normalise: Boolean(normalise && normalise.length),
        plane: fluorite.player ? fluorite.player.plane : null, // of a volume
        window: seconds && seconds.length ? seconds : null,
        heatmap: { cells, keys, kind, scale, order },
      };
      return [request, what !== "image"];
    },
  });
})();
