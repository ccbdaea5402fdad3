/* The page of a sample's stimuli: the tables as the browser has them, and everything that a person does to them.
 *
 * What is done is shown at once and saved by an EditQueue. New rows have numbers below zero until the server gives them
 * theirs. The grid only shows: what is typed into it becomes an edit, and its rows are put there anew. */
(function () {
  "use strict";
  const fluorite = (window.fluorite = window.fluorite || {});
  const element = (id) => document.getElementById(id);
  const setProps = (id, props) => window.dash_clientside.set_props(id, props);
  const OWN = ["start_s", "stop_s", "time_s"];
  let lastUnit = "seconds";
  let lastNew = 0;

  class Stimuli {
    constructor(state) {
      this.identifier = state.identifier;
      this.refused = state.refused;
      this.rate = state.rate_hz;
      this.duration = state.duration_s;
      this.palette = state.palette;
      this.selected = new Set();
      this.unit = this.rate ? lastUnit : "seconds";
      this.name = null;
      this.tablesById = new Map();
      this.status = new fluorite.EditStatus("stimulus-status", "stimulus-note", () =>
        this.queue.unsaved ? "Saving\u2026" : this.queue.version ? "Saved" : ""
      );
      this.queue = new fluorite.EditQueue(`/edits/${encodeURIComponent(state.identifier)}/stimuli`, state.version, this);
      this.take(state.tables, true);
      this.active = this.tables().find((table) => table.rows.length) || this.tables()[0] || NOTHING;
      this.timeline = new fluorite.StimulusTimeline(element("stimulus-timeline"), this);
      this.draw(true);
      this.say("");
    }

    destroy() {
      this.queue.destroy();
      this.timeline.destroy();
    }

    /* Whether the page is still this one: what waits is saved in any case. */
    get isShown() {
      return fluorite.stimuli === this && this.timeline.root.isConnected;
    }

    tables() {
      return [...this.tablesById.values()];
    }

    canEdit() {
      return !this.refused && this.active.editable;
    }

    get shown() {
      return this.active.moments ? ["time_s"] : ["start_s", "stop_s"];
    }

    /* ---- what the server says ---- */

    take(tables, all) {
      if (all) this.tablesById.clear();
      for (const table of tables) this.tablesById.set(table.id, table);
      if (this.active) this.active = this.tablesById.get(this.active.id) || this.tables()[0] || NOTHING;
      for (const request of this.queue.waiting) if (request.action === "change") this.foresee(request);
    }

    /* New rows get numbers that later edits need, so each is sent alone. */
    batch() {
      return 1;
    }

    answered(answer, [request]) {
      if (request && request.added && answer.added) this.renumber(request, answer.added);
      this.take(answer.tables, false);
      const there = new Set(this.active.rows.map((row) => row.id));
      this.selected = new Set([...this.selected].filter((id) => there.has(id)));
      this.draw();
      if (request && request.added) this.select([...this.selected]); // under their new numbers
    }

    /* Rows that were added have their own numbers now; so have edits of them that wait. */
    renumber(request, numbers) {
      const real = new Map(request.temporary.map((id, position) => [id, numbers[position]]));
      const of = (id) => (real.has(Number(id)) ? real.get(Number(id)) : Number(id));
      for (const waiting of this.queue.waiting) {
        if (waiting.changed) waiting.changed = Object.fromEntries(Object.entries(waiting.changed).map(([id, values]) => [of(id), values]));
        if (waiting.removed) waiting.removed = waiting.removed.map(of);
      }
      this.selected = new Set([...this.selected].map(of));
    }

    changedByOthers(state) {
      this.take(state.tables, true);
      this.draw(true);
    }

    async reload(show, said) {
      const response = await fetch(this.queue.url);
      if (!response.ok) return;
      const state = await response.json();
      if (!this.isShown) return;
      this.queue.version = state.version;
      this.take(state.tables, true);
      if (show) this.active = this.tablesById.get(show) || this.active;
      this.draw(true);
      this.say(said || "", "is-hint");
    }

    /* ---- edits ---- */

    request(request) {
      if (!this.canEdit() && request.action === "change") {
        this.say(this.refused || "Another program wrote this table, so it is only shown.", "is-error");
        return;
      }
      if (request.action === "change") {
        Object.assign(request, { key: this.active.key, moments: this.active.moments });
        if (request.added) request.temporary = request.added.map(() => (lastNew -= 1));
      }
      if (!this.queue.push(request)) return;
      if (request.action === "change") this.foresee(request);
      this.draw();
    }

    /* Do to the tables what the server will do. */
    foresee(request) {
      const table = this.tablesById.get(`${request.moments ? "moments" : "periods"}:${request.key}`);
      if (!table) return;
      const removed = new Set(request.removed || []);
      const changed = request.changed || {};
      table.rows = table.rows.filter((row) => !removed.has(row.id)).map((row) => (changed[row.id] ? { ...row, ...changed[row.id] } : row));
      (request.added || []).forEach((values, position) => {
        if (!table.rows.some((row) => row.id === request.temporary[position])) table.rows.push({ ...values, id: request.temporary[position] });
      });
      const [first] = table.moments ? ["time_s"] : ["start_s"];
      table.rows.sort((a, b) => a[first] - b[first]);
      table.rows.forEach((row, position) => (row.row = position + 1));
    }

    change(changed) {
      this.request({ action: "change", changed });
    }

    /* What was typed into a cell of the table. */
    edited(row, field, text) {
      let value = text;
      // The delete key empties the cell that has the focus, and takes out the selected rows.
      if (!this.active.rows.some((one) => one.id === row.id)) return undefined;
      if ((text === null || text === "") && [...OWN, "name", "colour"].includes(field)) return undefined;
      if (OWN.includes(field)) {
        value = Number(String(text).replace(",", "."));
        if (!Number.isFinite(value)) return this.say("A time is a number.", "is-error");
        if (this.unit === "frames") value /= this.rate;
        if (field === "start_s" && value > row.stop_s) return this.say("It would start after it stops.", "is-error");
        if (field === "stop_s" && value < row.start_s) return this.say("It would stop before it starts.", "is-error");
      } else if (value === null) value = "";
      if (field === "name") value = String(value).trim();
      const values = { [field]: value };
      if (field === "name") values.colour = this.colourFor(value, row);
      this.change({ [row.id]: values });
      return undefined;
    }

    preview(row, times) {
      this.shown.forEach((field, position) => (row[field] = times[position]));
      const api = grid();
      const node = api && api.getRowNode(String(row.id));
      if (node) node.setData({ ...row });
    }

    commit(row, times) {
      const values = {};
      this.shown.forEach((field, position) => (values[field] = times[position]));
      this.change({ [row.id]: values });
    }

    create(times) {
      const name = this.nextName();
      const row = { name, colour: this.nextColour() };
      this.shown.forEach((field, position) => (row[field] = times[position]));
      this.request({ action: "change", added: [row] });
      if (lastNew < 0) this.select([lastNew]);
    }

    addRow() {
      const end = Math.max(0, ...this.active.rows.map((row) => fluorite.stimulusTimes(row, this.active)[1]));
      const room = this.duration ? Math.max(this.duration - 1, 0) : end;
      const start = Math.min(end, room);
      this.create(this.active.moments ? [start] : [start, this.duration ? Math.min(start + 1, this.duration) : start + 1]);
    }

    remove() {
      if (!this.selected.size) return this.say("Select rows first.", "is-hint");
      const removed = [...this.selected];
      this.selected.clear();
      this.request({ action: "change", removed });
      return undefined;
    }

    /* Move the selected rows by a number of frames. */
    nudge(frames) {
      const by = frames / (this.rate || 10);
      const changed = {};
      for (const row of this.active.rows) {
        if (this.selected.has(row.id)) changed[row.id] = Object.fromEntries(this.shown.map((field) => [field, row[field] + by]));
      }
      if (Object.keys(changed).length) this.change(changed);
    }

    recolour(name, colour) {
      this.change(Object.fromEntries(this.active.rows.filter((row) => row.name === name).map((row) => [row.id, { colour }])));
    }

    /* ---- names ---- */

    names() {
      let found = new Map(this.active.vocabulary.map((name) => [name, { name, colour: null, count: 0 }]));
      for (const row of this.active.rows) {
        const entry = found.get(row.name) || { name: row.name, colour: null, count: 0 };
        entry.colour = entry.colour || row.colour;
        entry.count += 1;
        found.set(row.name, entry);
      }
      if (!this.active.vocabulary.length) found = new Map([...found].sort(([a], [b]) => String(a).localeCompare(String(b), undefined, { numeric: true })));
      [...found.values()].forEach((entry, position) => (entry.colour = entry.colour || this.palette[position % this.palette.length]));
      return [...found.values()];
    }

    nextName() {
      const names = this.names();
      if (names.some((entry) => entry.name === this.name)) return this.name;
      return names.length ? names[0].name : this.active.name;
    }

    nextColour() {
      const entry = this.names().find(({ name }) => name === this.nextName());
      return entry ? entry.colour : this.palette[0];
    }

    /* The colour of a name that a row gets: that of others of the name, its own when its old name is gone, or a new one. */
    colourFor(name, row) {
      const others = this.active.rows.filter((other) => other.id !== row.id);
      const known = others.find((other) => other.name === name);
      if (known) return known.colour;
      if (!others.some((other) => other.name === row.name)) return row.colour;
      const used = new Set(this.names().map((entry) => hex(entry.colour)));
      return this.palette.find((colour) => !used.has(colour)) || this.palette[used.size % this.palette.length];
    }

    /* A name was clicked: the selected rows get it, or else the next one to be made. */
    useName(name, colour) {
      this.name = name;
      if (this.selected.size) this.change(Object.fromEntries([...this.selected].map((id) => [id, { name, colour }])));
      else this.drawNames();
    }

    /* ---- selection ---- */

    select(ids) {
      this.selected = new Set(ids);
      setProps("stimulus-grid", { selectedRows: { ids: ids.map(String) } });
      const api = grid();
      const node = api && ids.length && api.getRowNode(String(ids[ids.length - 1]));
      if (node) api.ensureNodeVisible(node);
      this.drawNames();
      if (this.timeline) this.timeline.draw();
    }

    toggle(id) {
      const ids = new Set(this.selected);
      if (!ids.delete(id)) ids.add(id);
      this.select([...ids]);
    }

    /* The rows that are selected in the table, by a person or by `select`. */
    selectedInGrid() {
      const api = grid();
      if (!api) return;
      const ids = api.getSelectedNodes().map((node) => node.data.id);
      if (ids.length === this.selected.size && ids.every((id) => this.selected.has(id))) return;
      this.selected = new Set(ids);
      const row = ids.length === 1 && this.active.rows.find((one) => one.id === ids[0]);
      if (row) this.timeline.reveal(row);
      this.timeline.draw();
      this.drawNames();
    }

    activate(id) {
      this.active = this.tablesById.get(id) || this.active;
      this.select([]);
      this.name = null;
      this.draw(true);
    }

    setUnit(unit) {
      if (unit === "frames" && !this.rate) return this.say("This sample does not say its imaging rate.", "is-error");
      this.unit = lastUnit = unit;
      this.draw(true);
      return undefined;
    }

    /* A time as it is shown: seconds, or frames. */
    shownTime(seconds) {
      if (seconds === null || seconds === undefined) return null;
      return this.unit === "frames" ? Number((seconds * this.rate).toFixed(3)) : Number(seconds.toFixed(5));
    }

    describe(row, table) {
      const times = [...new Set(fluorite.stimulusTimes(row, table))].map((time) => this.shownTime(time));
      return `${row.name}: ${times.join(" to ")} ${this.unit === "frames" ? "(frames)" : "s"}`;
    }

    /* ---- drawing ---- */

    draw(columnsToo = false) {
      const { active } = this;
      if (this.timeline && !this.timeline.root.isConnected) return;
      if (this.timeline) this.timeline.measure();
      setProps("stimulus-grid", {
        rowData: active.rows.map((row) => ({ ...row })),
        ...(columnsToo || this.drawnColumns !== columnsOf(this) ? { columnDefs: columnDefs(this) } : {}),
      });
      this.drawnColumns = columnsOf(this);
      this.drawBars();
      this.drawNames();
      if (this.timeline) this.timeline.draw();
      this.progress();
    }

    drawBars() {
      const { active } = this;
      const types = [...new Map(this.tables().map((table) => [table.key, table])).values()];
      element("stimulus-types").replaceChildren(
        ...types.map((table) =>
          fluorite.element(
            "button",
            { type: "button", class: "segment", "aria-pressed": String(table.key === active.key), onclick: () => this.activateType(table.key) },
            table.name
          )
        )
      );
      for (const button of document.querySelectorAll("[data-stimulus=kind]")) {
        button.setAttribute("aria-pressed", String((button.dataset.value === "moments") === active.moments));
        button.disabled = !this.tablesById.has(`${button.dataset.value}:${active.key}`);
      }
      for (const button of document.querySelectorAll("[data-stimulus=unit]")) button.setAttribute("aria-pressed", String(button.dataset.value === this.unit));
      for (const action of ["add", "remove"]) document.querySelector(`[data-stimulus=${action}]`).disabled = !this.canEdit();
      element("stimulus-import-open").disabled = !this.canEdit();
      element("stimulus-copy-open").disabled = !active.editable || !active.rows.length;
      element("stimulus-title").textContent = active.name || "No stimulus types yet";
      element("stimulus-count").textContent = active.name ? fluorite.plural(active.rows.length, active.moments ? "moment" : "period") : "Add one: + New type";
      element("stimulus-problems").replaceChildren(...active.problems.map((text) => fluorite.element("li", {}, text)));
      const hint = active.moments ? "Double-click in the lane to add a moment; drag to move it." : "Drag in the lane to make a period; drag it or its edges to change it. On frames; with Alt anywhere.";
      element("stimulus-hint").textContent = this.canEdit() ? hint : "";
    }

    activateType(key) {
      const both = ["periods", "moments"].map((kind) => this.tablesById.get(`${kind}:${key}`)).filter(Boolean);
      this.activate((both.find((table) => table.rows.length) || both[0]).id);
    }

    drawNames() {
      const chosen = this.nextName();
      element("stimulus-names").replaceChildren(
        ...this.names().map(({ name, colour, count }) => {
          const picker = fluorite.element("input", {
            type: "color",
            value: hex(colour),
            title: `Colour of all ${name}`,
            "aria-label": `Colour of ${name}`,
            disabled: !this.canEdit(),
            onchange: (event) => this.recolour(name, event.target.value),
          });
          const label = fluorite.element(
            "button",
            { type: "button", "aria-pressed": String(name === chosen), title: "Name of the selected rows, or of the next one", onclick: () => this.useName(name, hex(colour)) },
            [String(name), fluorite.element("span", { class: "muted" }, ` ${count}`)]
          );
          return fluorite.element("span", { class: "stimulus-name" }, [picker, label]);
        })
      );
    }

    progress() {
      const root = element("stimulus-timeline");
      if (!root) return;
      root.dataset.unsaved = this.queue ? this.queue.unsaved : 0;
      root.dataset.active = this.active.id;
      this.status.refresh();
    }

    say(text, kind) {
      this.status.say(text, kind);
    }
  }

  const NOTHING = { id: "", key: "", name: "", moments: false, editable: false, vocabulary: [], extras: [], rows: [], problems: [] };

  function grid() {
    const api = window.dash_ag_grid && element("stimulus-grid") ? window.dash_ag_grid.getApi("stimulus-grid") : null;
    return api && !(api.isDestroyed && api.isDestroyed()) ? api : null;
  }

  /* A CSS colour as the colour field wants it. */
  function hex(colour) {
    const context = document.createElement("canvas").getContext("2d");
    context.fillStyle = colour;
    return context.fillStyle;
  }

  /* ---- columns of the grid, in the terms of Dash AG Grid ---- */

  const columnsOf = (page) => JSON.stringify([page.active.id, page.active.extras, page.unit, page.canEdit()]);

  function columnDefs(page) {
    const { active } = page;
    const editable = page.canEdit();
    const unit = page.unit === "frames" ? "frame" : "s";
    const setter = { valueSetter: { function: "stimulusSet(params)" }, editable };
    const heads = { start_s: `Start (${unit})`, stop_s: `Stop (${unit})`, time_s: `Time (${unit})` };
    const names = active.vocabulary.length ? { cellEditor: "agSelectCellEditor", cellEditorParams: { values: active.vocabulary } } : {};
    return [
      { field: "row", headerName: "", maxWidth: 64, minWidth: 56, cellClass: "muted" },
      ...page.shown.map((field) => ({
        field,
        headerName: heads[field],
        type: "rightAligned",
        valueGetter: { function: "stimulusTime(params)" },
        ...setter,
      })),
      { field: "name", headerName: "Name", ...names, ...setter },
      { field: "colour", headerName: "Colour", cellRenderer: "StimulusColour", ...setter },
      ...active.extras.map(({ name, kind }) => ({
        field: name,
        headerName: name,
        ...(kind === "number" ? { type: "rightAligned", cellEditor: "agNumberCellEditor" } : {}),
        ...(kind === "yes/no" ? { cellEditor: "agCheckboxCellEditor", cellRenderer: "agCheckboxCellRenderer" } : {}),
        ...setter,
      })),
    ];
  }

  const functions = (window.dashAgGridFunctions = window.dashAgGridFunctions || {});
  functions.stimulusTime = (params) => (fluorite.stimuli && params.data ? fluorite.stimuli.shownTime(params.data[params.colDef.field]) : null);
  functions.stimulusSet = (params) => {
    const value = params.newValue;
    // After the grid has closed its editor: what is put into it while it is open is lost.
    setTimeout(() => fluorite.stimuli && fluorite.stimuli.edited(params.data, params.colDef.field, value));
    return false;
  };

  /* ---- the page ---- */

  fluorite.stimuli = null;
  fluorite.mountStimuli = function (state) {
    if (fluorite.stimuli) fluorite.stimuli.destroy();
    fluorite.stimuli = null;
    if (state) fluorite.whenReady(() => grid() && element("stimulus-timeline"), () => (fluorite.stimuli = new Stimuli(state)));
  };

  const present = () => (fluorite.stimuli && fluorite.stimuli.timeline.root.isConnected ? fluorite.stimuli : null);

  /* What a dialogue is about: the table that is shown. */
  fluorite.stimulusTarget = function () {
    const page = present();
    return page && { identifier: page.identifier, key: page.active.key, moments: page.active.moments };
  };

  const ACTIONS = {
    undo: (page) => page.request({ action: "undo" }),
    redo: (page) => page.request({ action: "redo" }),
    add: (page) => page.canEdit() && page.addRow(),
    remove: (page) => page.remove(),
    kind: (page, button) => page.activate(`${button.dataset.value}:${page.active.key}`),
    unit: (page, button) => page.setUnit(button.dataset.value),
    "zoom-in": (page) => page.timeline.zoom(1.6),
    "zoom-out": (page) => page.timeline.zoom(1 / 1.6),
    "zoom-fit": (page) => page.timeline.fit(),
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest && event.target.closest("[data-stimulus]");
    if (button && present()) ACTIONS[button.dataset.stimulus](present(), button);
  });

  const busy = (target) => target.closest && target.closest("input:not([type=checkbox]), textarea, select, [role=dialog], .ag-popup, .ag-cell-edit-wrapper");

  document.addEventListener("keydown", (event) => {
    const page = present();
    if (!page || event.altKey || busy(event.target)) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const control = event.ctrlKey || event.metaKey;
    const onLine = event.target === page.timeline.canvas;
    const step = event.shiftKey ? 10 : 1;
    const keys = {
      z: () => ACTIONS[event.shiftKey ? "redo" : "undo"](page),
      ...(control
        ? {}
        : {
            n: () => ACTIONS.add(page),
            Delete: () => page.remove(),
            Escape: () => (page.timeline.drag ? page.timeline.cancel() : page.select([])),
            "+": () => page.timeline.zoom(1.6),
            "=": () => page.timeline.zoom(1.6),
            "-": () => page.timeline.zoom(1 / 1.6),
            0: () => page.timeline.fit(),
            ...(onLine ? { ArrowLeft: () => page.nudge(-step), ArrowRight: () => page.nudge(step) } : {}),
          }),
    };
    if (!keys[key]) return;
    event.preventDefault();
    keys[key]();
  });

  document.addEventListener("paste", (event) => {
    const page = present();
    if (!page || busy(event.target) || !page.canEdit()) return;
    const text = event.clipboardData.getData("text/plain");
    if (text.trim()) setProps("stimulus-pasted", { data: { text, serial: (lastNew -= 1) } });
  });
})();
