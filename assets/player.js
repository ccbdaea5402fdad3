/* The movie player of a sample: one canvas that shows frames or projections, with the cells drawn over them.
 *
 * The player belongs to the browser: frames come by address and are drawn here, and Dash only learns which cells are
 * selected. It tells the rest of the page where it is with the event "fluorite:frame" on the window. */
(function () {
  "use strict";
  const fluorite = (window.fluorite = window.fluorite || {});
  const PREFETCH = 4;
  const DISPLAY_HZ = 60;
  const LARGEST_HEIGHT = 0.66; // of the window: the controls and the traces stay in view
  const MOST_ZOOM = 40;

  class Player {
    constructor(root, config) {
      this.root = root;
      this.config = config;
      this.frame = Math.min(Math.max(config.frame || 0, 0), Math.max(config.n_frames - 1, 0));
      this.plane = config.plane ?? null; // of a volume; null: all planes, seen from above
      this.shown = null;
      this.playing = false;
      this.speed = 1;
      this.background = config.backgrounds[0];
      this.chosenLevels = new Map();
      // Whoever asked for less motion presses Play.
      this.startsItself = config.play && !window.matchMedia("(prefers-reduced-motion: reduce)").matches;
      this.overlay = new fluorite.RoiOverlay(config.colours);
      this.zoom = 1;
      this.corner = { x: 0, y: 0 }; // the image point at the top left of the canvas
      this.overlayLayer = document.createElement("canvas");
      this.overlayStale = true;
      this.source = new fluorite.FrameSource(this._urlOf(), (n) => this._arrived(n), (n, error) => this._failed(error));
      this._build();
      this.select(config.selected || []);
      if (this.background) {
        this.controls.updateLevels();
        this.controls.update();
      }
      this._request();
      this._loadContours();
    }

    _build() {
      const { config } = this;
      this.canvas = fluorite.element("canvas", {
        id: "player-canvas",
        tabindex: 0,
        role: "img",
        "aria-label": config.label,
      });
      this.message = fluorite.element("div", { class: "player-message", role: "status" });
      this.stage = fluorite.element("div", { class: "player-stage" }, [this.canvas, this.message]);
      this.root.replaceChildren(this.stage);
      if (this.background) {
        this.controls = new fluorite.PlayerControls(this);
        this.root.append(this.controls.root);
      }
      this.canvas.addEventListener("click", (event) => this._clicked(event));
      this.canvas.addEventListener("pointermove", (event) => this._hovered(event));
      this.pointer = new fluorite.PlayerPointer(this);
      this.resizer = new ResizeObserver(() => this._fit());
      this.resizer.observe(this.stage);
      this._fit();
    }

    /* The canvas keeps the image's shape, and has the screen's own pixels. */
    _fit() {
      const { width, height } = this.config;
      const room = { width: this.stage.clientWidth, height: window.innerHeight * LARGEST_HEIGHT };
      if (!room.width) return;
      const scale = Math.min(room.width / width, room.height / height);
      const ratio = window.devicePixelRatio || 1;
      this.canvas.style.width = `${width * scale}px`;
      this.canvas.style.height = `${height * scale}px`;
      this.canvas.width = Math.round(width * scale * ratio);
      this.canvas.height = Math.round(height * scale * ratio);
      this.overlayStale = true;
      this.draw();
    }

    /* Canvas pixels per image pixel. */
    get view() {
      return {
        x: (this.canvas.width / this.config.width) * this.zoom,
        y: (this.canvas.height / this.config.height) * this.zoom,
      };
    }

    /* The point of the image under the pointer. */
    imagePoint(event) {
      const box = this.canvas.getBoundingClientRect();
      const { width, height } = this.config;
      return [
        this.corner.x + ((event.clientX - box.left) / box.width) * (width / this.zoom),
        this.corner.y + ((event.clientY - box.top) / box.height) * (height / this.zoom),
      ];
    }

    /* ---- zoom and pan ---- */

    /* Zoom in (`by` > 1) or out around a point of the image, by default the middle of what is seen. */
    zoomBy(by, point) {
      const { width, height } = this.config;
      const [x, y] = point || [this.corner.x + width / this.zoom / 2, this.corner.y + height / this.zoom / 2];
      const zoom = Math.min(Math.max(this.zoom * by, 1), MOST_ZOOM);
      const ratio = this.zoom / zoom;
      this.zoom = zoom;
      this.moveTo(x - (x - this.corner.x) * ratio, y - (y - this.corner.y) * ratio);
    }

    /* Show the image from this point on; the view never leaves the image. */
    moveTo(x, y) {
      const { width, height } = this.config;
      this.corner = {
        x: Math.min(Math.max(x, 0), width - width / this.zoom),
        y: Math.min(Math.max(y, 0), height - height / this.zoom),
      };
      this.root.dataset.zoom = this.zoom.toFixed(2);
      this.overlayStale = true;
      this.draw();
    }

    resetView() {
      this.zoom = 1;
      this.moveTo(0, 0);
    }

    /* Bring a cell into view, when the view is zoomed and the cell is outside it. */
    reveal(id) {
      const roi = this.overlay.byId.get(id);
      if (this.zoom === 1 || !roi) return;
      const { width, height } = this.config;
      const [x, y] = roi.centre;
      const size = { x: width / this.zoom, y: height / this.zoom };
      const inside = (value, from, length) => value > from + 0.05 * length && value < from + 0.95 * length;
      if (inside(x, this.corner.x, size.x) && inside(y, this.corner.y, size.y)) return;
      this.moveTo(x - size.x / 2, y - size.y / 2);
    }

    draw() {
      const context = this.canvas.getContext("2d");
      const bitmap = this.shown;
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.fillStyle = "#0b0d10";
      context.fillRect(0, 0, this.canvas.width, this.canvas.height);
      if (bitmap) {
        const { view, corner } = this;
        context.imageSmoothingEnabled = view.x < 3; // from three screen pixels on, a pixel is seen as what it is
        const { width, height } = this.config;
        context.drawImage(bitmap, -corner.x * view.x, -corner.y * view.y, width * view.x, height * view.y);
      }
      if (this.overlayStale) this._drawOverlay();
      context.drawImage(this.overlayLayer, 0, 0);
      if (this.pointer) this.pointer.draw(context);
    }

    _drawOverlay() {
      // Outlines change rarely and frames all the time: they are drawn once and laid over every frame.
      this.overlayLayer.width = this.canvas.width;
      this.overlayLayer.height = this.canvas.height;
      const context = this.overlayLayer.getContext("2d");
      context.scale(this.view.x, this.view.y);
      context.translate(-this.corner.x, -this.corner.y);
      this.overlay.draw(context, this.view.x / (window.devicePixelRatio || 1));
      this.overlayStale = false;
    }

    /* ---- what is shown ---- */

    get isMovie() {
      return this.background && this.background.name === "movie";
    }

    /* The span and the automatic levels of what is shown: a plane is darker than all planes seen from above. */
    get contrast() {
      return this.plane === null ? this.background : this.background.planes || this.background;
    }

    get _levelsKey() {
      return `${this.background.name} ${this.plane === null ? "" : "plane"}`;
    }

    levels() {
      const [low, high] = this.chosenLevels.get(this._levelsKey) || this.contrast.auto;
      return { low, high };
    }

    setLevel(which, share) {
      const { span } = this.contrast;
      const levels = this.levels();
      const value = span[0] + share * (span[1] - span[0]);
      const least = (span[1] - span[0]) / 250;
      if (which === "low") levels.low = Math.min(value, levels.high - least);
      else levels.high = Math.max(value, levels.low + least);
      this.chosenLevels.set(this._levelsKey, [levels.low, levels.high]);
      this._refresh();
    }

    autoLevels() {
      this.chosenLevels.delete(this._levelsKey);
      this._refresh();
    }

    setBackground(name) {
      this.background = this.config.backgrounds.find((background) => background.name === name);
      if (!this.isMovie) this.pause();
      this._refresh();
    }

    /* Show one plane of a volume, or with null all of them, seen from above. */
    setPlane(plane) {
      if (plane === this.plane) return;
      this.plane = plane;
      if (plane !== null && !this.background.planes) {
        this.background = this.config.backgrounds.find((background) => background.planes);
      }
      this._refresh();
      this._loadContours();
      this._remember();
    }

    showRois(kind, shown) {
      this.overlay.show[kind] = shown;
      this.overlayStale = true;
      this.draw();
    }

    /* Cells whose rows of the table changed. */
    updateRois(rows) {
      this.overlay.update(rows);
      this.overlayStale = true;
      this.controls.updateCounts();
      this.draw();
    }

    showDeleted(shown) {
      this.showRois("deleted", shown);
    }

    colourBy(name) {
      this.overlay.colourBy(name);
      this.overlayStale = true;
      this.controls.showColours();
      this.draw();
    }

    select(ids) {
      const added = ids.filter((id) => !this.overlay.selected.includes(id));
      this.overlay.selected = ids;
      if (added.length === 1) this.reveal(added[0]);
      this.overlayStale = true;
      this.root.dataset.selected = ids.join(" ");
      this.draw();
      this._remember();
    }

    say(text) {
      this.message.textContent = text;
      this.message.classList.toggle("is-shown", Boolean(text));
    }

    _refresh() {
      this.source.reset(this._urlOf(), this.shown);
      this.controls.updateLevels();
      this.controls.update();
      this._request();
    }

    _urlOf() {
      if (!this.background) return () => "";
      const { url } = this.background;
      const { low, high } = this.levels();
      const rest = `&lo=${Number(low.toPrecision(8))}&hi=${Number(high.toPrecision(8))}${this._zOf()}`;
      return (n) => `${url.replace("{n}", n)}${rest}`;
    }

    _zOf() {
      return this.plane === null ? "" : `&z=${this.plane}`;
    }

    /* ---- time ---- */

    toggle() {
      this.startsItself = false;
      if (this.playing) this.pause();
      else this.play();
    }

    play() {
      if (!this.config.has_movie || this.config.n_frames < 2) return;
      if (!this.isMovie) {
        document.getElementById("player-background-movie").checked = true;
        this.setBackground("movie");
      }
      this.playing = true;
      this.due = performance.now();
      this.controls.update();
      requestAnimationFrame((now) => this._tick(now));
    }

    pause() {
      this.startsItself = false;
      if (!this.playing) return;
      this.playing = false;
      this.controls.update();
      this._request();
      this._remember();
    }

    seek(frame) {
      if (!this.config.has_movie) return;
      this.startsItself = false;
      this.frame = Math.min(Math.max(frame, 0), this.config.n_frames - 1);
      this.due = performance.now();
      this._request();
      this._moved();
      this._remember();
    }

    step(by) {
      this.pause();
      this.seek(this.frame + by);
    }

    /* One turn of the screen while playing: the next frame is shown when it is due and has arrived. A slow server makes
     * the movie slower; it never skips frames to catch up. */
    _tick(now) {
      if (!this.playing || !this.root.isConnected) return;
      const frameHz = this.config.rate_hz * this.speed;
      const stride = Math.max(1, Math.round(frameHz / DISPLAY_HZ));
      const next = (this.frame + stride) % this.config.n_frames;
      if (now >= this.due && this.source.get(next)) {
        this.frame = next;
        this.due = Math.max(this.due + (1000 * stride) / frameHz, now - 1000 / DISPLAY_HZ);
        this._show(next);
        this._moved();
      }
      this._request(stride);
      requestAnimationFrame((time) => this._tick(time));
    }

    _request(stride = 1) {
      if (!this.background) return;
      if (!this.isMovie) {
        this.source.want([0]);
        if (this.source.get(0)) this._show(0);
        return;
      }
      const count = this.config.n_frames;
      const numbers = new Set();
      for (let ahead = 0; ahead <= PREFETCH; ahead += 1) numbers.add((this.frame + ahead * stride) % count);
      this.source.want([...numbers]);
      if (!this.playing && this.source.get(this.frame)) this._show(this.frame);
    }

    _arrived(n) {
      if (this.isMovie ? n === this.frame : n === 0) this._show(n);
      const ready = (ahead) => this.source.get((this.frame + ahead) % this.config.n_frames);
      if (this.startsItself && [0, 1, 2].every(ready)) {
        this.startsItself = false;
        this.play();
      }
    }

    _show(n) {
      const before = this.shown;
      this.shown = this.source.get(n);
      if (before && before !== this.shown && !this.source.keeps(before)) before.close();
      this.say("");
      this.draw();
      this.root.dataset.frame = this.isMovie ? n : "";
      this.root.dataset.background = this.background.name;
      this.root.dataset.plane = this.plane === null ? "" : this.plane;
    }

    _failed(error) {
      this.pause();
      this.say(error instanceof TypeError ? "The server does not answer. Is it still running?" : error.message);
    }

    _moved() {
      this.controls.update();
      window.dispatchEvent(new CustomEvent("fluorite:frame", { detail: { frame: this.frame } }));
    }

    /* The address holds what is seen, so that it can be sent or reloaded. */
    _remember() {
      const url = new URL(window.location.href);
      if (!url.pathname.startsWith("/sample/")) return;
      const set = (name, value) => (value ? url.searchParams.set(name, value) : url.searchParams.delete(name));
      // "none" is a choice, too: an address without cells selects some.
      set("roi", this.overlay.selected.join(",") || (this.config.n_rois ? "none" : ""));
      if (!this.playing && !this.startsItself) set("play", "");
      set("frame", this.frame ? String(this.frame) : "");
      set("z", this.plane === null ? "" : String(this.plane));
      window.history.replaceState(window.history.state, "", url);
    }

    /* ---- cells ---- */

    async _loadContours() {
      if (!this.config.n_rois) return;
      const { plane } = this;
      try {
        const answer = await fetch(this.config.contours_url + this._zOf());
        if (!answer.ok) throw new Error((await answer.text()).trim());
        const { rois } = await answer.json();
        if (plane !== this.plane) return; // another plane was chosen meanwhile
        this.overlay.setRois(rois);
        this.overlay.update(fluorite.roiRows());
      } catch (error) {
        this._failed(error);
        return;
      }
      this.overlayStale = true;
      if (this.controls) this.controls.updateCounts();
      this.draw();
      this.root.dataset.contours = "ready";
      this.root.dataset.contoursPlane = plane === null ? "" : plane;
    }

    _clicked(event) {
      if (this.pointer.dragged) return;
      const hits = this.overlay.at(...this.imagePoint(event)).map((roi) => roi.id);
      const present = this.overlay.selected;
      const adding = event.ctrlKey || event.metaKey || event.shiftKey;
      if (!hits.length) return;
      // Clicking again where cells overlap goes on to the next one below.
      const last = hits.indexOf(present[present.length - 1]);
      const id = adding ? hits[0] : hits[(last + 1) % hits.length];
      let ids = [id];
      if (adding) ids = present.includes(id) ? present.filter((other) => other !== id) : [...present, id];
      fluorite.selectCells(ids);
    }

    _hovered(event) {
      if (this.pointer.busy) return;
      const [roi] = this.overlay.at(...this.imagePoint(event));
      this.canvas.style.cursor = roi ? "pointer" : "default";
      this.canvas.title = roi ? `Cell ${roi.label} (${roi.accepted ? "accepted" : "rejected"})` : "";
      if (!roi && this.zoom > 1) this.canvas.style.cursor = "grab";
    }

    destroy() {
      this.playing = false;
      this.resizer.disconnect();
      this.source.reset(() => "");
    }
  }

  fluorite.player = null;
  fluorite.mountPlayer = function (config) {
    const root = document.getElementById("player");
    if (!root || !config) return;
    if (fluorite.player) fluorite.player.destroy();
    fluorite.player = new Player(root, config);
  };
})();
