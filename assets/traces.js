/* The traces of the selected cells: asked for by address and drawn here, without Dash, which would take a quarter of a second
 * for each click; their link to the movie: a line at the frame that is shown, and a click in the plot that seeks to it.
 *
 * The line is an element over the plot rather than a shape in it: moving it costs nothing, while Plotly would draw
 * again for every frame. */
(function () {
  "use strict";
  const fluorite = (window.fluorite = window.fluorite || {});
  const element = (id) => document.getElementById(id);
  const POINT_STEP = 250;

  /* Plotly, loaded once: from here, or before by a graph of Dash. */
  let loading = null;
  function plotly(url) {
    if (window.Plotly) return Promise.resolve();
    loading ||= new Promise((resolve, reject) => {
      const script = fluorite.element("script", { src: url, onload: resolve });
      script.onerror = () => {
        loading = null;
        reject(new TypeError("Plotly was not loaded"));
      };
      document.head.append(script);
    });
    return loading;
  }

  class TracePlot {
    constructor(root, config) {
      this.root = root;
      this.config = config;
      this.asked = null; // address of what is shown or on its way
      this.window = []; // seconds in view; empty for all
      this.choice = {};
      this.selected = [];
      this.busy = false;
      this.legend = []; // cell and the element that says its state
      this.drawn = null; // resolves once what was asked for last is drawn, or cannot be
      this.place = fluorite.element("div", { class: "trace-lines", hidden: true });
      this.message = fluorite.element("p", { class: "trace-message", hidden: true });
      root.replaceChildren(this.place, this.message);
      this.resizer = new ResizeObserver(() => this.place._fullLayout && window.Plotly.Plots.resize(this.place));
      this.resizer.observe(root);
    }

    destroy() {
      this.resizer.disconnect();
      if (this.request) this.request.abort();
      if (this.place._fullLayout) window.Plotly.purge(this.place);
    }

    /* ---- what is shown ---- */

    /* Kinds of trace, shaded stimuli and arrangement, as Dash knows them; and the cells. */
    show(selected, choice) {
      this.choice = choice;
      this.select(selected);
    }

    select(ids) {
      this.selected = ids;
      this._linkTable();
      this.ask();
    }

    ask() {
      const url = this._url();
      const key = `${url} ${JSON.stringify(this.choice.shades)}`; // periods may change under the same names
      if (key === this.asked) return;
      this.asked = key;
      if (this.request) this.request.abort();
      this.busy = true;
      this.drawn = this._fetch(url);
    }

    async _fetch(url) {
      const request = (this.request = new AbortController());
      try {
        const response = await fetch(url, { signal: request.signal });
        if (!response.ok) throw new Error((await response.text()).trim());
        const answer = await response.json();
        if (!this.place._fullLayout) await fluorite.pageUsable(); // these are its first traces
        if (answer.figure) await plotly(this.config.plotly_url);
        if (request === this.request && this.root.isConnected) await this._draw(answer);
      } catch (error) {
        if (!request.signal.aborted) this._failed(error);
      } finally {
        if (request === this.request) this.busy = false;
      }
    }

    _address() {
      return `/traces/${encodeURIComponent(this.config.identifier)}`;
    }

    _url() {
      const most = this.config.most_cells;
      const { kinds, tables, stacked, normalised } = this.choice;
      const query = new URLSearchParams({ roi: this.selected.slice(0, most).join(","), kind: kinds.join(","), n: this.selected.length });
      // Two points for each pixel of the screen; in steps, because the plot may become a little wider.
      const pixels = this.root.clientWidth * (window.devicePixelRatio || 1);
      query.set("points", POINT_STEP * Math.max(1, Math.ceil((2 * pixels) / POINT_STEP)));
      if (this.window.length) {
        query.set("from", this.window[0]);
        query.set("to", this.window[1]);
      }
      for (const table of tables) query.append("stimuli", table);
      if (stacked) query.set("stacked", "1");
      if (normalised) query.set("normalised", "1");
      return `${this._address()}.json?${query}`;
    }

    async _draw({ figure, message, legend, more, height_px: height }) {
      this.message.textContent = message;
      this.message.hidden = Boolean(figure);
      this.place.hidden = !figure;
      element("traces-wrap").style.minHeight = height ? `${height}px` : "";
      this._showLegend(legend, more);
      if (figure) {
        const isNew = !this.place._fullLayout;
        await window.Plotly.react(this.place, figure.data, { ...figure.layout, autosize: true }, this.config.plot);
        if (isNew) this._attach();
      } else if (this.place._fullLayout) window.Plotly.purge(this.place);
      moveCursor();
    }

    /* The same as a table to download, of the time in view; without a cell or a kind there is none. */
    _linkTable() {
      const query = new URLSearchParams({ roi: this.selected.join(","), kind: this.choice.kinds.join(",") });
      if (this.window.length) {
        query.set("from", this.window[0]);
        query.set("to", this.window[1]);
      }
      const link = element("trace-csv");
      if (this.selected.length && this.choice.kinds.length) link.href = `${this._address()}.csv?${query}`;
      else link.removeAttribute("href");
    }

    _failed(error) {
      this.asked = null; // asking again may help
      this.legend = [];
      const cause = error instanceof TypeError ? "The server does not answer." : error.message;
      element("trace-legend").replaceChildren(fluorite.element("p", { class: "job-error" }, `The traces cannot be read. ${cause}`));
    }

    _showLegend(entries, more) {
      this.legend = entries.map((entry) => ({ ...entry, place: fluorite.element("span", { class: "muted" }) }));
      const drawn = this.legend.map(({ label, colour, help, place }) =>
        fluorite.element("span", { class: "legend-entry", title: help }, [
          fluorite.element("span", { class: "legend-line", style: `background-color:${colour}` }),
          fluorite.element("strong", {}, label),
          place,
        ])
      );
      this.showStates();
      element("trace-legend").replaceChildren(...drawn, ...(more ? [fluorite.element("span", { class: "muted" }, more)] : []));
    }

    /* As the table has them: it knows of edits that are not saved yet, and of those that came after the traces. */
    showStates() {
      for (const { key, state, scores, place } of this.legend) {
        place.textContent = [fluorite.roiState(key) || state, ...scores].join(" \u00b7 ");
      }
    }

    /* ---- what is done in the plot ---- */

    _attach() {
      const { place } = this;
      place.on("plotly_afterplot", moveCursor);
      place.on("plotly_relayout", (event) => this._zoomed(event));
      place.on("plotly_click", (click) => {
        const { player } = fluorite;
        const axis = place._fullLayout.xaxis;
        const left = place.getBoundingClientRect().left + axis._offset;
        const time = axis.p2d(click.event.clientX - left);
        if (player) player.seek(Math.round(time * player.config.rate_hz));
      });
    }

    /* Finer samples for what is in view now. */
    _zoomed(event) {
      if (event["xaxis.range[0]"] !== undefined) this.window = [event["xaxis.range[0]"], event["xaxis.range[1]"]];
      else if (event["xaxis.range"]) this.window = event["xaxis.range"];
      else if (event["xaxis.autorange"]) this.window = [];
      else return;
      window.dash_clientside.set_props("trace-window", { data: this.window });
      this._linkTable();
      this.ask();
    }
  }

  function moveCursor() {
    const [wrap, cursor, { player, tracePlot }] = [element("traces-wrap"), element("trace-cursor"), fluorite];
    if (!wrap || !cursor) return;
    const gd = tracePlot && tracePlot.place;
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

  fluorite.tracePlot = null;
  Object.assign(window.dash_clientside.fluorite, {
    showTraces(kinds, shades, arrangement, normalise, tables, ids, config) {
      const root = element("traces");
      if (!root || !config || !config.identifier) return window.dash_clientside.no_update;
      const { tracePlot: present } = fluorite;
      if (!present || present.root !== root || present.config.identifier !== config.identifier) {
        if (present) present.destroy();
        fluorite.tracePlot = new TracePlot(root, config);
      }
      fluorite.tracePlot.show(fluorite.selectedCells(config.identifier, ids), {
        kinds: kinds || [],
        shades: shades || [],
        tables: tables || [],
        stacked: arrangement === "stacked",
        normalised: Boolean(normalise && normalise.length),
      });
      return window.dash_clientside.no_update;
    },
  });

  window.addEventListener("fluorite:frame", moveCursor);
  window.addEventListener("fluorite:selection", ({ detail }) => fluorite.tracePlot && fluorite.tracePlot.select(detail.ids));
})();
