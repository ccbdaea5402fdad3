/* Measuring in the image: while it is on, dragging draws a line whose length is shown in pixels and, where the file says how
 * large a pixel is, in micrometres. The line stays until the next one. */
(function () {
  "use strict";
  const fluorite = (window.fluorite = window.fluorite || {});

  fluorite.Measure = class {
    constructor(player) {
      this.player = player;
      this.on = false;
      this.line = null; // two points of the image
      this.dragging = false;
      // Before the listeners of the image itself: while measuring, dragging neither selects cells nor moves the image.
      this.listeners = ["pointerdown", "pointermove", "pointerup", "pointercancel", "click", "dblclick"].map((type) => {
        const listener = (event) => event.target === player.canvas && this.on && this.handle(type, event);
        player.stage.addEventListener(type, listener, true);
        return [type, listener];
      });
    }

    destroy() {
      for (const [type, listener] of this.listeners) this.player.stage.removeEventListener(type, listener, true);
    }

    toggle(on = !this.on) {
      this.on = on;
      this.line = null;
      this.dragging = false;
      // One of them has the pointer.
      if (on && fluorite.drawing && fluorite.drawing.tool) fluorite.drawing.choose(fluorite.drawing.tool);
      this.player.canvas.style.cursor = on ? "crosshair" : "default";
      this.player.canvas.title = "";
      this.player.controls.updateMeasure();
      this.player.draw();
    }

    handle(type, event) {
      if (fluorite.drawing && fluorite.drawing.tool) {
        this.toggle(false);
        return;
      }
      event.stopPropagation();
      if (type === "pointerdown" && event.button === 0) {
        const point = this.player.imagePoint(event);
        this.line = [point, point];
        this.dragging = true;
        this.player.canvas.setPointerCapture(event.pointerId);
      } else if (type === "pointermove" && this.dragging) {
        this.line[1] = this.player.imagePoint(event);
      } else if (type === "pointerup" || type === "pointercancel") {
        this.dragging = false;
      } else return;
      this.player.controls.updateMeasure();
      this.player.draw();
    }

    get text() {
      if (!this.line) return "";
      const [[x, y], [u, v]] = this.line;
      return fluorite.lengthText(u - x, v - y, this.player.config.pixel_size_um);
    }

    draw(context) {
      if (!this.on || !this.line) return;
      const { view, corner } = this.player;
      const unit = window.devicePixelRatio || 1;
      const [[x, y], [u, v]] = this.line.map(([a, b]) => [(a - corner.x) * view.x, (b - corner.y) * view.y]);
      const length = Math.hypot(u - x, v - y);
      const across = length ? [(-(v - y) / length) * 6 * unit, ((u - x) / length) * 6 * unit] : [0, 0];
      context.save();
      for (const [width, colour] of [[4 * unit, "rgba(0, 0, 0, 0.6)"], [1.6 * unit, "#fff"]]) {
        context.lineWidth = width;
        context.strokeStyle = colour;
        context.beginPath();
        context.moveTo(x, y);
        context.lineTo(u, v);
        for (const [a, b] of [[x, y], [u, v]]) {
          context.moveTo(a - across[0], b - across[1]);
          context.lineTo(a + across[0], b + across[1]);
        }
        context.stroke();
      }
      context.font = `600 ${13 * unit}px system-ui, sans-serif`;
      context.textBaseline = "bottom";
      context.textAlign = u > context.canvas.width * 0.7 ? "right" : "left";
      context.lineWidth = 3.5 * unit;
      context.strokeStyle = "rgba(0, 0, 0, 0.75)";
      const place = [u + (context.textAlign === "left" ? 8 : -8) * unit, Math.max(v - 6 * unit, 18 * unit)];
      context.strokeText(this.text, ...place);
      context.fillStyle = "#fff";
      context.fillText(this.text, ...place);
      context.restore();
    }
  };
})();
