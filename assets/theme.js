/* Light or dark: as the system says until somebody chooses, then as was chosen, in this browser. */
(function () {
  "use strict";
  const KEY = "fluorite-theme";
  const system = window.matchMedia("(prefers-color-scheme: dark)");

  function apply() {
    const chosen = window.localStorage.getItem(KEY) || (system.matches ? "dark" : "light");
    document.documentElement.dataset.bsTheme = chosen;
  }

  apply();
  system.addEventListener("change", apply);
  document.addEventListener("click", (event) => {
    if (!event.target.closest || !event.target.closest("[data-theme=switch]")) return;
    window.localStorage.setItem(KEY, document.documentElement.dataset.bsTheme === "dark" ? "light" : "dark");
    apply();
  });
})();
