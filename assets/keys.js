/* Keyboard of the sample page; the sheet under "?" (app/components/curation_view.py) says the same.
 * Not while typing or in a dialogue. */
(function () {
  "use strict";
  const fluorite = (window.fluorite = window.fluorite || {});
  const TYPING = "input:not([type=range], [type=checkbox], [type=radio]), textarea, select, [contenteditable=true]";
  const ELSEWHERE = "[role=dialog], [role=listbox], .ag-popup, .ag-cell-edit-wrapper";
  // What has the focus keeps the keys that it has a use for itself.
  const USES_SPACE = "button, a, summary, [type=checkbox], [type=radio], .ag-root";
  const USES_ARROWS = "[type=range], [type=radio], [role=slider], .ag-root";
  const ARROWS = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"];

  function taken(target, key) {
    if (!target.closest) return false;
    if (target.closest(TYPING) || target.closest(ELSEWHERE)) return true;
    if (key === " ") return Boolean(target.closest(USES_SPACE));
    return ARROWS.includes(key) && Boolean(target.closest(USES_ARROWS));
  }

  function movieKeys(event, player) {
    const by = event.shiftKey ? 10 : 1;
    return {
      " ": () => player.toggle(),
      ArrowLeft: () => player.step(-by),
      ArrowRight: () => player.step(by),
      Home: () => player.seek(0),
      End: () => player.seek(player.config.n_frames - 1),
      Escape: () => (player.measure.on ? player.measure.toggle(false) : fluorite.selectCells([])),
      u: () => player.measure.toggle(),
      b: () => fluorite.playBestEvent(),
      "+": () => player.zoomBy(1.5),
      "=": () => player.zoomBy(1.5),
      "-": () => player.zoomBy(1 / 1.5),
      0: () => player.resetView(),
      // As in ImageJ, where they are < and >.
      ...(player.config.depth && {
        ",": () => player.stepPlane(-1),
        ".": () => player.stepPlane(1),
        "<": () => player.stepPlane(-1),
        ">": () => player.stepPlane(1),
      }),
    };
  }

  function cellKeys(event, curation) {
    const actions = fluorite.curationActions;
    const keys = {
      j: () => curation.move(1, event.shiftKey),
      n: () => curation.move(1, event.shiftKey),
      ArrowDown: () => curation.move(1),
      k: () => curation.move(-1, event.shiftKey),
      p: () => curation.move(-1, event.shiftKey),
      ArrowUp: () => curation.move(-1),
      a: () => actions.accept(curation),
      r: () => actions.reject(curation),
      x: () => actions.delete(curation),
      Delete: () => actions.delete(curation),
      z: () => (event.shiftKey ? actions.redo : actions.undo)(curation),
      m: () => actions.merge(curation),
      s: () => actions.split(curation),
      d: () => actions.draw(curation, "polygon"),
      e: () => actions.draw(curation, "ellipse"),
      f: () => actions.draw(curation, "freehand"),
      l: () => actions.draw(curation, "line"),
      c: () => curation.nextColumn(),
      t: () => document.getElementById("tag-value") && document.getElementById("tag-value").focus(),
      "?": () => actions.help(curation),
    };
    curation.values().slice(0, 9).forEach((value, position) => (keys[position + 1] = () => curation.tag(value)));
    return keys;
  }

  /* A drop-down takes all keys for itself. One that was opened by mouse gives them back once something is chosen. */
  let clicked = null;
  document.addEventListener("pointerdown", ({ target }) => (clicked = target.closest && target.closest("select")), true);
  document.addEventListener("focusout", ({ target }) => target === clicked && (clicked = null));
  document.addEventListener("change", ({ target }) => {
    const { player } = fluorite;
    if (target !== clicked || !player || !player.root.isConnected || target.closest(ELSEWHERE)) return;
    target.blur();
  });

  window.addEventListener("keydown", (event) => {
    const { player, curation } = fluorite;
    if (!player || !player.root.isConnected || event.altKey || taken(event.target, event.key)) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (event.ctrlKey || event.metaKey) {
      if (curation && key === "a") curation.select(curation.listed());
      else if (curation && key === "z") fluorite.curationActions[event.shiftKey ? "redo" : "undo"](curation);
      else return;
      event.preventDefault();
      return;
    }
    // A focused button keeps the Enter key, but for one of a tool, which was clicked in order to draw.
    const pressed = event.key === "Enter" && event.target.closest("button:not([data-roi-tool]), a, summary");
    if (fluorite.drawing && !pressed && fluorite.drawing.key(event)) return void event.preventDefault();
    const action = (curation && cellKeys(event, curation)[key]) || movieKeys(event, player)[key];
    if (!action) return;
    event.preventDefault();
    action();
  });
})();
