/* Keyboard: space plays, arrows step (with shift by ten), Home and End jump. Not while typing or inside a table. */
(function () {
  "use strict";
  const BUSY = "input:not([type=range]):not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable=true], .ag-root, [role=dialog], [role=listbox]";

  window.addEventListener("keydown", (event) => {
    const player = window.fluorite && window.fluorite.player;
    if (!player || !player.root.isConnected || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest && event.target.closest(BUSY)) return;
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
    // A focused button would be pressed by space as well; arrows would move a focused slider a second time.
    event.preventDefault();
    action();
  });
})();
