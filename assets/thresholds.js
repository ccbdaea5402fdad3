/* Other thresholds for the evaluation: what they would change is counted and drawn at once, and becomes an edit only when
 * it is applied. The rule is CaImAn's, as in pipeline/curation/evaluating.py: accepted is who reaches any threshold,
 * unless a score is at or below its lowest. */
(function () {
  "use strict";
  const fluorite = (window.fluorite = window.fluorite || {});
  const SCORES = [
    { score: "snr", label: "SNR", least: "min_SNR", lowest: "SNR_lowest", from: 0, step: 0.1 },
    { score: "r_values", label: "r", least: "rval_thr", lowest: "rval_lowest", from: -1, to: 1, step: 0.01 },
    { score: "cnn_preds", label: "CNN", least: "min_cnn_thr", lowest: "cnn_lowest", from: 0, to: 1, step: 0.01 },
  ];

  const known = (value) => Number.isFinite(value);

  /* Whether the rule accepts a cell; null where it cannot judge it. */
  fluorite.judged = function (row, thresholds) {
    if (!known(row.snr) && !known(row.r_values)) return null;
    const used = SCORES.filter(({ least }) => thresholds[least] !== undefined);
    const good = used.some(({ score, least }) => known(row[score]) && row[score] >= thresholds[least]);
    const bad = used.some(({ score, lowest }) => known(row[score]) && row[score] <= thresholds[lowest]);
    return good && !bad;
  };

  fluorite.Thresholds = class {
    constructor(curation) {
      this.curation = curation;
      this.values = { ...curation.config.thresholds };
      this.previewing = false;
      this.root = document.getElementById("threshold-controls");
      if (!this.root || !Object.keys(this.values).length) return;
      this.fields = {};
      this.said = fluorite.element("span", { role: "status", class: "threshold-counts" });
      const button = (label, kind, onclick) => fluorite.element("button", { type: "button", class: `btn btn-sm ${kind}`, onclick }, label);
      this.root.replaceChildren(
        ...SCORES.filter(({ least }) => this.values[least] !== undefined).flatMap((one) => [this.slider(one, one.least, "at least"), this.slider(one, one.lowest, "above")]),
        fluorite.element("div", { class: "curation-row" }, [
          this.said,
          button("Apply", "btn-primary", () => this.apply()),
          button("Reset", "btn-outline-secondary", () => this.reset()),
        ])
      );
      this.show();
    }

    slider({ score, label, from, to, step }, name, words) {
      const highest = to ?? Math.max(...fluorite.roiRows().map((row) => row[score]).filter(known), this.values[name], 1);
      const common = { min: from, max: Math.ceil(highest), step, value: this.values[name] };
      const set = (value) => {
        if (!known(value)) return;
        this.values[name] = value;
        range.value = value;
        number.value = value;
        this.previewing = true;
        this.show();
      };
      const id = `threshold-${name}`;
      const range = fluorite.element("input", { type: "range", "aria-label": `${label} ${words}`, ...common, oninput: (event) => set(event.target.valueAsNumber) });
      const number = fluorite.element("input", { type: "number", id, class: "form-control form-control-sm", ...common, oninput: (event) => set(event.target.valueAsNumber) });
      this.fields[name] = [range, number];
      return fluorite.element("div", { class: "threshold" }, [
        fluorite.element("label", { for: id, title: name }, `${label} ${words}`),
        range,
        number,
      ]);
    }

    /* What would change: cells that a person decided, and deleted ones, stay as they are. */
    changes() {
      const changed = [];
      for (const row of fluorite.roiRows()) {
        const accepted = fluorite.judged(row, this.values);
        if (accepted !== null && !row.curated && !row.deleted && accepted !== row.is_accepted) changed.push({ ...row, is_accepted: accepted });
      }
      return changed;
    }

    show() {
      if (!this.said) return;
      const rows = fluorite.roiRows().filter((row) => !row.deleted);
      const now = rows.filter((row) => row.is_accepted).length;
      const changed = this.changes();
      const up = changed.filter((row) => row.is_accepted).length;
      const decided = rows.filter((row) => row.curated).length;
      this.said.textContent =
        `${now} accepted now, ${now + 2 * up - changed.length} by these thresholds: ` +
        `${up} more, ${changed.length - up} fewer` +
        (decided ? `. ${fluorite.plural(decided, "cell")} that people decided stay.` : ".");
      // Drawn as it would be; the table still shows what is.
      if (this.previewing && fluorite.player) {
        fluorite.player.updateRois(rows);
        fluorite.player.updateRois(changed);
      }
    }

    apply() {
      this.previewing = false;
      this.curation.request({ action: "evaluate", thresholds: { ...this.values } });
    }

    reset() {
      this.previewing = false;
      for (const [name, fields] of Object.entries(this.fields)) {
        this.values[name] = this.curation.config.thresholds[name];
        for (const field of fields) field.value = this.values[name];
      }
      if (fluorite.player) fluorite.player.updateRois(fluorite.roiRows());
      this.show();
    }
  };
})();
