/* Outlines of cells over an image: drawing them and finding the one under the pointer.
 *
 * Outlines are in image coordinates (see pipeline/viewing/contours.py): pixel (row, column) covers [column, column + 1) x
 * [row, row + 1). Finding a cell uses the very polygons that are drawn, so that whatever a person sees can be clicked,
 * and what is hidden cannot. */
(function () {
  "use strict";
  const fluorite = (window.fluorite = window.fluorite || {});

  const WIDEST = 2.6; // pixels of the screen, of the line under an outline

  const nameOf = (look) => (look ? `${look.kind} ${look.colour}` : "");

  function pathOf(pieces) {
    const path = new Path2D();
    for (const piece of pieces) {
      path.moveTo(piece[0], piece[1]);
      for (let i = 2; i < piece.length; i += 2) path.lineTo(piece[i], piece[i + 1]);
      path.closePath();
    }
    return path;
  }

  function boxOf(pieces) {
    const box = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
    for (const piece of pieces) {
      for (let i = 0; i < piece.length; i += 2) {
        box.left = Math.min(box.left, piece[i]);
        box.right = Math.max(box.right, piece[i]);
        box.top = Math.min(box.top, piece[i + 1]);
        box.bottom = Math.max(box.bottom, piece[i + 1]);
      }
    }
    box.area = Math.max(0, box.right - box.left) * Math.max(0, box.bottom - box.top);
    return box;
  }

  fluorite.RoiOverlay = class {
    constructor(style) {
      this.style = style;
      this.rois = [];
      this.plane = null; // of a volume that they are cut by
      this.byId = new Map();
      this.show = { accepted: true, rejected: true, deleted: false };
      this.colouring = fluorite.colouring("state", [], this.style);
      this.selected = [];
      this.drawn = new Map(); // cell to how it looks on the layer of outlines
      this.ruler = document.createElement("canvas").getContext("2d");
    }

    setRois(rois, plane = null) {
      this.plane = plane;
      this.rois = rois.map((roi) => ({ ...roi, row: {}, path: pathOf(roi.pieces), box: boxOf(roi.pieces) }));
      this.byId = new Map(this.rois.map((roi) => [roi.id, roi]));
    }

    /* States, scores and tags come from the table. */
    update(rows) {
      for (const row of rows) {
        const roi = this.byId.get(row.key);
        if (roi) Object.assign(roi, { row, accepted: row.is_accepted, deleted: row.deleted });
      }
      this.colourBy(this.colouring.name);
    }

    colourBy(name) {
      this.colouring = fluorite.colouring(name, this.rois, this.style);
    }

    visible(roi) {
      if (roi.deleted) return this.show.deleted;
      return roi.accepted ? this.show.accepted : this.show.rejected;
    }

    /* Visible cells whose centre lies inside a polygon of the image. */
    inside(points) {
      if (points.length < 3) return [];
      const path = pathOf([points.flat()]);
      return this.rois.filter(
        (roi) => this.visible(roi) && roi.pieces.length && this.ruler.isPointInPath(path, ...roi.centre, "evenodd")
      );
    }

    /* Visible cells at a point of the image, the smallest first: a small cell on a large one can still be clicked. */
    at(x, y) {
      return this.rois
        .filter(
          (roi) =>
            this.visible(roi) &&
            x >= roi.box.left &&
            x <= roi.box.right &&
            y >= roi.box.top &&
            y <= roi.box.bottom &&
            this.ruler.isPointInPath(roi.path, x, y, "evenodd")
        )
        .sort((a, b) => a.box.area - b.box.area);
    }

    /* What a cell looks like; nothing where it is hidden. */
    _look(roi) {
      if (!this.visible(roi)) return null;
      const kind = roi.deleted ? "deleted" : roi.accepted ? "accepted" : "rejected";
      return { kind, colour: this.colouring.colourOf(roi) };
    }

    /* Draw all cells with `context` scaled so that one unit is one pixel of the image; `scale` is its size on the screen.
     * The selected ones are laid over it: selecting is frequent, and drawing hundreds of outlines takes a while. */
    draw(context, scale) {
      this.drawn = new Map();
      for (const roi of this.rois) this.drawn.set(roi, nameOf(this._look(roi)));
      this._stroke(context, scale, this.rois);
    }

    /* The cells that look otherwise than when they were drawn last. */
    outdated() {
      return this.rois.filter((roi) => roi.pieces.length && this.drawn.get(roi) !== nameOf(this._look(roi)));
    }

    /* Draw a cell anew after `clear(box)` has emptied what it covers: what others have there is drawn again, too. */
    redraw(context, scale, roi, clear) {
      this.drawn.set(roi, nameOf(this._look(roi)));
      const margin = WIDEST / scale;
      const { left, right, top, bottom } = roi.box;
      const box = { left: left - margin, right: right + margin, top: top - margin, bottom: bottom + margin };
      const inside = (other) =>
        other.box.left - margin < box.right && other.box.right + margin > box.left && other.box.top - margin < box.bottom && other.box.bottom + margin > box.top;
      clear(box);
      this._stroke(context, scale, this.rois.filter(inside));
    }

    /* Each cell is stroked by itself, in half the time that one path of all of them takes. */
    _stroke(context, scale, rois) {
      context.lineJoin = "bevel"; // as round as can be seen, in three quarters of the time
      // Rejected cells differ by their dashes, too, not by colour alone; accepted ones lie on top.
      const dashes = { accepted: [], rejected: [4 / scale, 3 / scale], deleted: [1.5 / scale, 3 / scale] };
      const layers = { deleted: new Map(), rejected: new Map(), accepted: new Map() };
      for (const roi of rois) {
        const look = this._look(roi);
        if (!look) continue;
        const { kind, colour } = look;
        if (!layers[kind].has(colour)) layers[kind].set(colour, []);
        layers[kind].get(colour).push(roi.path);
      }
      for (const [kind, colours] of Object.entries(layers)) {
        for (const [colour, paths] of colours) {
          // A dark line under the bright one keeps outlines visible on bright and dark tissue alike.
          context.setLineDash([]);
          context.lineWidth = WIDEST / scale;
          context.strokeStyle = "rgba(0, 0, 0, 0.45)";
          for (const path of paths) context.stroke(path);
          context.setLineDash(dashes[kind]);
          context.lineWidth = 1.3 / scale;
          context.strokeStyle = colour;
          for (const path of paths) context.stroke(path);
        }
      }
      context.setLineDash([]);
    }

    drawSelected(context, scale) {
      context.lineJoin = "round";
      this.selected.forEach((id, position) => this._drawSelected(context, scale, this.byId.get(id), position));
    }

    colour(position) {
      return this.style.selected[position % this.style.selected.length];
    }

    _drawSelected(context, scale, roi, position) {
      if (!roi || !roi.pieces.length) return; // a plane of a volume does not cut every cell
      const colour = this.colour(position);
      context.globalAlpha = 0.28;
      context.fillStyle = colour;
      context.fill(roi.path, "evenodd");
      context.globalAlpha = 1;
      context.lineWidth = 5 / scale;
      context.strokeStyle = "rgba(255, 255, 255, 0.9)";
      context.stroke(roi.path);
      context.lineWidth = 2.6 / scale;
      context.strokeStyle = colour;
      context.stroke(roi.path);
      context.font = `600 ${13 / scale}px system-ui, sans-serif`;
      context.textAlign = "center";
      context.textBaseline = "bottom";
      context.lineWidth = 3.5 / scale;
      context.strokeStyle = "rgba(0, 0, 0, 0.75)";
      const above = roi.box.top - 3 / scale;
      const y = above > 14 / scale ? above : roi.box.bottom + 16 / scale;
      const name = this.nameOf(roi);
      // The middle of what is seen: the centre of a body may lie elsewhere.
      const x = this.plane === null ? roi.centre[0] : (roi.box.left + roi.box.right) / 2;
      context.strokeText(name, x, y);
      context.fillStyle = "#fff";
      context.fillText(name, x, y);
    }

    /* What a cell is called in the image: above and below the plane of its centre it says which one that is. */
    nameOf(roi) {
      const away = this.plane !== null && roi.planes && roi.planes[1] !== this.plane;
      return away ? `${roi.label} (z ${roi.planes[1]})` : roi.label;
    }
  };
})();
