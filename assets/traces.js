/* The traces' link to the movie: a line at the frame that is shown, and a click in the plot that seeks to it.
 *
 * The line is an element over the plot rather than a shape in it: moving it costs nothing, while Plotly would draw
 * again for every frame. */
(function () {
  "use strict";
  const fluorite = (window.fluorite = window.fluorite || {});

  function plot() {
    return document.querySelector("#traces .js-plotly-plot");
  }

  function moveCursor() {
    const wrap = document.getElementById("traces-wrap");
    const cursor = document.getElementById("trace-cursor");
    const gd = plot();
    const { player } = fluorite;
    if (!wrap || !cursor) return;
    const axis = gd && gd._fullLayout && gd._fullLayout.xaxis;
    const usable = axis && gd.data && gd.data.length && player && player.config.has_movie;
    const x = usable ? axis.d2p(player.frame / player.config.rate_hz) : NaN;
    if (!usable || !(x >= 0 && x <= axis._length)) {
      cursor.classList.remove("is-shown");
      return;
    }
    const size = gd._fullLayout._size;
    cursor.style.transform = `translateX(${axis._offset + x}px)`;
    cursor.style.top = `${size.t}px`;
    cursor.style.height = `${size.h}px`;
    cursor.classList.add("is-shown");
    cursor.dataset.frame = player.frame;
  }

  function attach(gd) {
    if (gd.dataset.fluorite) return;
    gd.dataset.fluorite = "attached";
    gd.on("plotly_afterplot", moveCursor);
    gd.on("plotly_click", (click) => {
      const { player } = fluorite;
      const axis = gd._fullLayout.xaxis;
      const left = gd.getBoundingClientRect().left + axis._offset;
      const time = axis.p2d(click.event.clientX - left);
      if (player) player.seek(Math.round(time * player.config.rate_hz));
    });
  }

  fluorite.attachTraces = function () {
    const gd = plot();
    if (gd && gd.on) {
      attach(gd);
      moveCursor();
    } else {
      requestAnimationFrame(fluorite.attachTraces);
    }
  };

  Object.assign(window.dash_clientside.fluorite, {
    /* The address of the selected cells' traces, of the time in view, as a table; none without a cell or a kind. */
    traceCsv(ids, kinds, seconds, identifier) {
      if (!identifier || !ids || !ids.length || !kinds || !kinds.length) return null;
      const query = new URLSearchParams({ roi: ids.join(","), kind: kinds.join(",") });
      if (seconds && seconds.length) {
        query.set("from", seconds[0]);
        query.set("to", seconds[1]);
      }
      return `/traces/${encodeURIComponent(identifier)}.csv?${query}`;
    },
  });

  window.addEventListener("fluorite:frame", moveCursor);
})();
