/* The tuning page: images of a movie as numbers, thresholds that move over them without asking the server, sizes drawn to
 * scale, and the rectangle of the crop. */
(function () {
  "use strict";
  const fluorite = (window.fluorite = window.fluorite || {});
  const MASK = [86, 180, 233];
  const MASK_SHARE = 0.45;
  const SEED = "#e69f00";
  const PATCH = "rgba(255, 255, 255, 0.75)";
  const CROP = "#56b4e9";
  const LEAST_HEIGHT = 320; // CSS pixels
  const BELOW = 44; // what stays free below the image and its thresholds
  const WIDE = 1.6; // an image wider than this has its thresholds below, not beside
  const LEAST_CROP_PX = 8;

  const numbers = (text) => (String(text ?? "").match(/-?\d+(\.\d+)?/g) || []).map(Number);
  const pair = (text, otherwise) => {
    const found = numbers(text);
    return found.length ? [found[0], found.length > 1 ? found[1] : found[0]] : otherwise;
  };

  async function load(url) {
    const answer = await fetch(url);
    if (!answer.ok) throw new Error((await answer.text()).trim());
    return new Float32Array(await answer.arrayBuffer());
  }

  /* The values below which so large a share of an image lies, from a sorted part of it. */
  function levels(values, low, high) {
    const step = Math.max(1, Math.floor(values.length / 20000));
    const some = [];
    for (let i = 0; i < values.length; i += step) if (Number.isFinite(values[i])) some.push(values[i]);
    some.sort((a, b) => a - b);
    const at = (share) => some[Math.min(some.length - 1, Math.floor(share * some.length))] ?? 0;
    const from = at(low);
    return [from, Math.max(at(high), from + 1e-9)];
  }

  /* Where patches begin: squares of 2 * rf + 1 pixels that overlap by stride, the last one at the edge. */
  function patchStarts(length, rf, stride) {
    const size = 2 * rf + 1;
    if (length <= size) return [0];
    const starts = [];
    for (let at = 0; at < length - size; at += Math.max(1, size - 1 - stride)) starts.push(at);
    return [...starts, length - size];
  }

  function paint(canvas, values, width, height, [low, high], tint) {
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext("2d");
    const image = context.createImageData(width, height);
    for (let i = 0; i < width * height; i += 1) {
      const grey = Math.max(0, Math.min(255, (255 * (values[i] - low)) / (high - low))) || 0;
      const share = tint && tint(i) ? MASK_SHARE : 0;
      for (let c = 0; c < 3; c += 1) image.data[4 * i + c] = grey * (1 - share) + MASK[c] * share;
      image.data[4 * i + 3] = 255;
    }
    context.putImageData(image, 0, 0);
  }

  class Tuner {
    constructor(config) {
      this.config = config;
      this.images = {};
      this.seeds = new Float32Array(0);
      this.picture = document.createElement("canvas");
      this.painted = "";
      this.stage = document.getElementById("tune-stage");
      this.place = document.getElementById("tune-view");
      this.place.classList.toggle("is-beside", config.width / config.height < WIDE);
      this.canvas = document.getElementById("tune-canvas");
      this.pointer = null;
      this.dragged = null;
      this.listeners = new AbortController();
      const { signal } = this.listeners;
      const on = (name, work) => this.canvas.addEventListener(name, work, { signal });
      on("pointerdown", (event) => this._down(event));
      on("pointermove", (event) => this._move(event));
      on("pointerup", (event) => this._up(event));
      on("pointerleave", () => this._left());
      this.resizer = new ResizeObserver(() => this.draw());
      this.resizer.observe(this.stage);
      window.addEventListener("resize", () => this.draw(), { signal });
    }

    async load() {
      const { urls, names } = this.config;
      const all = await Promise.all([...names, "seeds"].map((name) => load(urls[name])));
      names.forEach((name, number) => (this.images[name] = all[number]));
      this.seeds = all[names.length];
      const { correlation, pnr, mean } = this.images;
      this.levels = { mean: levels(mean, 0.005, 0.998), correlation: [0, 1], pnr: [0, levels(pnr, 0, 0.999)[1]] };
      if (levels(correlation, 0, 0.999)[1] < 0.5) this.levels.correlation = levels(correlation, 0, 0.999);
    }

    destroy() {
      this.listeners.abort();
      this.resizer.disconnect();
    }

    passes(i) {
      return this.images.correlation[i] >= this.view.minCorr && this.images.pnr[i] >= this.view.minPnr;
    }

    /* border_pix: at each border, so many pixels in which no cell is looked for. */
    inBorder(y, x) {
      const { border } = this.view;
      const { width, height } = this.config;
      return y < border || x < border || y >= height - border || x >= width - border;
    }

    /* Of every peak the first pixel above both thresholds, as the engine does. */
    get kept() {
      const found = [];
      const peaks = new Set();
      for (let n = 0; n < this.seeds.length; n += 3) {
        const [y, x, peak] = this.seeds.subarray(n, n + 3);
        if (peaks.has(peak) || this.inBorder(y, x) || !this.passes(y * this.config.width + x)) continue;
        peaks.add(peak);
        found.push([y, x]);
      }
      return found;
    }

    /* What is chosen on the page; draws it. */
    show(view) {
      this.view = view;
      const { width, height } = this.config;
      const key = JSON.stringify([view.image, view.overlays.includes("mask"), view.minCorr, view.minPnr]);
      if (key !== this.painted) {
        const tint = view.overlays.includes("mask") ? (i) => this.passes(i) : null;
        paint(this.picture, this.images[view.image], width, height, this.levels[view.image], tint);
        this.painted = key;
      }
      this.cells = this.kept;
      let inside = 0;
      for (let i = 0; i < width * height; i += 1) inside += this.passes(i) ? 1 : 0;
      const share = (100 * inside) / (width * height);
      const counted = this.cells.length === 1 ? "1 seed" : `${this.cells.length} seeds`;
      document.getElementById("tune-count").textContent =
        `${counted} and ${share.toFixed(1)} % of the pixels above both thresholds`;
      Object.assign(this.stage.dataset, { seeds: this.cells.length, mask: inside, image: view.image });
      this.draw();
    }

    draw() {
      if (!this.view || !this.canvas.isConnected) return;
      const { width, height } = this.config;
      const room = { width: this.stage.clientWidth, height: this._room() };
      if (!room.width) return;
      const scale = Math.min(room.width / width, room.height / height);
      const ratio = window.devicePixelRatio || 1;
      const size = [Math.round(width * scale * ratio), Math.round(height * scale * ratio)];
      if (this.canvas.width !== size[0] || this.canvas.height !== size[1]) {
        [this.canvas.width, this.canvas.height] = size;
        this.canvas.style.width = `${width * scale}px`;
        this.canvas.style.height = `${height * scale}px`;
      }
      const context = this.canvas.getContext("2d");
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.imageSmoothingEnabled = scale < 2;
      context.drawImage(this.picture, 0, 0, ...size);
      context.setTransform(scale * ratio, 0, 0, scale * ratio, 0, 0);
      this.thin = 1 / scale;
      const { overlays } = this.view;
      if (overlays.includes("patches")) this._drawPatches(context);
      if (overlays.includes("seeds")) for (const [y, x] of this.cells) this._drawCell(context, x + 0.5, y + 0.5, SEED);
      if (overlays.includes("crop")) this._drawCrop(context);
      if (this.pointer) this._drawPointer(context);
    }

    /* The image and its thresholds are seen together: what the window has left for the image. */
    _room() {
      const above = this.stage.getBoundingClientRect().top + window.scrollY;
      const beside = this.place.classList.contains("is-beside");
      const below = BELOW + (beside ? 0 : document.getElementById("tune-controls").offsetHeight);
      return Math.max(LEAST_HEIGHT, window.innerHeight - above - below);
    }

    _drawCell(context, x, y, colour) {
      const [ry, rx] = this.view.gSig;
      context.strokeStyle = colour;
      context.lineWidth = 1.4 * this.thin;
      context.beginPath();
      context.ellipse(x, y, rx, ry, 0, 0, 2 * Math.PI);
      context.stroke();
    }

    _drawPointer(context) {
      const [x, y] = this.pointer;
      this._drawCell(context, x, y, "#ffffff");
      const [by, bx] = this.view.gSiz;
      context.setLineDash([3 * this.thin, 3 * this.thin]);
      context.strokeRect(x - bx, y - by, 2 * bx, 2 * by);
      context.setLineDash([]);
    }

    _drawPatches(context) {
      const { rf, stride, crop } = this.view;
      const [sy, sx] = this.scale;
      // What is cropped away has no patches.
      const [top, bottom, left, right] = crop
        ? [crop[0] / sy, crop[1] / sy, crop[2] / sx, crop[3] / sx].map(Math.round)
        : [0, this.config.height, 0, this.config.width];
      const [height, width] = [bottom - top, right - left];
      context.strokeStyle = PATCH;
      context.lineWidth = 1.2 * this.thin;
      if (!rf) {
        context.strokeRect(left + this.thin, top + this.thin, width - 2 * this.thin, height - 2 * this.thin);
        this.stage.dataset.patches = 1;
        return;
      }
      const size = 2 * rf + 1;
      const rows = patchStarts(height, rf, stride);
      const columns = patchStarts(width, rf, stride);
      this.stage.dataset.patches = rows.length * columns.length;
      context.fillStyle = "rgba(86, 180, 233, 0.10)";
      for (const y of rows) {
        for (const x of columns) {
          const box = [left + x, top + y, Math.min(size, width - x), Math.min(size, height - y)];
          context.fillRect(...box); // where patches overlap it is brighter
          context.strokeRect(...box);
        }
      }
    }

    /* Raw pixels per pixel of the image, (y, x): the crop is of the raw movie. */
    get scale() {
      const { height, width, raw_height: rawHeight, raw_width: rawWidth } = this.config;
      return [rawHeight / height, rawWidth / width];
    }

    _drawCrop(context) {
      const crop = this.dragged || this.view.crop;
      if (!crop) return;
      const [sy, sx] = this.scale;
      const [top, bottom, left, right] = [crop[0] / sy, crop[1] / sy, crop[2] / sx, crop[3] / sx];
      const { width, height } = this.config;
      context.fillStyle = "rgba(0, 0, 0, 0.55)";
      context.fillRect(0, 0, width, top);
      context.fillRect(0, bottom, width, height - bottom);
      context.fillRect(0, top, left, bottom - top);
      context.fillRect(right, top, width - right, bottom - top);
      context.strokeStyle = CROP;
      context.lineWidth = 2 * this.thin;
      context.strokeRect(left, top, right - left, bottom - top);
    }

    _at(event) {
      const box = this.canvas.getBoundingClientRect();
      const { width, height } = this.config;
      return [((event.clientX - box.left) / box.width) * width, ((event.clientY - box.top) / box.height) * height];
    }

    _down(event) {
      if (event.button !== 0 || !this.view || !this.view.overlays.includes("crop")) return;
      this.from = this._at(event);
      this.canvas.setPointerCapture(event.pointerId);
    }

    _move(event) {
      if (!this.view) return;
      this.pointer = this._at(event);
      if (this.from) this.dragged = this._rectangle(this.from, this.pointer);
      this._read();
      this.draw();
    }

    _up() {
      const done = this.dragged;
      this.from = this.dragged = null;
      if (done) window.dash_clientside.set_props("tune-crop", { value: `${done[0]}:${done[1]},${done[2]}:${done[3]}` });
    }

    _left() {
      this.pointer = null;
      document.getElementById("tune-under-pointer").textContent = "";
      this.draw();
    }

    _rectangle([x0, y0], [x1, y1]) {
      const [sy, sx] = this.scale;
      const { raw_height: rawHeight, raw_width: rawWidth } = this.config;
      const within = (value, most) => Math.round(Math.min(Math.max(value, 0), most));
      const [top, bottom] = [y0, y1].map((y) => within(y * sy, rawHeight)).sort((a, b) => a - b);
      const [left, right] = [x0, x1].map((x) => within(x * sx, rawWidth)).sort((a, b) => a - b);
      return bottom - top < LEAST_CROP_PX || right - left < LEAST_CROP_PX ? null : [top, bottom, left, right];
    }

    _read() {
      const [x, y] = this.pointer.map(Math.floor);
      const { width, height } = this.config;
      if (x < 0 || y < 0 || x >= width || y >= height) return;
      const i = y * width + x;
      const { mean, correlation, pnr } = this.images;
      document.getElementById("tune-under-pointer").textContent =
        `y ${y}, x ${x}: mean ${Number(mean[i].toPrecision(4))}, correlation ${correlation[i].toFixed(2)}, PNR ${pnr[i].toFixed(1)}`;
    }
  }

  function viewOf(image, overlays, crop, values, ids) {
    const fields = Object.fromEntries(ids.map((id, number) => [id.key.replace("/", "."), values[number]]));
    const gSig = pair(fields["init.gSig"], [4, 4]);
    const rectangle = numbers(String(crop ?? "").replace(/:/g, " ").replace(/,/g, " "));
    return {
      image,
      overlays: overlays || [],
      crop: rectangle.length === 4 ? rectangle : null,
      gSig,
      gSiz: pair(fields["init.gSiz"], gSig.map((g) => 2 * g + 1)),
      minCorr: Number(fields["init.min_corr"] ?? 0),
      minPnr: Number(fields["init.min_pnr"] ?? 0),
      rf: numbers(fields["patch.rf"])[0] || 0,
      stride: numbers(fields["patch.stride"])[0] || 0,
      border: numbers(fields["patch.border_pix"])[0] || 0,
    };
  }

  fluorite.tuner = null;

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.fluorite = Object.assign(window.dash_clientside.fluorite || {}, {
    drawTuning(shown, image, overlays, crop, values, ids) {
      const view = viewOf(image, overlays, crop, values, ids);
      for (const [name, value] of [["min_corr", view.minCorr], ["min_pnr", view.minPnr]]) {
        const output = document.getElementById(`tune-${name}-shown`);
        if (output) output.textContent = value;
      }
      const stage = document.getElementById("tune-stage");
      if (!stage || !shown || !shown.urls) return window.dash_clientside.no_update;
      const present = fluorite.tuner;
      if (present && present.config.digest === shown.digest && present.canvas.isConnected) {
        if (present.ready) present.show(view);
        else present.view = view;
        return window.dash_clientside.no_update;
      }
      if (present) present.destroy();
      const tuner = (fluorite.tuner = new Tuner(shown));
      tuner.view = null;
      stage.dataset.ready = "";
      tuner
        .load()
        .then(() => {
          if (fluorite.tuner !== tuner) return;
          tuner.ready = true;
          const empty = document.getElementById("tune-empty");
          if (empty) empty.hidden = true;
          tuner.show(tuner.view || view);
          stage.dataset.ready = shown.digest;
        })
        .catch((error) => {
          document.getElementById("tune-count").textContent = error.message;
        });
      return window.dash_clientside.no_update;
    },

    drawMotion(shown) {
      if (!shown || !shown.urls || shown.error) return true;
      const { width, height, urls } = shown;
      Promise.all([load(urls.before), load(urls.after)]).then(([before, after]) => {
        const span = levels(after, 0.005, 0.998);
        paint(document.getElementById("tune-before"), before, width, height, span);
        paint(document.getElementById("tune-after"), after, width, height, span);
        document.getElementById("tune-motion-images").dataset.ready = shown.digest;
      });
      return false;
    },
  });
})();
