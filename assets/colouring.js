/* Which colour the outline of a cell has: by state, by a tag, or by a score. Okabe and Ito's colours for what has no
 * order, viridis for what has. */
(function () {
  "use strict";
  const fluorite = (window.fluorite = window.fluorite || {});
  const CATEGORIES = ["#E69F00", "#009E73", "#CC79A7", "#F0E442", "#56B4E9", "#D55E00", "#0072B2"];
  const UNTAGGED = "#B8C0CC";
  const VIRIDIS = ["#440154", "#46327E", "#365C8D", "#277F8E", "#1FA187", "#4AC16D", "#A0DA39", "#FDE725"];
  const ORIGIN = "roi_origin";
  const SCORES = { snr: "SNR", r_values: "r", cnn_preds: "CNN" };

  function mix(one, other, share) {
    const part = (hex, at) => parseInt(hex.slice(at, at + 2), 16);
    const value = (at) => Math.round(part(one, at) * (1 - share) + part(other, at) * share);
    return `rgb(${value(1)}, ${value(3)}, ${value(5)})`;
  }

  function viridis(share) {
    const place = Math.min(Math.max(share, 0), 1) * (VIRIDIS.length - 1);
    const low = Math.min(Math.floor(place), VIRIDIS.length - 2);
    return mix(VIRIDIS[low], VIRIDIS[low + 1], place - low);
  }

  const short = (value) => Number(value.toPrecision(3)).toString();

  function byNumber(name, label, read, rois) {
    const values = rois.map(read).filter(Number.isFinite).sort((a, b) => a - b);
    // From the 2nd to the 98th percentile: one outlier would make all others look alike.
    const at = (share) => values[Math.round(share * (values.length - 1))];
    const [low, high] = values.length ? [at(0.02), at(0.98)] : [0, 1];
    const span = high - low || 1;
    return {
      name,
      label,
      colourOf: (roi) => (Number.isFinite(read(roi)) ? viridis((read(roi) - low) / span) : UNTAGGED),
      legend: values.length
        ? [0, 0.25, 0.5, 0.75, 1].map((share) => ({ colour: viridis(share), label: short(low + share * span) }))
        : [],
    };
  }

  function byCategory(name, label, read, rois, untagged) {
    const counts = new Map();
    for (const roi of rois) if (!roi.deleted) counts.set(read(roi), (counts.get(read(roi)) || 0) + 1);
    const values = [...counts.keys()].filter((value) => value !== untagged && value !== undefined && value !== null);
    values.sort((a, b) => String(a).localeCompare(String(b)));
    const colours = new Map(values.map((value, position) => [value, CATEGORIES[position % CATEGORIES.length]]));
    return {
      name,
      label,
      colourOf: (roi) => colours.get(read(roi)) || UNTAGGED,
      legend: [
        ...values.map((value) => ({ colour: colours.get(value), label: `${value} (${counts.get(value)})` })),
        ...(counts.has(untagged) ? [{ colour: UNTAGGED, label: `${untagged} (${counts.get(untagged)})` }] : []),
      ],
    };
  }

  /* What cells can be coloured by: the state, the scores that there are, and the tag columns. */
  fluorite.colourings = function (rois) {
    const columns = fluorite.tagColumns();
    const scores = Object.keys(SCORES).filter((name) => rois.some((roi) => Number.isFinite(roi.row[name])));
    return [
      { name: "state", label: "State" },
      { name: ORIGIN, label: "Origin" },
      ...columns.map((column) => ({ name: column.field, label: column.name })),
      ...scores.map((name) => ({ name, label: SCORES[name] })),
    ];
  };

  fluorite.colouring = function (name, rois, style) {
    if (SCORES[name]) return byNumber(name, SCORES[name], (roi) => roi.row[name] ?? NaN, rois);
    if (name === ORIGIN) return byCategory(name, "Origin", (roi) => roi.row[ORIGIN], rois, "engine");
    const column = fluorite.tagColumns().find((candidate) => candidate.field === name);
    if (!column) return { name: "state", label: "State", legend: [], colourOf: (roi) => (roi.deleted ? UNTAGGED : roi.accepted ? style.accepted : style.rejected) };
    const read = (roi) => roi.row[column.field];
    if (column.type === "integer" || column.type === "decimal") return byNumber(name, column.name, read, rois);
    const words = (roi) => (column.type === "yes/no" ? (read(roi) ? "yes" : "no") : read(roi));
    return byCategory(name, column.name, words, rois, column.type === "yes/no" ? "no" : column.replacement);
  };
})();
