/* Curating: decisions and tags by mouse or keyboard, shown at once and saved in the background by an EditQueue, in batches.
 *
 * The rows of the table are the truth of the page: the image takes the cells' states from them. */
(function () {
  "use strict";
  const fluorite = (window.fluorite = window.fluorite || {});
  const MOST_VALUES = 9;
  const TELL_AFTER_MS = 1200; // later than the next decision
  const REPLACING = ["merge", "split"];
  // An undo takes back what came before it; an evaluation and new cells read it.
  const ALONE = ["undo", "redo", "evaluate", "draw", "import", ...REPLACING];

  const MAKING = {
    draw: "Reading the movie for the new cell\u2026",
    import: "Reading the movie for the new cells\u2026",
    merge: "Merging\u2026",
    split: "Splitting\u2026",
  };

  const state = { show: "all", deleted: false };
  const element = (id) => document.getElementById(id);
  const grid = () => {
    const api = window.dash_ag_grid && element("roi-table") ? window.dash_ag_grid.getApi("roi-table") : null;
    return api && !(api.isDestroyed && api.isDestroyed()) ? api : null;
  };

  /* The table's filter, beside what people set in its columns. */
  function isListed(row) {
    if (row.deleted) return state.deleted;
    if (state.show === "undecided") return !row.curated;
    if (state.show === "all") return true;
    return row.is_accepted === (state.show === "accepted");
  }
  const functions = (window.dashAgGridFunctions = window.dashAgGridFunctions || {});
  functions.isListed = isListed;

  /* What a request does to a row, as the server will do it. */
  function foresee(row, request) {
    if (request.action === "accept" || request.action === "reject") {
      return { ...row, is_accepted: request.action === "accept", curated: true };
    }
    if (REPLACING.includes(request.action)) return { ...row, deleted: true };
    if (request.action === "delete" || request.action === "restore") return { ...row, deleted: request.action === "delete" };
    if (request.action === "tag") return { ...row, [`tag:${request.column}`]: request.shown };
    return row;
  }

  class Curation {
    constructor(config) {
      this.config = config;
      this.column = config.columns.find((column) => column.key === Curation.lastColumn) || config.columns[0];
      this.root = element("curation");
      this.status = new fluorite.EditStatus("curation-status", "curation-note", () => this.idle());
      this.queue = new fluorite.EditQueue(`/edits/${encodeURIComponent(config.identifier)}`, config.version, this);
      this.thresholds = new fluorite.Thresholds(this);
      this.showColumns();
      this.showProgress();
      this.say("");
    }

    destroy() {
      this.queue.destroy();
    }

    get isShown() {
      return this.root.isConnected;
    }

    /* ---- cells ---- */

    selected() {
      const chosen = fluorite.player ? fluorite.player.overlay.selected : [];
      const api = grid();
      return api ? chosen.filter((key) => api.getRowNode(key)) : [];
    }

    listed() {
      const api = grid();
      const keys = [];
      if (api) api.forEachNodeAfterFilterAndSort((node) => keys.push(node.id));
      return keys;
    }

    select(keys) {
      fluorite.selectCells(keys);
    }

    /* Nobody sees in the list what keys do to a cell that has left it. `before`: only of those that were listed. */
    dropUnlisted(before = null) {
      if (!grid() || !fluorite.player) return;
      const listed = new Set(this.listed());
      const chosen = fluorite.player.overlay.selected;
      const kept = chosen.filter((key) => listed.has(key) || (before && !before.includes(key)));
      if (kept.length < chosen.length) this.select(kept);
    }

    /* Go by `by` in the list, from the last of the selected cells; with `adding`, keep those. */
    move(by, adding = false, from = this.listed()) {
      if (!from.length) return;
      const chosen = this.selected();
      const last = chosen[chosen.length - 1];
      const at = from.indexOf(last);
      const next = from[at < 0 ? (by > 0 ? 0 : from.length - 1) : Math.min(Math.max(at + by, 0), from.length - 1)];
      this.select(adding ? [...chosen.filter((key) => key !== next), next] : [next]);
    }

    /* ---- edits ---- */

    decide(action) {
      const rois = this.selected();
      if (!rois.length) return this.say("Select a cell first.", "is-hint");
      const before = this.listed();
      const at = before.indexOf(rois[rois.length - 1]);
      if (!this.request({ action, rois })) return undefined;
      // The next one that is still listed: with "Undecided" shown, the present one has just gone.
      const listed = new Set(this.listed());
      const next = before.slice(at + 1).find((key) => listed.has(key) && !rois.includes(key));
      if (at >= 0 && next) this.select([next]);
      else if (at >= 0) {
        this.dropUnlisted(before);
        this.say(`That was the last cell of the list.`, "is-hint");
      }
      return undefined;
    }

    tag(value) {
      const rois = this.selected();
      if (!this.column) return this.say("Add a tag column first.", "is-hint");
      if (!rois.length) return this.say("Select a cell first.", "is-hint");
      const numeric = this.column.type === "integer" || this.column.type === "decimal";
      const text = String(value).trim();
      const shown = this.column.type === "yes/no" ? text === "yes" : numeric && text !== "" ? Number(text) : text;
      if (numeric && !Number.isFinite(shown)) return this.say(`${this.column.name}: write a number.`, "is-error");
      if (this.column.closed && !this.column.values.includes(text)) {
        return this.say(`${this.column.name} takes one of: ${this.column.values.join(", ")}.`, "is-error");
      }
      this.request({ action: "tag", rois, column: this.column.key, value: text, shown });
      this.showValues();
      return undefined;
    }

    merge() {
      const rois = this.rowsOf(this.selected()).filter((row) => !row.deleted).map((row) => row.key);
      if (rois.length < 2) return this.say("Select the cells that are one: two or more.", "is-hint");
      return this.makeRois({ action: "merge", rois });
    }

    split() {
      const rois = this.selected();
      if (rois.length !== 1) return this.say("Select the one cell that is to be split.", "is-hint");
      return this.makeRois({ action: "split", rois });
    }

    /* Ask for new cells; the request's id, or null. The page goes on: their traces take a while. */
    makeRois(request) {
      const id = window.crypto.randomUUID();
      if (!this.request({ ...request, id })) return null;
      // Keys that follow are not meant for cells that are about to be replaced.
      if (request.rois) this.select(this.selected().filter((key) => !request.rois.includes(key)));
      return id;
    }

    request(request) {
      if (this.config.refused) {
        this.say(this.config.refused, "is-error");
        return false;
      }
      if (!this.queue.push(request)) return false;
      this.put(request.rois ? this.rowsOf(request.rois).map((row) => foresee(row, request)) : []);
      return true;
    }

    rowsOf(keys) {
      const api = grid();
      return api ? keys.map((key) => api.getRowNode(key)).filter(Boolean).map((node) => node.data) : [];
    }

    /* All that waits up to the first that has to go alone. */
    batch(waiting) {
      const first = waiting.findIndex((request) => ALONE.includes(request.action));
      return first < 0 ? waiting.length : Math.max(first, 1);
    }

    answered(answer, requests) {
      requests.forEach((request) => request.id && fluorite.drawing && fluorite.drawing.saved(request.id));
      this.take(answer);
    }

    /* Dash has three parts of the page made anew then: not while edits come fast. */
    tellVersion(version) {
      clearTimeout(this.telling);
      this.telling = setTimeout(() => {
        if (this.isShown) window.dash_clientside.set_props("sample-version", { data: version });
      }, TELL_AFTER_MS);
    }

    changedByOthers(answer) {
      this.take(answer);
    }

    /* What the server says a sample is now. */
    take(answer) {
      const { waiting, version } = this.queue;
      const pending = (row) => waiting.reduce((now, request) => ((request.rois || []).includes(row.key) ? foresee(now, request) : now), row);
      const rows = answer.rows.map(pending);
      const api = grid();
      const before = this.listed();
      // Without rows, the file could not be read: what is shown stays until it can.
      if (answer.all && api && !(answer.error && !rows.length)) this.replaceRows(api, rows, answer);
      else this.put(rows);
      this.dropUnlisted(before);
      this.tellVersion(version);
      if (fluorite.player) fluorite.player.edited(version);
      this.showProgress();
    }

    /* Others may have added cells, or drawn them anew; what is selected and shown stays. */
    replaceRows(api, rows, answer) {
      const keys = new Set(rows.map((row) => row.key));
      const gone = [];
      api.forEachNode((node) => !keys.has(node.id) && gone.push(node.data));
      const added = rows.filter((row) => !api.getRowNode(row.key));
      api.applyTransaction({ remove: gone, add: added });
      this.put(rows.filter((row) => !added.includes(row)));
      const { player } = fluorite;
      if (gone.length) this.select(player.overlay.selected.filter((key) => keys.has(key)));
      player.reloadRois(answer.contours, rows.length).then(() => {
        // Where nobody went on to another cell meanwhile, the new ones are what a person wants to see.
        const made = (answer.made || []).filter((key) => player.overlay.byId.has(key));
        if (made.length && !this.selected().length) this.select(made);
      });
    }

    /* ---- what is shown ---- */

    count() {
      let count = 0;
      grid().forEachNode(() => (count += 1));
      return count;
    }

    put(rows) {
      const api = grid();
      if (api && rows.length) {
        const filtered = state.show !== "all" || api.isColumnFilterPresent() || api.isQuickFilterPresent();
        const moved = filtered || rows.some(({ key, deleted }) => (api.getRowNode(key) || { data: {} }).data.deleted !== deleted);
        const done = api.applyTransaction({ update: rows });
        // The tick of who decided is drawn into a column whose own value may stay: the grid would not draw it anew.
        if (done) api.refreshCells({ rowNodes: done.update, columns: ["is_accepted"], force: true });
        if (moved) api.onFilterChanged(); // which has Dash take all rows again
      }
      if (fluorite.player) fluorite.player.updateRois(rows);
      if (fluorite.tracePlot) fluorite.tracePlot.showStates();
      this.thresholds.show();
      this.showProgress();
    }

    progress() {
      this.showProgress();
    }

    idle() {
      if (!this.queue.unsaved) return this.queue.version ? "Saved" : "";
      const making = this.queue.sent.find((request) => MAKING[request.action]);
      return making ? MAKING[making.action] : "Saving\u2026";
    }

    showProgress() {
      const api = grid();
      const place = element("curation-progress");
      if (!place) return;
      let decided = 0;
      let accepted = 0;
      let all = 0;
      if (api) {
        api.forEachNode((node) => {
          if (node.data.deleted) return;
          all += 1;
          if (node.data.curated) decided += 1;
          if (node.data.is_accepted) accepted += 1;
        });
      }
      place.textContent = all ? `${decided} of ${all} decided` : "";
      const chip = element("accepted-chip");
      if (chip && api) chip.textContent = all ? `${fluorite.plural(accepted, "accepted cell")} of ${all}` : "no cells found";
      this.root.dataset.unsaved = this.queue.unsaved;
      this.root.dataset.version = this.queue.version;
      this.status.refresh();
    }

    say(text, kind) {
      this.status.say(text, kind);
    }

    nextColumn() {
      const { columns } = this.config;
      if (!columns.length) return this.say("Add a tag column first.", "is-hint");
      this.setColumn(columns[(columns.indexOf(this.column) + 1) % columns.length]);
      return undefined;
    }

    setColumn(column) {
      this.column = column;
      Curation.lastColumn = column.key;
      this.showColumns();
    }

    showColumns() {
      const place = element("tag-columns");
      if (!place) return;
      place.replaceChildren(
        ...this.config.columns.map((column) =>
          fluorite.element(
            "button",
            { type: "button", class: "segment", "aria-pressed": String(column === this.column), onclick: () => this.setColumn(column) },
            column.name
          )
        )
      );
      element("tag-value").hidden = this.column.closed;
      this.showValues();
    }

    /* The values that have a number: the vocabulary, or what cells have already. */
    values() {
      if (!this.column) return [];
      if (this.column.closed) return this.column.values;
      const found = new Set();
      const api = grid();
      if (api) {
        api.forEachNode((node) => {
          const value = node.data[this.column.field];
          if (value !== null && value !== this.column.replacement) found.add(String(value));
        });
      }
      return [...found].sort().slice(0, MOST_VALUES);
    }

    showValues() {
      const place = element("tag-values");
      if (!place) return;
      place.replaceChildren(
        ...this.values().map((value, position) =>
          fluorite.element("button", { type: "button", class: "tag-chip", title: `Tag the selected cells: ${this.column.name} = ${value}`, onclick: () => this.tag(value) }, [
            ...(position < MOST_VALUES ? [fluorite.element("kbd", { "aria-hidden": "true" }, String(position + 1))] : []),
            value,
          ])
        )
      );
    }

    setShown(value) {
      state.show = value;
      for (const button of this.root.querySelectorAll("[data-curate=show]")) {
        button.setAttribute("aria-pressed", String(button.dataset.value === value));
      }
      this.filterChanged();
    }

    toggleDeleted() {
      state.deleted = !state.deleted;
      this.root.querySelector("[data-curate=deleted]").setAttribute("aria-pressed", String(state.deleted));
      this.filterChanged();
    }

    filterChanged() {
      const api = grid();
      if (api) api.onFilterChanged();
      if (fluorite.player) fluorite.player.showDeleted(state.deleted);
      this.dropUnlisted();
    }
  }

  /* All rows of the table, for what else shows cells. */
  fluorite.roiRows = function () {
    const rows = [];
    const api = grid();
    if (api) api.forEachNode((node) => rows.push(node.data));
    return rows;
  };

  /* The state of a cell in a word, as the table has it; null where there is no table or no such cell. */
  fluorite.roiState = function (key) {
    const api = grid();
    const node = api && api.getRowNode(key);
    if (!node) return null;
    return node.data.deleted ? "deleted" : node.data.is_accepted ? "accepted" : "rejected";
  };

  fluorite.tagColumns = () => (fluorite.curationConfig ? fluorite.curationConfig.columns : []);

  /* From a second before the highest point of the last selected cell's trace on. */
  fluorite.playBestEvent = function () {
    const { player } = fluorite;
    const plot = fluorite.tracePlot && fluorite.tracePlot.place;
    const chosen = player ? player.overlay.selected : [];
    const roi = chosen.length && player.overlay.byId.get(chosen[chosen.length - 1]);
    if (!roi || !plot || !plot._fullData) return;
    const lines = plot._fullData.filter((line) => line.name.startsWith(`Cell ${roi.label} `));
    const line = lines.find((one) => one.name.endsWith("denoised")) || lines[0];
    if (!line) return;
    let best = 0;
    for (let i = 1; i < line.y.length; i += 1) if (line.y[i] > line.y[best]) best = i;
    player.seek(Math.round((line.x[best] - 1) * player.config.rate_hz));
    player.play();
  };

  fluorite.plural = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

  fluorite.actor = () => {
    const field = element("actor");
    return (field && field.value.trim()) || "";
  };

  // The address holds what is selected and which frame is shown.
  fluorite.reloadPage = () => window.location.reload();

  fluorite.curation = null;
  fluorite.mountCuration = function (config) {
    if (fluorite.curation) fluorite.curation.destroy();
    if (fluorite.drawing) fluorite.drawing.destroy();
    fluorite.curation = null;
    fluorite.drawing = null;
    state.show = "all";
    state.deleted = false;
    fluorite.curationConfig = config;
    // Grid and player are made at the same time as this.
    if (config) {
      fluorite.whenReady(
        () => grid() && fluorite.player && fluorite.player.root.isConnected,
        () => {
          fluorite.curation = new Curation(config);
          fluorite.followTable(grid());
          // Searching and the filters of columns; "api" are those that the bar or an edit sets off.
          grid().addEventListener("filterChanged", ({ source }) => {
            if (source !== "api" && fluorite.curation) fluorite.curation.dropUnlisted();
          });
          fluorite.player.updateRois(fluorite.roiRows());
          if (!config.refused) fluorite.drawing = new fluorite.Drawing(fluorite.player, fluorite.curation);
        }
      );
    }
  };

  fluorite.whenReady = function (condition, action, tries = 600) {
    if (condition()) action();
    else if (tries) requestAnimationFrame(() => fluorite.whenReady(condition, action, tries - 1));
  };

  const ACTIONS = {
    accept: (curation) => curation.decide("accept"),
    reject: (curation) => curation.decide("reject"),
    delete: (curation) => curation.decide(curation.rowsOf(curation.selected()).every((row) => row.deleted) ? "restore" : "delete"),
    merge: (curation) => curation.merge(),
    split: (curation) => curation.split(),
    draw: (curation, tool) => {
      if (curation.config.volume) curation.say("Nothing can be drawn in a volume.", "is-hint");
      else if (fluorite.drawing && document.querySelector(`[data-roi-tool=${tool}]`)) fluorite.drawing.choose(tool);
    },
    undo: (curation) => curation.request({ action: "undo" }),
    redo: (curation) => curation.request({ action: "redo" }),
    show: (curation, button) => curation.setShown(button.dataset.value),
    deleted: (curation) => curation.toggleDeleted(),
    help: () => window.dash_clientside.set_props("shortcuts", { is_open: true }),
  };
  fluorite.curationActions = ACTIONS;

  // The list of edits is made while it is open.
  document.addEventListener(
    "toggle",
    ({ target }) => target.id === "edits-fold" && window.dash_clientside.set_props("edits-open", { data: target.open }),
    true,
  );

  document.addEventListener("click", (event) => {
    const button = event.target.closest && event.target.closest("[data-curate]");
    if (button && fluorite.curation) ACTIONS[button.dataset.curate](fluorite.curation, button);
  });

  document.addEventListener("keydown", (event) => {
    const { curation } = fluorite;
    if (event.target.id !== "tag-value" || !curation) return;
    if (event.key === "Enter") {
      curation.tag(event.target.value);
      event.target.select();
    } else if (event.key === "Escape") event.target.blur();
  });

  document.addEventListener("input", (event) => {
    const api = grid();
    if (event.target.id === "roi-search" && api) api.setGridOption("quickFilterText", event.target.value);
  });
})();
