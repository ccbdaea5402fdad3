/* Drawing cells on the image: polygons, ellipses and free-hand outlines for new cells, lines that cut one in two.
 *
 * A shape is drawn, then its corners can be dragged, and only then it is saved. Its points are in image coordinates, so that
 * zooming leaves it where it is. Listeners are on the canvas' parent and catch events on their way down: while something
 * is drawn, selecting cells and moving the image do not see them. What is being saved stays visible, dashed, until the
 * server has made the cell of it. */
(function () {
  "use strict";
  const fluorite = (window.fluorite = window.fluorite || {});
  const HANDLE_PX = 9; // on the screen: what a hand can hit
  const CLOSE_PX = 10;
  const SIMPLIFIED_PX = 0.4; // of the image: what a free-hand outline may lose in corners
  const HELP = {
    polygon: "Click the corners; double-click or Enter closes it, Esc starts anew.",
    ellipse: "Drag from one corner of its frame to the other.",
    freehand: "Drag around the cell.",
    line: "Click across the selected cell; double-click or Enter ends the line.",
  };

  const far = ([x, y], [u, v]) => Math.hypot(x - u, y - v);

  /* Douglas and Peucker: the fewest corners that stay within `tolerance` of the drawn line. */
  function simplified(points, tolerance) {
    if (points.length < 3) return points;
    const [a, b] = [points[0], points[points.length - 1]];
    const length = far(a, b);
    let [worst, at] = [0, 0];
    for (let i = 1; i < points.length - 1; i += 1) {
      const [x, y] = points[i];
      const off = length ? Math.abs((b[0] - a[0]) * (a[1] - y) - (a[0] - x) * (b[1] - a[1])) / length : far(points[i], a);
      if (off > worst) [worst, at] = [off, i];
    }
    if (worst <= tolerance) return [a, b];
    return [...simplified(points.slice(0, at + 1), tolerance).slice(0, -1), ...simplified(points.slice(at), tolerance)];
  }

  const midpoint = ([x, y], [u, v]) => [(x + u) / 2, (y + v) / 2];

  fluorite.Drawing = class {
    constructor(player, curation) {
      this.player = player;
      this.curation = curation;
      this.tool = null;
      this.points = []; // corners; of an ellipse two opposite ones of its frame
      this.finished = false;
      this.saving = new Map(); // shapes by the id of the request that makes cells of them
      this.held = null; // what the pointer drags
      this.showOptions();
      this.listeners = ["pointerdown", "pointermove", "pointerup", "pointercancel", "click", "dblclick"].map((type) => {
        const listener = (event) => event.target === player.canvas && this[type](event);
        player.stage.addEventListener(type, listener, true);
        return [type, listener];
      });
      this.show();
    }

    destroy() {
      for (const [type, listener] of this.listeners) this.player.stage.removeEventListener(type, listener, true);
    }

    /* ---- tools ---- */

    choose(tool) {
      this.tool = this.tool === tool ? null : tool;
      this.clear();
    }

    clear() {
      this.points = [];
      this.finished = false;
      this.held = null;
      this.hover = null;
      this.show();
    }

    get kind() {
      return this.tool === "freehand" ? "polygon" : this.tool;
    }

    /* As the server takes it. */
    get shape() {
      const points = this.points.map(([x, y]) => [Number(x.toFixed(3)), Number(y.toFixed(3))]);
      if (this.kind !== "ellipse") return { [this.kind]: points };
      const [[x, y], [u, v]] = points;
      return { ellipse: [Math.min(x, u), Math.min(y, v), Math.abs(u - x), Math.abs(v - y)] };
    }

    finish() {
      const least = { polygon: 3, line: 2, ellipse: 2 }[this.kind];
      if (this.points.length < least) return;
      this.finished = true;
      this.hover = null;
      this.show();
    }

    save() {
      if (!this.finished) return this.finish();
      if (this.tool === "line") return this.split();
      const id = this.curation.makeRois({ action: "draw", shape: this.shape, ...this.options() });
      if (id) this.keep(id);
      return undefined;
    }

    /* Cut the selected cell: by a line, or into what is inside and outside a shape. */
    split() {
      const rois = this.curation.selected();
      if (rois.length !== 1) return this.curation.say("Select the one cell that is to be split.", "is-hint");
      const id = this.curation.makeRois({ action: "split", rois, shape: this.shape });
      if (id) this.keep(id);
      return undefined;
    }

    keep(id) {
      this.saving.set(id, { kind: this.kind, points: this.points });
      this.clear();
    }

    saved(id) {
      this.saving.delete(id);
      this.player.draw();
    }

    /* ---- what new cells get ---- */

    options() {
      const neuropil = document.getElementById("roi-neuropil");
      const tags = {};
      for (const field of document.querySelectorAll("#roi-options [data-tag]")) {
        if (field.value.trim()) tags[field.dataset.tag] = field.value.trim();
      }
      return { neuropil: Boolean(neuropil && neuropil.checked), tags };
    }

    showOptions() {
      const place = document.getElementById("roi-options");
      if (!place) return;
      const { element } = fluorite;
      const tags = this.curation.config.columns.map((column, position) => {
        const data = { "data-tag": column.key };
        const none = element("option", { value: "" }, "\u2013");
        const values = column.values.map((value) => element("option", { value }, value));
        const list = `roi-tag-values-${position}`;
        const field = column.closed
          ? [element("select", { class: "player-speed", ...data }, [none, ...values])]
          : [
              element("input", { type: "text", class: "roi-tag", maxlength: 200, autocomplete: "off", list, ...data }),
              element("datalist", { id: list }),
            ];
        // What cells have already is offered; looked up when it is needed, because it changes.
        if (!column.closed) {
          field[0].addEventListener("focus", () => {
            const present = new Set(fluorite.roiRows().map((row) => row[column.field]));
            present.delete(column.replacement);
            field[1].replaceChildren(...[...present].sort().map((value) => element("option", { value })));
          });
        }
        return element("label", { class: "roi-option" }, [element("span", {}, column.name), ...field]);
      });
      place.replaceChildren(
        element("label", { class: "roi-option", title: "Less 0.7 times what a ring 2 to 7 pixels around the cell does" }, [
          element("input", { type: "checkbox", id: "roi-neuropil" }),
          "Take the surrounding neuropil off the traces of new cells",
        ]),
        ...tags
      );
    }

    /* ---- pointer ---- */

    screen([x, y]) {
      const { view, corner } = this.player;
      const ratio = window.devicePixelRatio || 1;
      return [((x - corner.x) * view.x) / ratio, ((y - corner.y) * view.y) / ratio];
    }

    near(event, point, px) {
      const box = this.player.canvas.getBoundingClientRect();
      return far(this.screen(point), [event.clientX - box.left, event.clientY - box.top]) <= px;
    }

    inImage(event) {
      const [x, y] = this.player.imagePoint(event);
      const { width, height } = this.player.config;
      return [Math.min(Math.max(x, 0), width), Math.min(Math.max(y, 0), height)];
    }

    stop(event) {
      event.stopPropagation();
      event.preventDefault();
    }

    /* Corners, and between two of them where a new one can be pulled out. */
    handles() {
      if (this.kind === "ellipse") {
        const [[x, y], [u, v]] = this.points;
        return [[x, y], [u, y], [u, v], [x, v]].map((point, corner) => ({ point, corner }));
      }
      const { points } = this;
      const closed = this.kind === "polygon";
      const edges = points.slice(0, closed ? undefined : -1).map((point, at) => ({
        point: midpoint(point, points[(at + 1) % points.length]),
        insert: at + 1,
      }));
      return [...points.map((point, index) => ({ point, index })), ...edges];
    }

    pointerdown(event) {
      this.justHeld = false;
      if (!this.tool || event.button !== 0) return;
      if (this.finished) {
        const handle = this.handles().find(({ point }) => this.near(event, point, HANDLE_PX));
        if (!handle) return; // the image may be moved, and a cell to be split be selected
        if (handle.insert !== undefined) {
          this.points.splice(handle.insert, 0, handle.point);
          handle.index = handle.insert;
        }
        if (handle.index !== undefined && event.altKey && this.points.length > (this.kind === "line" ? 2 : 3)) {
          this.points.splice(handle.index, 1);
          this.held = { kind: "nothing" };
        } else this.held = { kind: "handle", ...handle };
      } else if (this.tool === "ellipse" || this.tool === "freehand") {
        this.points = [this.inImage(event)];
        this.held = { kind: "shape" };
      } else return; // corners are set by clicks, so that a drag can move a zoomed image
      this.player.canvas.setPointerCapture(event.pointerId);
      this.stop(event);
      this.player.draw();
    }

    pointermove(event) {
      if (!this.tool) return;
      const point = this.inImage(event);
      if (this.held) {
        this.stop(event);
        if (this.held.kind === "shape") this.points = this.tool === "ellipse" ? [this.points[0], point] : [...this.points, point];
        else if (this.held.kind === "handle") this.pull(point);
      } else if (!this.finished) {
        this.hover = point;
        if (!this.player.pointer.start) {
          this.stop(event);
          this.player.canvas.style.cursor = "crosshair";
          this.player.canvas.title = "";
        }
      } else if (this.handles().some((handle) => this.near(event, handle.point, HANDLE_PX))) {
        this.stop(event);
        this.player.canvas.style.cursor = "move";
      }
      this.player.draw();
    }

    pull(point) {
      const { index, corner } = this.held;
      if (index !== undefined) this.points[index] = point;
      else {
        const [[x, y], [u, v]] = this.points;
        const [p, q] = point;
        this.points = [
          [corner === 0 || corner === 3 ? p : x, corner < 2 ? q : y],
          [corner === 1 || corner === 2 ? p : u, corner > 1 ? q : v],
        ];
      }
    }

    pointerup(event) {
      if (!this.held) return;
      const { kind } = this.held;
      this.held = null;
      this.justHeld = true; // the click that follows is no click
      this.stop(event);
      if (kind !== "shape") return this.player.draw();
      if (this.tool === "freehand") {
        // As a ring it would have one point at both ends: its halves are made simpler one by one.
        const half = Math.ceil(this.points.length / 2);
        this.points = [
          ...simplified(this.points.slice(0, half), SIMPLIFIED_PX),
          ...simplified(this.points.slice(half), SIMPLIFIED_PX),
        ];
      }
      const [[x, y], [u, v]] = [this.points[0], this.points[1] || this.points[0]];
      const drawn = this.tool === "ellipse" ? Math.abs(u - x) >= 1 && Math.abs(v - y) >= 1 : this.points.length > 2;
      if (drawn) this.finish();
      else this.clear();
      return undefined;
    }

    pointercancel() {
      this.held = null;
    }

    click(event) {
      if (!this.tool) return;
      if (this.justHeld) {
        this.justHeld = false;
        return void this.stop(event);
      }
      if (this.finished) return; // selects a cell
      this.stop(event);
      if (this.player.pointer.dragged || this.tool === "ellipse" || this.tool === "freehand") return;
      if (this.tool === "polygon" && this.points.length > 2 && this.near(event, this.points[0], CLOSE_PX)) return void this.finish();
      const last = this.points[this.points.length - 1];
      // The second click of a double click is at the first one's place.
      if (!last || !this.near(event, last, 3)) this.points.push(this.inImage(event));
      this.show();
    }

    dblclick(event) {
      if (!this.tool) return;
      this.stop(event);
      if (!this.finished) this.finish();
    }

    /* Whether the key was meant for what is drawn. */
    key(event) {
      if (!this.tool) return false;
      if (event.key === "Enter" && this.points.length) this.save();
      else if (event.key === "Escape" && this.points.length) this.clear();
      else if (event.key === "Escape") this.choose(this.tool);
      else if (event.key === "Backspace" && this.points.length && !this.finished) {
        this.points.pop();
        this.show();
      } else return false;
      return true;
    }

    /* ---- what is shown ---- */

    show() {
      for (const button of document.querySelectorAll("[data-roi-tool]")) {
        button.setAttribute("aria-pressed", String(button.dataset.roiTool === this.tool));
      }
      this.player.canvas.style.cursor = this.tool ? "crosshair" : "default";
      this.player.root.dataset.drawing = this.tool ? (this.finished ? "finished" : this.tool) : "";
      const place = document.getElementById("roi-shape");
      if (place) place.replaceChildren(...this.actions());
      this.player.draw();
    }

    actions() {
      const help = (text) => fluorite.element("span", { class: "muted" }, text);
      if (!this.tool) return [help("Draw new cells, or select cells in order to merge or split them.")];
      if (!this.finished) return [help(HELP[this.tool])];
      const button = (label, key, onclick, kind = "") =>
        fluorite.element("button", { type: "button", class: `curation-button ${kind}`, onclick }, [
          label,
          ...(key ? [fluorite.element("kbd", { "aria-hidden": "true" }, key)] : []),
        ]);
      return [
        ...(this.tool === "line"
          ? [button("Cut the selected cell", "Enter", () => this.save(), "is-main")]
          : [button("Save", "Enter", () => this.save(), "is-main"), button("Split by it", "", () => this.split())]),
        button("Discard", "Esc", () => this.clear()),
        help("Drag its handles."),
      ];
    }

    trace(context, { kind, points }, closed) {
      const { view, corner } = this.player;
      const at = ([x, y]) => [(x - corner.x) * view.x, (y - corner.y) * view.y];
      context.beginPath();
      if (kind === "ellipse" && points.length === 2) {
        const [[x, y], [u, v]] = points.map(at);
        context.ellipse((x + u) / 2, (y + v) / 2, Math.abs(u - x) / 2, Math.abs(v - y) / 2, 0, 0, 2 * Math.PI);
        return;
      }
      for (const point of points) context.lineTo(...at(point));
      if (closed && kind !== "line") context.closePath();
    }

    draw(context) {
      const ratio = window.devicePixelRatio || 1;
      context.save();
      const stroke = (width, style, dash) => {
        context.setLineDash(dash.map((length) => length * ratio));
        context.lineWidth = width * ratio;
        context.strokeStyle = style;
        context.stroke();
      };
      for (const shape of this.saving.values()) {
        this.trace(context, shape, true);
        stroke(3, "rgba(0, 0, 0, 0.6)", []);
        stroke(1.6, "#F0E442", [5, 5]);
      }
      if (this.points.length) {
        const rubber = this.hover && !this.finished && this.kind !== "ellipse" && !this.held;
        this.trace(context, { kind: this.kind, points: rubber ? [...this.points, this.hover] : this.points }, this.finished);
        if (this.finished && this.kind !== "line") {
          context.fillStyle = "rgba(240, 228, 66, 0.18)";
          context.fill();
        }
        stroke(3.4, "rgba(0, 0, 0, 0.7)", []);
        stroke(1.8, "#F0E442", []);
        const { view, corner } = this.player;
        const handles = this.finished ? this.handles() : this.tool === "freehand" ? [] : this.points.map((point) => ({ point }));
        for (const { point, insert } of handles) {
          const size = (insert === undefined ? 4 : 2.5) * ratio;
          context.setLineDash([]);
          context.beginPath();
          context.rect((point[0] - corner.x) * view.x - size, (point[1] - corner.y) * view.y - size, 2 * size, 2 * size);
          context.fillStyle = insert === undefined ? "#fff" : "#F0E442";
          context.fill();
          stroke(1, "#000", []);
        }
      }
      context.restore();
    }
  };

  fluorite.drawing = null;

  document.addEventListener("click", (event) => {
    const button = event.target.closest && event.target.closest("[data-roi-tool]");
    if (button && fluorite.drawing) fluorite.drawing.choose(button.dataset.roiTool);
  });

  /* A file that somebody chose; its content is a data URL. */
  fluorite.importRois = function (content, name) {
    if (!content || !fluorite.curation || !fluorite.drawing) return;
    fluorite.curation.makeRois({ action: "import", name: name || "", content, ...fluorite.drawing.options() });
  };
})();
