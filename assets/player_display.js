/* How the image is shown: a histogram of its values with two handles, automatic levels, gamma and colour map, and the
 * running mean. Plain HTML elements that call the player and show its state. */
(function () {
  "use strict";
  const fluorite = (window.fluorite = window.fluorite || {});
  const SLIDER_STEPS = 500;
  const HEIGHT = 40; // of the histogram, in units of its drawing
  const CHOICES = [
    ["auto", "Auto"],
    ["soft", "Auto, soft"],
    ["strong", "Auto, strong"],
    ["full", "Full range"],
  ];
  const HINTS = {
    auto: "The darkest 1 % black, the brightest 0.3 % white",
    soft: "The darkest 0.1 % black, the brightest 0.05 % white",
    strong: "The darkest 10 % black, the brightest 1 % white",
    full: "From the least value to the highest",
  };
  const MEANS = (fluorite.MEANS = [1, 3, 5, 9, 15, 31]);
  const SVG = "http://www.w3.org/2000/svg";

  const shown = (value) => (Math.abs(value) >= 100 ? value.toFixed(0) : Number(value.toPrecision(3)).toString());

  fluorite.PlayerDisplay = class {
    constructor(player) {
      this.player = player;
      const { element } = fluorite;
      const slider = (which, label) =>
        element("input", {
          type: "range",
          min: 0,
          max: SLIDER_STEPS,
          step: 1,
          "aria-label": label,
          oninput: (event) => this._slid(which, Number(event.target.value) / SLIDER_STEPS),
        });
      this.low = slider("low", "Black level");
      this.high = slider("high", "White level");
      this.levelRange = element("div", { class: "level-range" }, [this.low, this.high]);
      this.histogram = document.createElementNS(SVG, "svg");
      this.histogram.setAttribute("class", "histogram");
      this.histogram.setAttribute("preserveAspectRatio", "none");
      this.histogram.setAttribute("aria-hidden", "true");
      const number = (which, label) =>
        element("input", {
          type: "number",
          step: "any",
          class: "level-number",
          "aria-label": `${label} as a number`,
          title: `${label} as a number`,
          onchange: (event) => this._typed(which, event.target.valueAsNumber),
        });
      this.lowNumber = number("low", "Black level");
      this.highNumber = number("high", "White level");
      this.choice = element(
        "select",
        {
          id: "player-auto",
          class: "player-speed",
          "aria-label": "Automatic contrast",
          onchange: (event) => player.autoLevels(event.target.value),
        },
        [
          ...CHOICES.map(([value, label]) => element("option", { value, title: HINTS[value] }, label)),
          (this.byHand = element("option", { value: "hand", disabled: true, hidden: true }, "By hand")),
        ]
      );
      const [least, most] = player.config.gamma_range;
      this.gamma = element("input", {
        type: "range",
        id: "player-gamma",
        min: least,
        max: most,
        step: 0.05,
        value: 1,
        "aria-label": "Gamma",
        title: "Gamma: below 1, what is dark becomes brighter. Double-click for 1.",
        oninput: (event) => player.setGamma(Number(event.target.value)),
        ondblclick: () => player.setGamma(1),
      });
      this.gammaText = element("output", { class: "level-text" });
      this.map = element(
        "select",
        {
          id: "player-colour-map",
          class: "player-speed",
          "aria-label": "Colour map of the image",
          onchange: (event) => player.setColourMap(event.target.value),
        },
        player.painter.maps.map(({ name, label }) => element("option", { value: name }, label))
      );
      this.swatch = element("span", { class: "map-swatch", "aria-hidden": "true" });
      this.mean = element(
        "select",
        {
          id: "player-mean",
          class: "player-speed",
          "aria-label": "Running mean",
          title: "Shows the mean of as many frames, with the present one in the middle: less noise, slower changes",
          onchange: (event) => player.setMean(Number(event.target.value)),
        },
        MEANS.map((count) => element("option", { value: count }, count === 1 ? "single" : `mean of ${count}`))
      );
      const labelled = (text, control, ...more) =>
        element("div", { class: "display-field" }, [
          element("label", { class: "control-name", for: control.id }, text),
          control,
          ...more,
        ]);
      this.meanField = labelled("Frames", this.mean);
      this.root = element("div", { class: "player-display", role: "group", "aria-label": "How the image is shown" }, [
        element("div", { class: "contrast", role: "group", "aria-label": "Contrast" }, [
          element("span", { class: "control-name" }, "Contrast"),
          element("div", { class: "level-control" }, [this.histogram, this.levelRange]),
          element("div", { class: "level-numbers" }, [this.lowNumber, element("span", {}, "\u2013"), this.highNumber]),
          this.choice,
        ]),
        element("div", { class: "display-fields" }, [
          labelled("Gamma", this.gamma, this.gammaText),
          labelled("Colours", this.map, this.swatch),
        ]),
      ]);
    }

    /* Show the present levels, gamma, colour map and mean. */
    update() {
      const { player } = this;
      const { range, counts } = player.contrast;
      const { low, high } = player.levels();
      const position = (value) => Math.min(Math.max((value - range[0]) / (range[1] - range[0]), 0), 1);
      const [from, to] = [position(low), position(high)];
      this.low.value = Math.round(from * SLIDER_STEPS);
      this.high.value = Math.round(to * SLIDER_STEPS);
      // Where both are at the right end, the left handle would lie below the right one, out of reach.
      this.low.style.zIndex = from > 0.9 ? 1 : "";
      this.levelRange.style.setProperty("--from", `${from * 100}%`);
      this.levelRange.style.setProperty("--to", `${to * 100}%`);
      this.low.setAttribute("aria-valuetext", shown(low));
      this.high.setAttribute("aria-valuetext", shown(high));
      if (document.activeElement !== this.lowNumber) this.lowNumber.value = shown(low);
      if (document.activeElement !== this.highNumber) this.highNumber.value = shown(high);
      this._drawHistogram(counts, from, to);
      this.byHand.hidden = !player.chosen;
      this.choice.value = player.chosen ? "hand" : player.percentiles;
      this.choice.title = HINTS[this.choice.value] || "Chosen by hand; choose Auto to go back";
      this.gamma.value = player.painter.gamma;
      this.gammaText.textContent = player.painter.gamma.toFixed(2);
      this.map.value = player.painter.map;
      this.swatch.style.background = player.painter.gradient();
      this.mean.value = player.mean;
      this.meanField.classList.toggle("is-idle", !player.isMovie);
      const { root } = player;
      Object.assign(root.dataset, { colourMap: player.painter.map, mean: player.mean, levels: `${low} ${high}` });
    }

    /* Heights as roots: the background is many times as frequent as the cells, which have to be seen as well. */
    _drawHistogram(counts, from, to) {
      const most = Math.max(...counts, 1);
      const bars = counts.map((count) => (count ? Math.max(HEIGHT * Math.sqrt(count / most), 1) : 0));
      const path = (first, last) => {
        const parts = bars.slice(first, last).map((height, i) => `M${first + i} ${HEIGHT}v${-height}h1v${height}z`);
        const made = document.createElementNS(SVG, "path");
        made.setAttribute("d", parts.join(""));
        return made;
      };
      const [first, last] = [Math.round(from * counts.length), Math.round(to * counts.length)];
      this.histogram.setAttribute("viewBox", `0 0 ${counts.length} ${HEIGHT}`);
      const inside = path(first, last);
      inside.setAttribute("class", "is-shown");
      this.histogram.replaceChildren(path(0, first), inside, path(last, counts.length));
    }

    _slid(which, share) {
      const { range } = this.player.contrast;
      this.player.setLevel(which, range[0] + share * (range[1] - range[0]));
    }

    _typed(which, value) {
      if (Number.isFinite(value)) this.player.setLevel(which, value);
      else this.update();
    }
  };
})();
