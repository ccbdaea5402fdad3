/* The heat map's links to the rest of the page: what is asked for, clicks on its rows, marks at selected cells, and the
 * line at the frame that the movie shows. */
(function () {
  "use strict";
  const fluorite = (window.fluorite = window.fluorite || {});
  const element = (id) => document.getElementById(id);
  const plot = () => document.querySelector("#heatmap .js-plotly-plot");
  const MOST_MARKS = 40;
  const MARGINS_PX = 160;

  let rows = null;

  /* The cells that the table lists, in no particular order. */
  function listed() {
    const api = window.dash_ag_grid && element("roi-table") ? window.dash_ag_grid.getApi("roi-table") : null;
    const keys = [];
    if (api) api.forEachNodeAfterFilter((node) => node.data && keys.push(node.data.key));
    return keys;
  }
  fluorite.listedCells = listed;

  function moveCursor() {
    const [cursor, gd, { player }] = [element("heatmap-cursor"), plot(), fluorite];
    if (!cursor) return;
    const layout = gd && gd._fullLayout;
    const usable = rows && layout && layout.xaxis && player && player.config.has_movie;
    const x = usable ? layout.xaxis.d2p(player.frame / player.config.rate_hz) : NaN;
    const shown = usable && x >= 0 && x <= layout.xaxis._length;
    cursor.classList.toggle("is-shown", Boolean(shown));
    if (!shown) return;
    cursor.style.transform = `translateX(${layout.xaxis._offset + x}px)`;
    cursor.style.top = `${layout._size.t}px`;
    cursor.style.height = `${layout._size.h}px`;
  }

  /* A click selects the row's cell (with Control or Shift, too) and shows the movie at that moment. */
  function clicked(gd, click) {
    const point = click.points && click.points[0];
    const key = point && rows && rows.keys[Math.round(point.y)];
    if (!key) return;
    const { player } = fluorite;
    const more = click.event && (click.event.ctrlKey || click.event.metaKey || click.event.shiftKey);
    const present = player ? player.overlay.selected : [];
    if (player && player.config.has_movie) player.seek(Math.round(point.x * player.config.rate_hz));
    if (!more) fluorite.selectCells([key]);
    else fluorite.selectCells(present.includes(key) ? present.filter((one) => one !== key) : [...present, key]);
  }

  function mark(selected) {
    const gd = plot();
    if (!gd || !gd.layout || !rows || !window.Plotly) return;
    const groups = (gd.layout.annotations || []).filter((one) => one.name !== "selected");
    const colours = fluorite.player ? fluorite.player.overlay.style.selected : ["#000"];
    const marks = [];
    (selected || []).forEach((key, position) => {
      const row = rows.keys.indexOf(key);
      if (row < 0 || marks.length >= MOST_MARKS) return;
      marks.push({
        name: "selected",
        text: `\u25c2 ${rows.labels[row]}`,
        xref: "paper",
        x: 1,
        xanchor: "left",
        yref: "y",
        y: row,
        showarrow: false,
        font: { size: 11, color: colours[position % colours.length] },
      });
    });
    window.Plotly.relayout(gd, { annotations: [...groups, ...marks] });
  }

  function attach(gd) {
    if (gd.dataset.fluorite) return;
    gd.dataset.fluorite = "attached";
    gd.on("plotly_afterplot", moveCursor);
    gd.on("plotly_click", (click) => clicked(gd, click));
  }

  Object.assign(window.dash_clientside.fluorite, {
    heatmapRequest(clicks, cells, kind, scale, order, tables, identifier) {
      if (!clicks || !identifier) return window.dash_clientside.no_update;
      const card = document.querySelector(".heatmap-card");
      const width = Math.max(100, (card ? card.clientWidth : 1000) - MARGINS_PX);
      // A number of its own for each: Dash starts nothing for the same data, and drawing again is what was asked for.
      const nonce = window.crypto.randomUUID();
      return { nonce, identifier, cells, kind, scale, order, tables, width, keys: cells === "listed" ? listed() : [] };
    },

    markHeatmap(found, figure, known) {
      rows = found && found.keys ? found : null;
      // After Plotly has drawn: the graph reports its figure before it does so.
      const drawn = () => plot() && plot().on && plot()._fullLayout && rows;
      if (rows) {
        fluorite.whenReady(drawn, () => {
          attach(plot());
          mark(fluorite.player ? fluorite.player.overlay.selected : known);
          moveCursor();
        });
      }
      return window.dash_clientside.no_update;
    },
  });

  window.addEventListener("fluorite:frame", moveCursor);
  window.addEventListener("fluorite:selection", ({ detail }) => mark(detail.ids));
})();
