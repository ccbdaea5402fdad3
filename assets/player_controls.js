/* The controls under the image: plain HTML elements that call the player and show its state. */
(function () {
  "use strict";
  const fluorite = (window.fluorite = window.fluorite || {});

  const ICONS = {
    play: "M8 5v14l11-7z",
    pause: "M7 5h4v14H7zM13 5h4v14h-4z",
    back: "M6 6h2v12H6zm12 0v12l-9-6z",
    forward: "M16 6h2v12h-2zM6 6l9 6-9 6z",
  };
  const SPEEDS = [0.25, 0.5, 1, 2, 4, 8];

  function element(tag, attributes, children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
      else if (value !== null && value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
    }
    for (const child of [].concat(children || [])) made.append(child);
    return made;
  }

  function icon(name) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("d", ICONS[name]);
    svg.append(path);
    return svg;
  }

  function iconButton(name, label, onclick) {
    return element("button", { type: "button", class: "icon-button", title: label, "aria-label": label, onclick }, icon(name));
  }

  fluorite.element = element;

  fluorite.PlayerControls = class {
    constructor(player) {
      this.player = player;
      const { config } = player;
      this.root = element("div", { class: "player-controls" });
      if (config.has_movie) this.root.append(this._transport());
      this.planes = config.depth ? new fluorite.PlaneControls(player) : null;
      if (this.planes) this.root.append(this.planes.root);
      this.root.append(this._view());
      this.showRoiControls();
    }

    /* Show the player's state. Cheap: called with every frame. */
    update() {
      const { player } = this;
      const { config } = player;
      this.updatePlanes();
      if (config.has_movie) {
        this.scrub.value = player.frame;
        this.scrub.setAttribute("aria-valuetext", this._position());
        this.readout.textContent = this._position();
        const playing = player.playing ? "pause" : "play";
        if (this.playButton.dataset.icon !== playing) {
          this.playButton.dataset.icon = playing;
          this.playButton.replaceChildren(icon(playing));
          const label = player.playing ? "Pause (space)" : "Play (space)";
          this.playButton.title = label;
          this.playButton.setAttribute("aria-label", label);
        }
        this.transport.classList.toggle("is-idle", !player.isMovie);
      }
    }

    /* The plane or the chosen cell changed. */
    updatePlanes() {
      if (!this.planes) return;
      this.planes.update();
      this._updateImages();
    }

    /* Show how the image is shown. */
    updateLevels() {
      this.display.update();
    }

    updateMeasure() {
      const { measure } = this.player;
      this.measureButton.setAttribute("aria-pressed", measure.on);
      this.measureText.textContent = measure.on ? measure.text || "drag in the image" : "";
    }

    _position() {
      const { frame, config } = this.player;
      return `${frame + 1} / ${config.n_frames} · ${(frame / config.rate_hz).toFixed(2)} s`;
    }

    _transport() {
      const { player } = this;
      const { config } = player;
      this.playButton = iconButton("play", "Play (space)", () => player.toggle());
      this.playButton.classList.add("is-main");
      this.playButton.id = "player-play";
      this.scrub = element("input", {
        type: "range",
        id: "player-scrub",
        min: 0,
        max: config.n_frames - 1,
        step: 1,
        value: player.frame,
        "aria-label": "Frame of the movie",
        oninput: (event) => player.seek(Number(event.target.value)),
      });
      this.readout = element("output", { class: "player-readout" });
      const speed = element(
        "select",
        {
          class: "player-speed",
          "aria-label": "Speed",
          title: "Speed",
          onchange: (event) => {
            player.speed = Number(event.target.value);
          },
        },
        SPEEDS.map((value) => element("option", { value, selected: value === 1 }, `${value}×`))
      );
      this.transport = element("div", { class: "player-row player-transport" }, [
        iconButton("back", "Previous frame (left arrow)", () => player.step(-1)),
        this.playButton,
        iconButton("forward", "Next frame (right arrow)", () => player.step(1)),
        element("div", { class: "scrub-wrap" }, [this.scrub, (this.stimuli = element("canvas", { class: "scrub-stimuli", "aria-hidden": "true" }))]),
        this.readout,
        speed,
      ]);
      return this.transport;
    }

    /* Which images a plane has. */
    _updateImages() {
      const { plane, config, background } = this.player;
      for (const one of config.backgrounds) {
        const input = this.root.querySelector(`#player-background-${one.name}`);
        // An image that was kept from above only has nothing to show of a plane.
        input.disabled = plane !== null && !one.planes;
        input.parentElement.title = input.disabled ? `${one.help || one.label}; kept of all planes from above only` : one.help || "";
        input.checked = one.moving ? background.moving : one.name === background.name;
      }
    }

    /* Stimuli below the time line: [{name, colour, spans: [[start_s, stop_s], ...]}, ...]. */
    showStimuli(shades) {
      if (!this.stimuli) return;
      this.shades = shades;
      const canvas = this.stimuli;
      canvas.hidden = !shades.length;
      canvas.title = shades.map((shade) => shade.name).join(", ");
      canvas.dataset.names = shades.length;
      if (!this.stimulusResizer) {
        this.stimulusResizer = new ResizeObserver(() => requestAnimationFrame(() => this.showStimuli(this.shades)));
        this.stimulusResizer.observe(canvas.parentElement);
      }
      const { n_frames: count, rate_hz: rate } = this.player.config;
      const thumb = 8; // half of it: where the middle of the thumb stands at either end
      const width = (canvas.width = canvas.parentElement.clientWidth);
      canvas.height = 5;
      const context = canvas.getContext("2d");
      const at = (time) => thumb + (Math.min(Math.max((time * rate) / Math.max(count - 1, 1), 0), 1)) * (width - 2 * thumb);
      // The longest first: what is short lies on top of it.
      const all = shades.flatMap(({ colour, spans }) => spans.map(([start, stop]) => ({ colour, start, stop })));
      all.sort((a, b) => b.stop - b.start - (a.stop - a.start));
      for (const { colour, start, stop } of all) {
        context.fillStyle = colour;
        if (start * rate <= count && stop >= 0) context.fillRect(at(start), 0, Math.max(at(stop) - at(start), 1), 5);
      }
    }

    _view() {
      const { player } = this;
      const { config } = player;
      const backgrounds = element(
        "div",
        { class: "segmented", role: "radiogroup", "aria-label": "Image" },
        config.backgrounds.map((background) => {
          const input = element("input", {
            type: "radio",
            name: "player-background",
            id: `player-background-${background.name}`,
            value: background.name,
            checked: background.name === player.background.name,
            onchange: () => player.setBackground(background.name),
          });
          return element("label", { title: background.help }, [input, element("span", {}, background.label)]);
        })
      );
      this.display = new fluorite.PlayerDisplay(player);
      this.counts = {};
      const toggle = (kind, label) =>
        element("label", { class: `roi-toggle is-${kind}` }, [
          element("input", {
            type: "checkbox",
            id: `player-show-${kind}`,
            checked: true,
            onchange: (event) => player.showRois(kind, event.target.checked),
          }),
          element("span", { class: "roi-swatch", "aria-hidden": "true" }),
          element("span", {}, [`${label} `, (this.counts[kind] = element("span", {}))]),
        ]);
      const toggles = element("div", { class: "roi-toggles", role: "group", "aria-label": "Outlines" }, [
        toggle("accepted", "Accepted"),
        toggle("rejected", "Rejected"),
      ]);
      this._setCounts(config.n_accepted, config.n_rois - config.n_accepted);
      this.colourChoice = element("select", {
        id: "player-colour",
        class: "player-speed",
        "aria-label": "Colour of the outlines",
        onchange: (event) => player.colourBy(event.target.value),
      });
      this.colourLegend = element("div", { class: "colour-legend", id: "player-colour-legend" });
      const colours = element("div", { class: "colour-choice" }, [
        element("label", { class: "control-name", for: "player-colour" }, "Colour by"),
        this.colourChoice,
        this.colourLegend,
      ]);
      const zoom = element("div", { class: "zoom-buttons", role: "group", "aria-label": "Zoom" }, [
        element("button", { type: "button", class: "text-button", title: "Zoom out (\u2212)", "aria-label": "Zoom out", onclick: () => player.zoomBy(1 / 1.5) }, "\u2212"),
        element("button", { type: "button", class: "text-button", title: "Zoom in (+, or the wheel with the control key)", "aria-label": "Zoom in", onclick: () => player.zoomBy(1.5) }, "+"),
        element("button", { type: "button", class: "text-button", title: "The whole image (0)", onclick: () => player.resetView() }, "Fit"),
      ]);
      return element("div", { class: "player-view" }, [
        element("div", { class: "player-row" }, [backgrounds, ...(config.has_movie ? [this._views()] : [])]),
        (this.viewNote = element("p", { class: "view-note", id: "player-view-note" })),
        this.display.root,
        element("div", { class: "player-row" }, [zoom, this._ruler(), ...(this.roiControls = [toggles, colours])]),
      ]);
    }

    /* Which movie, and what beside it. */
    _views() {
      const { player } = this;
      const { views, backgrounds } = player.config;
      const option = ({ name, label, help, problem }) =>
        element("option", { value: name, title: problem || help }, problem ? `${label} (not there)` : label);
      const choice = (id, label, onchange, options) =>
        element("select", { id, class: "player-speed", "aria-label": label, onchange }, options);
      this.view = choice("player-view", "Which movie", (event) => player.setView(event.target.value), views.map(option));
      this.beside = choice("player-beside", "Image beside it", (event) => player.setBeside(event.target.value), [
        element("option", { value: "" }, "nothing"),
        ...views.map(option),
        ...backgrounds.filter(({ moving }) => !moving).map(option),
      ]);
      return element("div", { class: "display-fields" }, [
        element("div", { class: "display-field" }, [element("label", { class: "control-name", for: "player-view" }, "Movie"), this.view]),
        this.display.meanField,
        element("div", { class: "display-field" }, [element("label", { class: "control-name", for: "player-beside" }, "Beside it"), this.beside]),
      ]);
    }

    updateViews() {
      if (!this.view) return;
      const { player } = this;
      this.view.value = player.viewName;
      const shown = [player.views.get(player.viewName), player.curtain.background];
      const notes = shown.filter((one) => one && one.name !== "movie").map(({ label, help, note }) => `${label}: ${help}. ${note || ""}`);
      this.viewNote.textContent = notes.join(" ");
      this.beside.value = player.curtain.background ? player.curtain.background.name : "";
    }

    /* Scale bar and measuring. */
    _ruler() {
      const { player } = this;
      const sized = player.config.pixel_size_um;
      this.measureText = element("output", { class: "measure-text", id: "player-measure-text" });
      this.measureButton = element(
        "button",
        {
          type: "button",
          class: "text-button",
          id: "player-measure",
          "aria-pressed": "false",
          title: `Measure a distance by dragging in the image (U)${sized ? "" : "; in pixels: the file does not say how large a pixel is"}`,
          onclick: () => player.measure.toggle(),
        },
        "Measure"
      );
      return element("div", { class: "ruler", role: "group", "aria-label": "Scale" }, [
        element("label", { class: "roi-toggle", title: sized ? "" : "In pixels: the file does not say how large a pixel is" }, [
          element("input", {
            type: "checkbox",
            id: "player-scale-bar",
            checked: player.scaleBar,
            onchange: (event) => player.setScaleBar(event.target.checked),
          }),
          element("span", {}, "Scale bar"),
        ]),
        this.measureButton,
        this.measureText,
      ]);
    }

    /* What is there for outlines, where there are outlines. */
    showRoiControls() {
      for (const control of this.roiControls) control.hidden = !this.player.config.n_rois;
    }

    _setCounts(accepted, rejected) {
      this.counts.accepted.textContent = accepted;
      this.counts.rejected.textContent = rejected;
    }

    /* The cells of the overlay changed. */
    updateCounts() {
      if (!this.colourChoice) return;
      const { rois, colouring } = this.player.overlay;
      const present = rois.filter((roi) => !roi.deleted);
      this._setCounts(present.filter((roi) => roi.accepted).length, present.filter((roi) => !roi.accepted).length);
      this.colourChoice.replaceChildren(
        ...fluorite
          .colourings(rois)
          .map(({ name, label }) => element("option", { value: name, selected: name === colouring.name }, label))
      );
      this.showColours();
    }

    showColours() {
      const { legend } = this.player.overlay.colouring;
      this.colourLegend.replaceChildren(
        ...legend.map(({ colour, label }) =>
          element("span", { class: "colour-entry" }, [element("span", { class: "colour-swatch", style: `background:${colour}` }), label])
        )
      );
    }
  };
})();
