/* The time line of a sample's stimuli: one lane a table, periods drawn, dragged, resized and made with the pointer.
 *
 * It draws what `model` holds and tells it what a person does: model.tables(), .active, .selected, .canEdit(),
 * .select(ids), .activate(id), .preview(row, times), .commit(row, times), .create(times), .nextColour(). Times are
 * seconds; what the pointer makes lies on frames, unless Alt is held. */
(function () {
  "use strict";
  const fluorite = (window.fluorite = window.fluorite || {});
  const LANE = 34;
  const AXIS = 22;
  const LABELS = 120;
  const EDGE = 6; // pixels from an edge in which it is taken
  const LEAST = 4; // pixels that the pointer moves before it drags
  const MOST_ZOOM = 4000;

  fluorite.StimulusTimeline = class {
    constructor(root, model) {
      this.model = model;
      this.canvas = fluorite.element("canvas", {
        tabindex: 0,
        role: "img",
        "aria-label": "Time line of the stimuli. The same rows are in the table below.",
      });
      root.replaceChildren(this.canvas);
      this.root = root;
      this.end = 0;
      this.view = [0, 0];
      this.measure();
      this.drag = null;
      const on = (name, action) => this.canvas.addEventListener(name, (event) => action.call(this, event));
      on("pointerdown", this.pressed);
      on("pointermove", this.moved);
      on("pointerup", this.released);
      on("pointercancel", this.cancel);
      on("dblclick", this.doubleClicked);
      this.canvas.addEventListener("wheel", (event) => this.wheeled(event), { passive: false });
      this.resizer = new ResizeObserver(() => requestAnimationFrame(() => this.draw())); // drawing may change its height
      this.resizer.observe(root);
      // A canvas keeps the colours that it was drawn with.
      this.recolourer = new MutationObserver(() => this.draw());
      this.recolourer.observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
    }

    destroy() {
      this.resizer.disconnect();
      this.recolourer.disconnect();
    }

    /* How long all of it is: the recording, and what lies beyond. Whoever sees all of it goes on to do so. */
    measure() {
      const { model } = this;
      const whole = this.view[0] === 0 && this.view[1] === this.end;
      this.end = Math.max(model.duration || 0, ...model.tables().flatMap((table) => table.rows.map((row) => last(row, table))), 1);
      this.view = whole ? [0, this.end] : [Math.min(this.view[0], this.end), Math.min(this.view[1], this.end)];
      if (this.view[0] >= this.view[1]) this.view = [0, this.end];
    }

    get lanes() {
      return this.model.tables().filter((table) => table.rows.length || table.id === this.model.active.id);
    }

    x(time) {
      const [from, to] = this.view;
      return LABELS + ((time - from) / (to - from)) * (this.width - LABELS);
    }

    time(x) {
      const [from, to] = this.view;
      return from + ((x - LABELS) / (this.width - LABELS)) * (to - from);
    }

    get width() {
      return this.canvas.clientWidth;
    }

    /* ---- drawing ---- */

    draw() {
      const { canvas } = this;
      const { lanes } = this;
      const height = lanes.length * LANE + AXIS;
      canvas.style.height = `${height}px`;
      const ratio = window.devicePixelRatio || 1;
      canvas.width = Math.round(canvas.clientWidth * ratio);
      canvas.height = Math.round(height * ratio);
      const context = canvas.getContext("2d");
      const style = getComputedStyle(document.documentElement);
      this.colours = Object.fromEntries(
        ["ink", "ink-soft", "ink-faint", "line", "surface", "surface-soft", "accent"].map((name) => [name, style.getPropertyValue(`--${name}`).trim()])
      );
      context.scale(ratio, ratio);
      context.font = "12px system-ui, sans-serif";
      context.textBaseline = "middle";
      lanes.forEach((table, number) => this._lane(context, table, number * LANE));
      this._axis(context, lanes.length * LANE);
      if (this.drag && this.drag.kind === "create" && this.drag.times) this._period(context, this.drag.times, this.model.nextColour(), "", this.laneOf(this.model.active) * LANE, true);
    }

    _lane(context, table, top) {
      const { colours } = this;
      const active = table.id === this.model.active.id;
      context.fillStyle = active ? colours.surface : colours["surface-soft"];
      context.fillRect(LABELS, top, this.width - LABELS, LANE - 2);
      const { duration } = this.model;
      if (duration && duration < this.view[1]) {
        context.fillStyle = colours.line; // after the end of the recording
        context.fillRect(this.x(duration), top, this.width, LANE - 2);
      }
      context.fillStyle = active ? colours.accent : colours["ink-soft"];
      context.font = `${active ? 650 : 500} 12px system-ui, sans-serif`;
      context.textAlign = "left";
      context.fillText(shortened(context, `${table.name}${table.moments ? " \u2022" : ""}`, LABELS - 12), 2, top + LANE / 2);
      context.save();
      context.beginPath();
      context.rect(LABELS, top, this.width - LABELS, LANE);
      context.clip();
      for (const row of table.rows) {
        const times = timesOf(row, table);
        if (times[1] >= this.view[0] && times[0] <= this.view[1]) {
          this._period(context, times, row.colour, row.name, top, active && this.model.selected.has(row.id));
        }
      }
      context.restore();
      if (active) {
        context.strokeStyle = colours.accent;
        context.strokeRect(LABELS + 0.5, top + 0.5, this.width - LABELS - 1, LANE - 3);
      }
    }

    _period(context, [start, stop], colour, name, top, chosen) {
      const from = this.x(start);
      const width = Math.max(this.x(stop) - from, 1.5);
      context.globalAlpha = 0.45;
      context.fillStyle = colour;
      context.fillRect(from, top + 4, width, LANE - 10);
      context.globalAlpha = 1;
      context.fillRect(from, top + 4, 1.5, LANE - 10);
      if (chosen) {
        context.strokeStyle = this.colours.ink;
        context.lineWidth = 2;
        context.strokeRect(from, top + 4, width, LANE - 10);
        context.lineWidth = 1;
      }
      if (name && width > 28) {
        context.font = "11px system-ui, sans-serif";
        context.fillStyle = this.colours.ink;
        context.fillText(shortened(context, String(name), width - 8), from + 5, top + LANE / 2 - 1);
      }
    }

    _axis(context, top) {
      const [from, to] = this.view;
      const scale = this.model.unit === "frames" ? this.model.rate : 1;
      const step = niceStep(((to - from) * scale) / Math.max((this.width - LABELS) / 90, 1));
      context.fillStyle = this.colours["ink-faint"];
      context.strokeStyle = this.colours.line;
      context.font = "11px system-ui, sans-serif";
      context.textAlign = "center";
      for (let value = Math.ceil((from * scale) / step) * step; value <= to * scale; value += step) {
        const x = Math.round(this.x(value / scale)) + 0.5;
        context.beginPath();
        context.moveTo(x, 0);
        context.lineTo(x, top + 4);
        context.globalAlpha = 0.5;
        context.stroke();
        context.globalAlpha = 1;
        if (x < this.width - 16) context.fillText(String(Number(value.toFixed(6))), x, top + 13);
      }
      context.textAlign = "left";
      context.fillText(this.model.unit === "frames" ? "Time (frames)" : "Time (s)", 2, top + 13);
    }

    /* ---- where something is ---- */

    laneOf(table) {
      return this.lanes.findIndex((lane) => lane.id === table.id);
    }

    /* What is under a point: lane, row, and which part of it. */
    at(x, y) {
      const table = this.lanes[Math.floor(y / LANE)] || null;
      if (!table || x < LABELS) return { table, row: null, part: null };
      let found = null;
      for (const row of table.rows) {
        const [start, stop] = timesOf(row, table).map((time) => this.x(time));
        const slack = stop - start < 6 ? 4 : 2;
        if (x < start - slack || x > Math.max(stop, start + 1.5) + slack) continue;
        // The last one drawn lies on top, but a selected one is what is meant.
        if (!found || !this.model.selected.has(found.row.id)) found = { table, row, part: partOf(x, start, stop, table) };
      }
      return found || { table, row: null, part: null };
    }

    frame(time, free) {
      const { rate } = this.model;
      return free || !rate ? time : Math.round(time * rate) / rate;
    }

    /* ---- pointer ---- */

    _point(event) {
      const box = this.canvas.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    }

    pressed(event) {
      if (event.button) return;
      const [x, y] = this._point(event);
      const hit = this.at(x, y);
      this.canvas.setPointerCapture(event.pointerId);
      this.drag = { kind: "pan", x, view: [...this.view] };
      if (!hit.table) return;
      if (hit.table.id !== this.model.active.id) this.model.activate(hit.table.id);
      const editable = this.model.canEdit();
      if (hit.row) {
        const adding = event.ctrlKey || event.metaKey || event.shiftKey;
        if (adding) this.model.toggle(hit.row.id);
        else if (!this.model.selected.has(hit.row.id)) this.model.select([hit.row.id]);
        if (editable && !adding) this.drag = { kind: hit.part, x, row: hit.row, before: timesOf(hit.row, hit.table) };
      } else if (x >= LABELS) {
        this.model.select([]);
        if (editable && !hit.table.moments) this.drag = { kind: "create", x };
      }
      this.draw();
    }

    moved(event) {
      const [x, y] = this._point(event);
      const { drag } = this;
      if (!drag) {
        const hit = this.at(x, y);
        const cursors = { start: "ew-resize", stop: "ew-resize", body: "grab" };
        const own = hit.table && hit.table.id === this.model.active.id && this.model.canEdit();
        this.canvas.style.cursor = hit.row ? (own ? cursors[hit.part] : "pointer") : own && x > LABELS ? "crosshair" : "default";
        this.canvas.title = hit.row ? this.model.describe(hit.row, hit.table) : "";
        return;
      }
      if (!drag.moving && Math.abs(x - drag.x) < LEAST) return;
      drag.moving = true;
      const by = this.time(x) - this.time(drag.x);
      const free = event.altKey;
      if (drag.kind === "pan") {
        const span = drag.view[1] - drag.view[0];
        this.show(drag.view[0] - ((x - drag.x) / (this.width - LABELS)) * span, span);
      } else if (drag.kind === "create") {
        drag.times = [this.time(drag.x), this.time(x)].sort((a, b) => a - b).map((time) => this.frame(Math.max(time, 0), free));
      } else {
        drag.times = this._dragged(drag, by, free);
        this.model.preview(drag.row, drag.times);
      }
      this.draw();
    }

    _dragged({ kind, before: [start, stop] }, by, free) {
      const least = this.model.rate ? 1 / this.model.rate : 0;
      if (kind === "start") return [Math.min(this.frame(start + by, free), stop - least), stop];
      if (kind === "stop") return [start, Math.max(this.frame(stop + by, free), start + least)];
      const moved = this.frame(start + by, free);
      return [moved, moved + (stop - start)];
    }

    released() {
      const { drag } = this;
      this.drag = null;
      if (drag && drag.moving && drag.times) {
        if (drag.kind !== "create") this.model.commit(drag.row, drag.times);
        else if (drag.times[1] > drag.times[0]) this.model.create(drag.times);
      }
      this.draw();
    }

    /* Put what is being dragged back. */
    cancel() {
      const { drag } = this;
      this.drag = null;
      if (drag && drag.row) this.model.preview(drag.row, drag.before);
      this.draw();
    }

    doubleClicked(event) {
      const [x, y] = this._point(event);
      const hit = this.at(x, y);
      if (x < LABELS || !hit.table || hit.row || !hit.table.moments || !this.model.canEdit()) return;
      const time = this.frame(Math.max(this.time(x), 0), event.altKey);
      this.model.create([time, time]);
    }

    /* ---- view ---- */

    wheeled(event) {
      const [from, to] = this.view;
      const span = to - from;
      if (event.ctrlKey || event.metaKey) this.zoom(Math.exp(-event.deltaY / 300), this.time(this._point(event)[0]));
      else if (event.deltaX || event.shiftKey) this.show(from + ((event.deltaX || event.deltaY) / this.width) * span, span);
      else return;
      event.preventDefault();
    }

    zoom(by, around = (this.view[0] + this.view[1]) / 2) {
      const [from, to] = this.view;
      const span = Math.min(Math.max((to - from) / by, this.end / MOST_ZOOM), this.end);
      this.show(around - ((around - from) / (to - from)) * span, span);
    }

    /* The recording; once more, also what lies beyond it. */
    fit() {
      const recording = this.model.duration || this.end;
      const there = this.view[0] === 0 && this.view[1] === recording;
      this.show(0, there ? this.end : recording);
    }

    show(from, span) {
      const start = Math.min(Math.max(from, 0), this.end - span);
      this.view = [start, start + span];
      this.draw();
    }

    /* Bring a row into view. */
    reveal(row) {
      const [start, stop] = timesOf(row, this.model.active);
      const [from, to] = this.view;
      if (stop < from || start > to) this.show((start + stop - (to - from)) / 2, to - from);
    }
  };

  function timesOf(row, table) {
    return table.moments ? [row.time_s, row.time_s] : [row.start_s, row.stop_s];
  }
  fluorite.stimulusTimes = timesOf;

  function last(row, table) {
    return timesOf(row, table)[1] || 0;
  }

  function partOf(x, start, stop, table) {
    if (table.moments || stop - start < 3 * EDGE) return "body";
    if (x - start < EDGE) return "start";
    return stop - x < EDGE ? "stop" : "body";
  }

  function niceStep(least) {
    const power = 10 ** Math.floor(Math.log10(least));
    return power * [1, 2, 5, 10].find((factor) => factor * power >= least);
  }

  function shortened(context, text, width) {
    if (context.measureText(text).width <= width) return text;
    let kept = text;
    while (kept.length > 1 && context.measureText(`${kept}\u2026`).width > width) kept = kept.slice(0, -1);
    return `${kept}\u2026`;
  }
})();
