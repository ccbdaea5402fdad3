/* The pointer on the image: dragging moves a zoomed image, dragging with the shift key selects the cells in a region,
 * and the wheel with the control key (a pinch on a touch pad) zooms. */
(function () {
  "use strict";
  const fluorite = (window.fluorite = window.fluorite || {});
  const CLICK_PX = 4; // a hand is never quite still

  fluorite.PlayerPointer = class {
    constructor(player) {
      this.player = player;
      this.start = null;
      this.lasso = null;
      this.dragged = false; // whether the click that follows is the end of a drag
      const { canvas } = player;
      canvas.addEventListener("pointerdown", (event) => this.down(event));
      canvas.addEventListener("pointermove", (event) => this.move(event));
      canvas.addEventListener("pointerup", (event) => this.up(event));
      canvas.addEventListener("pointercancel", () => this.cancel());
      canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
      canvas.addEventListener("dblclick", () => !player.overlay.selected.length && player.resetView());
    }

    get busy() {
      return this.start !== null && this.dragged;
    }

    down(event) {
      this.dragged = false;
      if (event.button !== 0) return;
      this.start = { x: event.clientX, y: event.clientY, corner: { ...this.player.corner } };
      this.lasso = event.shiftKey ? [this.player.imagePoint(event)] : null;
      // Without this, a drag that leaves the canvas would never end.
      this.player.canvas.setPointerCapture(event.pointerId);
    }

    move(event) {
      if (!this.start) return;
      const { player, start } = this;
      const [dx, dy] = [event.clientX - start.x, event.clientY - start.y];
      if (!this.dragged && Math.hypot(dx, dy) < CLICK_PX) return;
      this.dragged = true;
      if (this.lasso) {
        this.lasso.push(player.imagePoint(event));
        player.draw();
      } else if (player.zoom > 1) {
        const box = player.canvas.getBoundingClientRect();
        const { width, height } = player.config;
        player.canvas.style.cursor = "grabbing";
        player.moveTo(
          start.corner.x - (dx / box.width) * (width / player.zoom),
          start.corner.y - (dy / box.height) * (height / player.zoom)
        );
      }
    }

    up(event) {
      const { lasso, player } = this;
      if (lasso && this.dragged) {
        const found = player.overlay.inside(lasso).map((roi) => roi.id);
        const kept = event.ctrlKey || event.metaKey ? player.overlay.selected : [];
        fluorite.selectCells([...kept, ...found.filter((id) => !kept.includes(id))], true);
      }
      this.cancel();
    }

    cancel() {
      this.start = null;
      this.lasso = null;
      this.player.draw();
    }

    wheel(event) {
      if (!event.ctrlKey && !event.metaKey) return; // the page scrolls
      event.preventDefault();
      this.player.zoomBy(Math.exp(-event.deltaY / 200), this.player.imagePoint(event));
    }

    draw(context) {
      if (!this.lasso || this.lasso.length < 2) return;
      const { view, corner } = this.player;
      context.save();
      context.beginPath();
      for (const [x, y] of this.lasso) context.lineTo((x - corner.x) * view.x, (y - corner.y) * view.y);
      context.closePath();
      context.fillStyle = "rgba(255, 255, 255, 0.15)";
      context.fill();
      context.lineWidth = 2;
      context.strokeStyle = "#fff";
      context.setLineDash([6, 4]);
      context.stroke();
      context.restore();
    }
  };
})();
