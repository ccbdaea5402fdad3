/* The planes of a volume: a slider that leafs through them, and where the chosen cell lies among them. */
(function () {
  "use strict";
  const fluorite = (window.fluorite = window.fluorite || {});

  fluorite.PlaneControls = class {
    constructor(player) {
      this.player = player;
      const { element } = fluorite;
      const { depth } = player.config;
      // The slider's first place is all planes, seen from above.
      this.slider = element("input", {
        type: "range",
        id: "player-plane",
        min: 0,
        max: depth,
        step: 1,
        value: this.place,
        "aria-label": "Plane of the volume",
        oninput: (event) => player.setPlane(Number(event.target.value) ? Number(event.target.value) - 1 : null),
      });
      this.extent = element("div", { class: "plane-extent", "aria-hidden": "true", hidden: true });
      this.centre = element("div", { class: "plane-centre", "aria-hidden": "true", hidden: true });
      this.readout = element("output", { class: "player-readout" });
      this.words = element("output", { class: "plane-words", id: "player-cell-planes" });
      this.go = element(
        "button",
        { type: "button", class: "text-button", id: "player-to-centre", onclick: () => player.setPlane(this.cell.planes[1]) }
      );
      this.follow = element("input", {
        type: "checkbox",
        id: "player-follow",
        checked: player.follow,
        onchange: (event) => player.setFollow(event.target.checked),
      });
      this.root = element("div", { class: "player-planes" }, [
        element("div", { class: "player-row" }, [
          element("span", { class: "control-name" }, "Plane"),
          element("div", { class: "plane-slider" }, [this.slider, this.extent, this.centre]),
          this.readout,
        ]),
        (this.rest = element("div", { class: "player-row plane-cell" }, [
          this.words,
          this.go,
          element("label", { class: "roi-toggle", title: "Choosing a cell in the list, or with the keys, shows the plane of its centre" }, [
            this.follow,
            element("span", {}, "Follow the cell"),
          ]),
        ])),
      ]);
    }

    get place() {
      return this.player.plane === null ? 0 : this.player.plane + 1;
    }

    /* The last of the selected cells, where it has a place among the planes. */
    get cell() {
      const { overlay } = this.player;
      const roi = overlay.byId.get(overlay.selected[overlay.selected.length - 1]);
      return roi && roi.planes ? roi : null;
    }

    update() {
      const { plane, config, follow } = this.player;
      const text = plane === null ? "all, from above" : `${plane} (0 \u2013 ${config.depth - 1})`;
      this.slider.value = this.place;
      this.slider.setAttribute("aria-valuetext", text);
      this.readout.textContent = text;
      this.follow.checked = follow;
      this._showCell();
    }

    _showCell() {
      const { plane, overlay, config } = this.player;
      const roi = this.cell;
      this.rest.hidden = !config.n_rois;
      for (const part of [this.extent, this.centre, this.go]) part.hidden = !roi;
      this.words.textContent = "";
      if (!roi) return;
      const [first, centre, last] = roi.planes;
      const range = first === last ? `in plane ${first} only` : `planes ${first} \u2013 ${last}, centre in ${centre}`;
      const missed = plane !== null && (plane < first || plane > last);
      this.words.textContent = `Cell ${roi.label}: ${range}`;
      this.go.textContent = missed ? "Not in this plane: go there" : "Show its centre";
      this.go.hidden = plane === centre;
      const colour = overlay.colour(overlay.selected.length - 1);
      this._stretch(this.extent, first, last, colour);
      this._stretch(this.centre, centre, centre, colour);
    }

    /* Below the slider's places of these planes; at either end the middle of its thumb stands half a thumb inside. */
    _stretch(part, first, last, colour) {
      const at = (place) => `calc(8px + (100% - 16px) * ${place / this.player.config.depth})`;
      part.style.left = at(first + 1);
      part.style.right = `calc(100% - ${at(last + 1)})`;
      part.style.background = colour;
    }
  };
})();
