/* The form of parameters: what differs from the preset is marked, what is searched for is shown. */
(function () {
  "use strict";
  const FIELD = "parameter";
  const same = (a, b) => String(a ?? "").replace(/\s+/g, "") === String(b ?? "").replace(/\s+/g, "");
  let usual = {};

  function mark(field, value, preset, words, onlyChanged) {
    const { key, modes } = field.dataset;
    const changed = !same(value, preset.texts[key]);
    field.classList.toggle("is-changed", changed);
    field.classList.toggle("is-several", String(value ?? "").includes(";"));
    field.classList.toggle("is-without-effect", !modes.split(" ").includes(preset.preset) && modes !== "online");
    const back = field.querySelector("[data-back]");
    back.textContent = `\u21ba ${preset.texts[key]}`;
    back.disabled = !changed;
    const found = words.every((word) => field.dataset.words.includes(word));
    field.hidden = !found || (onlyChanged && !changed);
    return changed;
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest && event.target.closest("[data-back]");
    if (!button) return;
    const key = button.dataset.back;
    window.dash_clientside.set_props({ key: key.replace(".", "/"), type: FIELD }, { value: usual[key] });
  });

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.fluorite = Object.assign(window.dash_clientside.fluorite || {}, {
    markParameters(values, preset, search, onlyChanged, ids) {
      if (!preset) return window.dash_clientside.no_update;
      usual = preset.texts;
      const words = String(search || "").toLowerCase().split(/\s+/).filter(Boolean);
      const byKey = Object.fromEntries(ids.map((id, number) => [id.key.replace("/", "."), values[number]]));
      const form = document.getElementById("parameters-form");
      if (!form) return window.dash_clientside.no_update;
      form.dataset.preset = preset.preset;
      let changed = 0;
      for (const group of form.querySelectorAll(".parameter-group")) {
        const fields = [...group.querySelectorAll(".parameter-field")];
        changed += fields.filter((field) => mark(field, byKey[field.dataset.key], preset, words, onlyChanged)).length;
        const shown = fields.some((field) => !field.hidden);
        group.hidden = !shown;
        if (shown && (words.length || onlyChanged)) group.open = true;
      }
      return changed;
    },
  });
})();
