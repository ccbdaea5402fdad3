/* Keyboard: space plays, arrows step (with shift by ten), Home and End jump, Escape
 * deselects. Not while typing or inside a table. */
(function () {
  "use strict";
  const TYPING = "input:not([type=range], [type=checkbox], [type=radio]), textarea, select, [contenteditable=true]";
  const ELSEWHERE = ".ag-root, [role=dialog], [role=listbox]";
  // What has the focus keeps the keys that it has a use for itself.
  const USES_SPACE = "button, a, summary, [type=checkbox], [type=radio]";
  const USES_ARROWS = "[type=range], [type=radio]";

  function taken(target, key) {
    if (!target.closest) return false;
    if (target.closest(TYPING) || target.closest(ELSEWHERE)) return true;
    return Boolean(target.closest(key === " " ? USES_SPACE : USES_ARROWS)) && key !== "Escape";
  }

  window.addEventListener("keydown", (event) => {
    const player = window.fluorite && window.fluorite.player;
    if (!player || !player.root.isConnected || event.ctrlKey || event.metaKey || event.altKey) return;
    if (taken(event.target, event.key)) return;
    const by = event.shiftKey ? 10 : 1;
    const actions = {
      " ": () => player.toggle(),
      ArrowLeft: () => player.step(-by),
      ArrowRight: () => player.step(by),
      Home: () => player.seek(0),
      End: () => player.seek(player.config.n_frames - 1),
      Escape: () => window.dash_clientside.set_props("selection", { data: [] }),
    };
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
})();
