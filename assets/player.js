/* The movie player of a sample: one canvas that shows frames or projections, with the cells drawn over them.
 *
 * The player belongs to the browser: frames come by address and are drawn here, and Dash only learns which cells are
 * selected. It tells the rest of the page where it is with the event "fluorite:frame" on the window. */
(function () {
  "use strict";
  const fluorite = (window.fluorite = window.fluorite || {});
  const OUTLINE_AFTER_MS = 60;
  const MOST_REDRAWN = 24; // cells, one by one: more take longer than all at once
  const FORESEEN_AFTER_MS = 100;
  const PREFETCH = 4;
  const DISPLAY_HZ = 60;
  const LARGEST_HEIGHT = 0.66; // of the window: the controls and the traces stay in view
  const LEAST_HEIGHT = 300; // CSS pixels
  const CONTROLS_HEIGHT = 64; // of the buttons that play it, which stay in view on a small screen
  const MOST_ZOOM = 40;
  const SETTLED_MS = 120; // after the last move of a level, the pictures are asked for anew

  class Player {
    constructor(root, config) {
      this.root = root;
      this.config = config;
      this.asked = new URL(window.location.href).searchParams; // before the address follows what is shown
      this.frame = Math.min(Math.max(config.frame || 0, 0), Math.max(config.n_frames - 1, 0));
      this.plane = config.plane ?? null; // of a volume; null: all planes, seen from above
      this.follow = this.asked.get("follow") !== "no"; // whether choosing a cell goes to its plane
      this.outlined = new Map(); // outlines by their address: each plane's are asked for once
      this.shown = null;
      this.playing = false;
      this.speed = 1;
      this.background = config.backgrounds[0];
      this.painter = new fluorite.Painter(config.colour_maps);
      this.mean = 1; // frames in the running mean
      this.percentiles = "auto";
      this.chosenLevels = new Map();
      this.contrasts = new Map();
      this.known = new Set(config.backgrounds.map((background) => background.name));
      for (const background of config.backgrounds) {
        this.contrasts.set(`${background.name}  1`, background.contrast);
        if (background.planes) this.contrasts.set(`${background.name} plane 1`, background.planes);
      }
      this.views = new Map(config.views.map((view) => [view.name, view]));
      this.viewName = "movie"; // which of the movies is shown where a movie is shown
      this.version = null; // of the sample, once it was edited here
      this.scaleBar = true;
      // Whoever asked for less motion presses Play.
      this.startsItself = config.play && !window.matchMedia("(prefers-reduced-motion: reduce)").matches;
      this.overlay = new fluorite.RoiOverlay(config.colours);
      this.zoom = 1;
      this.corner = { x: 0, y: 0 }; // the image point at the top left of the canvas
      this.overlayLayer = document.createElement("canvas");
      this.overlayStale = true;
      this.source = new fluorite.FrameSource(
        this.urlOf(),
        (n) => this._arrived(n),
        (n, error) => this.failed(error),
        this.tagOf()
      );
      this._build();
      this.select(config.selected || []);
      if (this.background) {
        this.controls.updateLevels();
        this.controls.update();
      }
      this.request();
      this._loadContours();
      this._recall();
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
      this.measure = new fluorite.Measure(this);
      this.curtain = new fluorite.Curtain(this);
      this.resizer = new ResizeObserver(() => this._fit());
      this.resizer.observe(this.stage);
      this._fit();
    }

    /* The canvas keeps the image's shape, and has the screen's own pixels. */
    _fit() {
      const { width, height } = this.config;
      const above = this.stage.getBoundingClientRect().top + window.scrollY;
      const left = Math.max(LEAST_HEIGHT, window.innerHeight - above - CONTROLS_HEIGHT);
      const room = { width: this.stage.clientWidth, height: Math.min(window.innerHeight * LARGEST_HEIGHT, left) };
      if (!room.width) return;
      const scale = Math.min(room.width / width, room.height / height);
      const ratio = window.devicePixelRatio || 1;
      this.canvas.style.width = `${width * scale}px`;
      this.canvas.style.height = `${height * scale}px`;
      this.canvas.width = Math.round(width * scale * ratio);
      this.canvas.height = Math.round(height * scale * ratio);
      this.overlayStale = true;
      if (this.curtain) this.curtain.place();
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

    /* Bring a cell into view: the plane of its centre in a volume, and its place when the view is zoomed. */
    reveal(id) {
      const roi = this.overlay.byId.get(id);
      if (roi && roi.planes && this.config.depth && this.follow) this.setPlane(roi.planes[1]);
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
      if (bitmap) this.drawPicture(context, this.paintedBy(this.painter, bitmap, this.background));
      if (this.curtain) this.curtain.draw(context);
      if (this.overlayStale) this._drawOverlay();
      context.drawImage(this.overlayLayer, 0, 0);
      this._scaleToImage(context);
      this.overlay.drawSelected(context, this._outlineScale());
      context.setTransform(1, 0, 0, 1, 0, 0);
      if (this.measure) this.measure.draw(context);
      if (this.pointer) this.pointer.draw(context);
      if (fluorite.drawing && fluorite.drawing.player === this) fluorite.drawing.draw(context);
    }

    /* A picture of the whole field, at its place under the present zoom. */
    drawPicture(context, picture) {
      const { view, corner } = this;
      const { width, height } = this.config;
      context.imageSmoothingEnabled = view.x < 3; // from three screen pixels on, a pixel is seen as what it is
      context.drawImage(picture, -corner.x * view.x, -corner.y * view.y, width * view.x, height * view.y);
    }

    paintedBy(painter, bitmap, background) {
      const { key, levels } = bitmap.tag;
      // What is still of another image has other values: it stays as it came.
      return painter.paint(bitmap, levels, key === this._keyOf(background) ? this.levels(background) : levels);
    }

    _drawOverlay() {
      // Outlines change rarely and frames all the time: they are drawn once and laid over every frame.
      this.overlayLayer.width = this.canvas.width;
      this.overlayLayer.height = this.canvas.height;
      const context = this.overlayLayer.getContext("2d");
      this._scaleToImage(context);
      this.overlay.draw(context, this._outlineScale());
      context.setTransform(1, 0, 0, 1, 0, 0);
      if (this.scaleBar) fluorite.drawScaleBar(context, this);
      this.overlayStale = false;
    }

    /* One unit is a pixel of the image from here on. */
    _scaleToImage(context) {
      context.scale(this.view.x, this.view.y);
      context.translate(-this.corner.x, -this.corner.y);
    }

    _outlineScale() {
      return this.view.x / (window.devicePixelRatio || 1);
    }

    /* ---- what is shown ---- */

    get isMovie() {
      return Boolean(this.background && this.background.moving);
    }

    /* What there is to know of the values that are shown: a plane is darker than all planes seen from above, and a mean over
     * frames has less noise than a frame. Until that is known, it is what is known of the same image. */
    get contrast() {
      return this.contrastOf(this.background);
    }

    contrastOf(background) {
      const key = this._keyOf(background);
      const first = [...this.contrasts.keys()].find((known) => known.startsWith(`${background.scale || background.name} `));
      return this.contrasts.get(this._contrastKeyOf(background)) || this.contrasts.get(`${key} 1`) || this.contrasts.get(first);
    }

    /* Images with one key have the same levels. */
    _keyOf(background) {
      return `${background.scale || background.name} ${this.plane === null ? "" : "plane"}`;
    }

    _contrastKeyOf(background) {
      return `${this._keyOf(background)} ${background.moving ? this.mean : 1}`;
    }

    /* Levels set by hand, if they were. */
    get chosen() {
      return this.chosenLevels.get(this._keyOf(this.background));
    }

    levels(background = this.background) {
      const [low, high] = this.chosenLevels.get(this._keyOf(background)) || this.contrastOf(background).choices[this.percentiles];
      return { low, high };
    }

    setLevel(which, value) {
      const { range } = this.contrast;
      const levels = this.levels();
      const least = (range[1] - range[0]) / 250;
      if (which === "low") levels.low = Math.min(value, levels.high - least);
      else levels.high = Math.max(value, levels.low + least);
      this.chosenLevels.set(this._keyOf(this.background), [levels.low, levels.high]);
      this._repaint();
    }

    /* Levels at these percentiles, by the name of the choice. */
    autoLevels(percentiles) {
      this.percentiles = percentiles;
      this.chosenLevels.delete(this._keyOf(this.background));
      this._repaint();
    }

    setGamma(gamma) {
      this.painter.gamma = gamma;
      this.controls.updateLevels();
      this.draw();
    }

    setColourMap(name) {
      this.painter.map = name;
      this.controls.updateLevels();
      this.draw();
      this._remember();
    }

    setMean(count) {
      this.mean = count;
      this._refresh();
      this._remember();
    }

    setScaleBar(shown) {
      this.scaleBar = shown;
      this.root.dataset.scale = "";
      this.overlayStale = true;
      this.draw();
    }

    /* Other levels: what is there is shown between them at once, and asked for anew when the hand rests. */
    _repaint() {
      this.controls.updateLevels();
      this.draw();
      clearTimeout(this.settling);
      this.settling = setTimeout(() => this._refresh(), SETTLED_MS);
    }

    /* Learn the values of an image that are not known yet; levels that were not set by hand follow them. Whether the server
     * can show it at all, it says here, too. */
    async learn(background) {
      const key = this._contrastKeyOf(background);
      const { levels_url: url } = background;
      if (!url || (this.contrasts.has(key) && this.known.has(background.name))) return true;
      const slow = setTimeout(() => this.say(`${background.label}: being read\u2026`), 400);
      try {
        const answer = await fetch(`${url}${this._meanOf(background)}${this._zOf()}`);
        if (!answer.ok) throw new Error((await answer.text()).trim());
        const contrast = await answer.json();
        if (contrast.problem) {
          this.say(`${background.label}: ${contrast.problem}`);
          return false;
        }
        this.known.add(background.name);
        background.note = contrast.note;
        if (!this.contrasts.has(key)) this.contrasts.set(key, contrast);
        this.say("");
        return true;
      } catch (error) {
        this.failed(error);
        return false;
      } finally {
        clearTimeout(slow);
      }
    }

    setBackground(name) {
      const found = this.config.backgrounds.find((background) => background.name === name);
      this.background = name === "movie" ? this.views.get(this.viewName) : found;
      if (!this.isMovie) this.pause();
      this._refresh();
    }

    get viewLabel() {
      return this.views.get(this.viewName).label;
    }

    /* Show another one of the movies: the raw one, or one that is computed. Where it is not to be had, the page says why and
     * goes on showing what it showed. */
    async setView(name) {
      if (!(await this._canShow(this.views.get(name)))) return this.controls.updateViews();
      this.viewName = name;
      document.getElementById("player-background-movie").checked = true;
      this.setBackground("movie");
      this._remember();
      return this.controls.updateViews();
    }

    /* Show another image beside the present one, right of a line; an empty name shows none. */
    async setBeside(name) {
      const background = this.views.get(name) || this.config.backgrounds.find((one) => one.name === name) || null;
      if (background && !(await this._canShow(background))) return this.controls.updateViews();
      this.curtain.choose(background);
      this._remember();
      return this.controls.updateViews();
    }

    /* Whether the plane that is shown has no such image: some were kept of all planes from above only. */
    _isMissing(background) {
      return this.plane !== null && !background.planes;
    }

    async _canShow(background) {
      if (this._isMissing(background)) {
        this.say(`${background.label}: kept of all planes, seen from above, only.`);
        return false;
      }
      if (background.problem) {
        this.say(`${background.label}: ${background.problem}.`);
        return false;
      }
      return this.learn(background);
    }

    /* Show one plane of a volume, or with null all of them, seen from above. */
    setPlane(plane) {
      if (plane === this.plane) return;
      this.plane = plane;
      if (plane !== null && !this.background.planes) {
        this.background = this.config.backgrounds.find((background) => background.planes);
        this.viewName = "movie";
      }
      const { background: beside } = this.curtain;
      if (beside && this._isMissing(beside)) {
        this.curtain.choose(null);
        this.controls.updateViews();
      }
      this._refresh();
      this._loadContours();
      this._remember();
    }

    /* Go one plane deeper, or `by` -1 back; before the first plane are all, from above. */
    stepPlane(by) {
      const place = (this.plane === null ? 0 : this.plane + 1) + by;
      if (place >= 0 && place <= this.config.depth) this.setPlane(place ? place - 1 : null);
    }

    setFollow(follow) {
      this.follow = follow;
      const chosen = this.overlay.selected;
      if (follow && chosen.length) this.reveal(chosen[chosen.length - 1]);
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
      this.controls.updateCounts();
      // After the frame that shows the next cell: hundreds of outlines take longer than a key may.
      this.outlining = this.outlining || setTimeout(() => this._outline(), OUTLINE_AFTER_MS);
    }

    /* Where few cells look otherwise, they alone are drawn anew: all of them take a tenth of a second. */
    _outline() {
      this.outlining = null;
      if (!this.overlayStale) {
        const outdated = this.overlay.outdated();
        if (!outdated.length) return;
        if (outdated.length > MOST_REDRAWN) this.overlayStale = true;
        else outdated.forEach((roi) => this._redrawOutline(roi));
      }
      this.draw();
    }

    _redrawOutline(roi) {
      const context = this.overlayLayer.getContext("2d");
      const { view, corner } = this;
      context.save();
      this.overlay.redraw(context, this._outlineScale(), roi, (box) => {
        // Whole pixels: at a border between two, what is next to it would show through.
        const [left, top] = [Math.floor((box.left - corner.x) * view.x), Math.floor((box.top - corner.y) * view.y)];
        const [right, bottom] = [Math.ceil((box.right - corner.x) * view.x), Math.ceil((box.bottom - corner.y) * view.y)];
        context.beginPath();
        context.rect(left, top, right - left, bottom - top);
        context.clip();
        context.clearRect(left, top, right - left, bottom - top);
        this._scaleToImage(context);
      });
      context.setTransform(1, 0, 0, 1, 0, 0);
      if (this.scaleBar) fluorite.drawScaleBar(context, this);
      context.restore();
    }

    /* Cells came or went: `url` is where the outlines are now, `count` how many there are. */
    reloadRois(url, count) {
      const { config } = this;
      config.contours_url = url;
      this.outlined.clear();
      config.n_rois = count;
      const note = document.getElementById("player-no-cells");
      if (note) note.hidden = count > 0;
      this.controls.showRoiControls();
      return this._loadContours();
    }

    /* The sample has another version now: what is computed of its cells may look otherwise. */
    edited(version) {
      if (version === this.version) return;
      this.version = version;
      if ([this.background, this.curtain.background].some((one) => one && one.computed)) this._refresh();
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

    /* `seen`: they were pointed at in the image, so it stays where it is. */
    select(ids, seen = false) {
      const added = ids.filter((id) => !this.overlay.selected.includes(id));
      this.overlay.selected = ids;
      if (added.length === 1 && !seen) this.reveal(added[0]);
      if (this.controls) this.controls.updatePlanes();
      if (this.config.depth) this._foresee();
      this.root.dataset.selected = ids.join(" ");
      this.draw();
      this._remember();
    }

    say(text) {
      this.message.textContent = text;
      this.message.classList.toggle("is-shown", Boolean(text));
    }

    _refresh() {
      clearTimeout(this.settling);
      this.source.reset(this.urlOf(), this.shown, this.tagOf());
      this.controls.updateLevels();
      this.controls.update();
      this.curtain.refresh();
      this.request();
      for (const background of [this.background, this.curtain.background]) if (background) this._follow(background);
    }

    /* Of a mean over other frames, or of planes, the values may not be known yet. */
    async _follow(background) {
      const key = this._contrastKeyOf(background);
      if (this.contrasts.has(key)) return;
      const learnt = (await this.learn(background)) && this.contrasts.has(key);
      if (learnt && key === this._contrastKeyOf(background)) this._refresh();
    }

    tagOf(background = this.background) {
      return background ? { key: this._keyOf(background), levels: this.levels(background) } : null;
    }

    urlOf(background = this.background) {
      if (!background) return () => "";
      const { url } = background;
      const { low, high } = this.levels(background);
      const levels = `&lo=${Number(low.toPrecision(8))}&hi=${Number(high.toPrecision(8))}`;
      // Addresses may be kept for ever, and what is computed changes with each edit.
      const edit = background.computed && this.version ? `&edit=${encodeURIComponent(this.version)}` : "";
      const rest = `${levels}${this._meanOf(background)}${this._zOf()}${edit}`;
      return (n) => `${url.replace("{n}", n)}${rest}`;
    }

    _meanOf(background) {
      return background.moving && this.mean > 1 ? `&mean=${this.mean}` : "";
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
      this.request();
      this._remember();
    }

    seek(frame) {
      if (!this.config.has_movie) return;
      this.startsItself = false;
      this.frame = Math.min(Math.max(frame, 0), this.config.n_frames - 1);
      this.due = performance.now();
      this.request();
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
      if (now >= this.due && this.source.get(next) && this.curtain.ready(next)) {
        this.frame = next;
        this.due = Math.max(this.due + (1000 * stride) / frameHz, now - 1000 / DISPLAY_HZ);
        this._show(next);
        this._moved();
      }
      this.request(stride);
      requestAnimationFrame((time) => this._tick(time));
    }

    request(stride = 1) {
      if (!this.background) return;
      if (!this.isMovie) {
        this.source.want([0]);
        this.curtain.want([this.frame]);
        this.curtain.show(this.frame);
        if (this.source.get(0)) this._show(0);
        return;
      }
      const count = this.config.n_frames;
      const numbers = new Set();
      for (let ahead = 0; ahead <= PREFETCH; ahead += 1) numbers.add((this.frame + ahead * stride) % count);
      this.source.want([...numbers]);
      this.curtain.want([...numbers]);
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
      this.curtain.show(this.isMovie ? n : this.frame);
      if (before && before !== this.shown && !this.source.keeps(before)) before.close();
      this.say("");
      this.draw();
      this.root.dataset.frame = this.isMovie ? n : "";
      this.root.dataset.background = this.background.name;
      this.root.dataset.plane = this.plane === null ? "" : this.plane;
    }

    failed(error) {
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
      set("follow", this.follow ? "" : "no");
      set("view", this.viewName === "movie" ? "" : this.viewName);
      set("beside", this.curtain.background ? this.curtain.background.name : "");
      set("mean", this.mean === 1 ? "" : String(this.mean));
      set("colours", this.painter.map === this.painter.maps[0].name ? "" : this.painter.map);
      window.history.replaceState(window.history.state, "", url);
    }

    /* Show what the address says of how the movie is shown. */
    async _recall() {
      if (!this.background || !window.location.pathname.startsWith("/sample/")) return;
      const [mean, colours, view, beside] = ["mean", "colours", "view", "beside"].map((name) => this.asked.get(name));
      if (fluorite.MEANS.includes(Number(mean))) this.mean = Number(mean);
      if (this.painter.maps.some(({ name }) => name === colours)) this.painter.map = colours;
      if (this.mean > 1 || colours) this._refresh();
      this._remember();
      if (this.views.has(view)) await this.setView(view);
      if (beside) await this.setBeside(beside);
    }

    /* ---- cells ---- */

    async _loadContours() {
      if (!this.config.n_rois) return;
      const { plane } = this;
      const url = this.config.contours_url + this._zOf();
      try {
        const rois = await this._outlinesAt(url);
        // Another plane was chosen meanwhile, or cells were added.
        if (url !== this.config.contours_url + this._zOf()) return;
        this.overlay.setRois(rois, plane);
        this.overlay.update(fluorite.roiRows());
      } catch (error) {
        this.failed(error);
        return;
      }
      this.overlayStale = true;
      if (this.controls) {
        this.controls.updateCounts();
        this.controls.updatePlanes();
      }
      this.draw();
      this.root.dataset.contours = "ready";
      this.root.dataset.contoursPlane = plane === null ? "" : plane;
    }

    /* Outlines by their address; each is asked for once. */
    _outlinesAt(url) {
      if (!this.outlined.has(url)) {
        const asked = fetch(url).then(async (answer) => {
          if (!answer.ok) throw new Error((await answer.text()).trim());
          return (await answer.json()).rois;
        });
        asked.catch(() => this.outlined.delete(url));
        this.outlined.set(url, asked);
      }
      return this.outlined.get(url);
    }

    /* Whoever goes down the list finds the outlines of the next cell's plane there. */
    _foresee() {
      clearTimeout(this.foreseeing);
      this.foreseeing = setTimeout(() => {
        const { selected, byId } = this.overlay;
        const listed = fluorite.curation && this.follow ? fluorite.curation.listed() : [];
        const next = selected.length && byId.get(listed[listed.indexOf(selected[selected.length - 1]) + 1]);
        if (next && next.planes) this._outlinesAt(`${this.config.contours_url}&z=${next.planes[1]}`).catch(() => {});
      }, FORESEEN_AFTER_MS);
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
      fluorite.selectCells(ids, true);
    }

    _hovered(event) {
      if (this.pointer.busy || this.measure.on) return;
      const [roi] = this.overlay.at(...this.imagePoint(event));
      this.canvas.style.cursor = roi ? "pointer" : "default";
      this.canvas.title = roi ? `Cell ${roi.label} (${roi.accepted ? "accepted" : "rejected"})` : "";
      if (!roi && this.zoom > 1) this.canvas.style.cursor = "grab";
    }

    destroy() {
      this.playing = false;
      this.resizer.disconnect();
      this.measure.destroy();
      this.curtain.destroy();
      clearTimeout(this.settling);
      clearTimeout(this.foreseeing);
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
