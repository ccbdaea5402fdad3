/* Outlines of cells over an image: drawing them and finding the one under the pointer.
 *
 * Outlines are in image coordinates (see pipeline/viewing/contours.py): pixel (row, column) covers [column, column + 1) x
 * [row, row + 1). Finding a cell uses the very polygons that are drawn, so that whatever a person sees can be clicked,
 * and what is hidden cannot. */
(function () {
  "use strict";
  const fluorite = (window.fluorite = window.fluorite || {});

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

    /* Draw all cells with `context` scaled so that one unit is one pixel of the image; `scale` is its size on the screen.
     * The selected ones are laid over it: selecting is frequent, and drawing hundreds of outlines takes a while. Each is
     * stroked by itself, in half the time that one path of all of them takes. */
    draw(context, scale) {
      context.lineJoin = "round";
      // Rejected cells differ by their dashes, too, not by colour alone; accepted ones lie on top.
      const dashes = { accepted: [], rejected: [4 / scale, 3 / scale], deleted: [1.5 / scale, 3 / scale] };
      const layers = new Map();
      for (const kind of ["deleted", "rejected", "accepted"]) {
        for (const roi of this.rois) {
          if ((roi.deleted ? "deleted" : roi.accepted ? "accepted" : "rejected") !== kind || !this.visible(roi)) continue;
          const colour = this.colouring.colourOf(roi);
          const name = `${kind} ${colour}`;
          if (!layers.has(name)) layers.set(name, { kind, colour, paths: [] });
          layers.get(name).paths.push(roi.path);
        }
      }
      for (const { kind, colour, paths } of layers.values()) {
        // A dark line under the bright one keeps outlines visible on bright and dark tissue alike.
        context.setLineDash([]);
        context.lineWidth = 2.6 / scale;
        context.strokeStyle = "rgba(0, 0, 0, 0.45)";
        for (const path of paths) context.stroke(path);
        context.setLineDash(dashes[kind]);
        context.lineWidth = 1.3 / scale;
        context.strokeStyle = colour;
        for (const path of paths) context.stroke(path);
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
