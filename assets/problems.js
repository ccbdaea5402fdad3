/* What went wrong in the background stays said until the person goes on: presses a button, to try it again. */
(function () {
  "use strict";
  document.addEventListener("click", (event) => {
    const said = document.getElementById("background-problem");
    const button = event.target.closest && event.target.closest("button");
    if (!said || !button || said.contains(button)) return;
    window.dash_clientside.set_props("background-problem", { is_open: false });
  });
})();
