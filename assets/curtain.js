/* Two images of the same field side by side: left of a line that can be dragged the one that was chosen, right of it
 * another one, at the same frame. */
(function () {
  "use strict";
  const fluorite = (window.fluorite = window.fluorite || {});
  const STEP = 0.02;

  fluorite.Curtain = class {
    constructor(player) {
      this.player = player;
      this.background = null;
      this.shown = null;
      this.at = 0.5; // share of the image's width
      this.painter = new fluorite.Painter(player.config.colour_maps);
      this.source = new fluorite.FrameSource(() => "", (n) => this._arrived(n), (n, error) => player.failed(error));
      this.handle = fluorite.element("div", {
        class: "curtain-handle",
        role: "slider",
        tabindex: 0,
        hidden: true,
        "aria-label": "Line between the two images",
        "aria-valuemin": 0,
        "aria-valuemax": 100,
        onpointerdown: (event) => this.handle.setPointerCapture(event.pointerId),
        onpointermove: (event) => this.handle.hasPointerCapture(event.pointerId) && this._dragged(event),
        onkeydown: (event) => this._key(event),
      });
      // A browser has six connections to a server, and the other image needs some.
      this.source.inFlight = 2;
      player.stage.append(this.handle);
    }

    /* Show this image on the right; null shows none. */
    choose(background) {
      this.background = background;
      this.handle.hidden = !background;
      this.player.source.inFlight = background ? 3 : 4;
      this.player.root.dataset.beside = background ? background.name : "";
      this.refresh();
      this.place();
    }

    /* Levels or the plane changed, or the image. */
    refresh() {
      const { background, player } = this;
      if (!background) {
        this.source.reset(() => "", null);
        if (this.shown) this.shown.close();
        this.shown = null;
        player.draw();
        return;
      }
      this.source.reset(player.urlOf(background), this.shown, player.tagOf(background));
      player.request();
    }

    /* Ask for the frames that the other image asks for. */
    want(numbers) {
      if (!this.background) return;
      this.source.want(this.background.moving ? numbers : [0]);
    }

    _number(n) {
      return this.background.moving ? n : 0;
    }

    ready(n) {
      return !this.background || Boolean(this.source.get(this._number(n)));
    }

    show(n) {
      const bitmap = this.background && this.source.get(this._number(n));
      if (!bitmap || bitmap === this.shown) return;
      const before = this.shown;
      this.shown = bitmap;
      if (before && !this.source.keeps(before)) before.close();
      this.player.root.dataset.besideFrame = this.background.moving ? n : "";
    }

    _arrived(n) {
      if (n === this._number(this.player.frame)) {
        this.show(n);
        this.player.draw();
      }
    }

    draw(context) {
      if (!this.background) return;
      const { player } = this;
      const unit = window.devicePixelRatio || 1;
      const { width, height } = context.canvas;
      const x = Math.round(this.at * width);
      context.save();
      if (this.shown) {
        context.beginPath();
        context.rect(x, 0, width - x, height);
        context.clip();
        Object.assign(this.painter, { map: player.painter.map, gamma: player.painter.gamma });
        player.drawPicture(context, player.paintedBy(this.painter, this.shown, this.background));
      }
      context.restore();
      context.save();
      context.fillStyle = "rgba(0, 0, 0, 0.6)";
      context.fillRect(x - 1.5 * unit, 0, 3 * unit, height);
      context.fillStyle = "#fff";
      context.fillRect(x - 0.5 * unit, 0, unit, height);
      context.font = `600 ${12 * unit}px system-ui, sans-serif`;
      context.textBaseline = "top";
      context.lineWidth = 3 * unit;
      context.strokeStyle = "rgba(0, 0, 0, 0.75)";
      for (const [text, align, place] of [
        [player.background.moving ? player.viewLabel : player.background.label, "right", x - 8 * unit],
        [this.background.label, "left", x + 8 * unit],
      ]) {
        context.textAlign = align;
        context.strokeText(text, place, 8 * unit);
        context.fillText(text, place, 8 * unit);
      }
      context.restore();
    }

    /* The handle stands where the line is. */
    place() {
      const { canvas } = this.player;
      this.handle.style.left = `${canvas.offsetLeft + this.at * canvas.clientWidth}px`;
      this.handle.setAttribute("aria-valuenow", Math.round(100 * this.at));
    }

    moveTo(at) {
      this.at = Math.min(Math.max(at, 0), 1);
      this.place();
      this.player.draw();
    }

    _dragged(event) {
      const box = this.player.canvas.getBoundingClientRect();
      this.moveTo((event.clientX - box.left) / box.width);
    }

    _key(event) {
      const by = { ArrowLeft: -STEP, ArrowRight: STEP }[event.key];
      if (by) this.moveTo(this.at + by);
      else if (event.key === "Home" || event.key === "End") this.moveTo(event.key === "Home" ? 0 : 1);
      else return;
      event.preventDefault();
    }

    destroy() {
      this.source.reset(() => "");
    }
  };
})();
