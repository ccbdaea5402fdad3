/* Light or dark: as the system says until somebody chooses, then as was chosen, in this browser. In a cookie, because the
 * home page and every project have a port, and with it a storage, of their own. */
(function () {
  "use strict";
  const system = window.matchMedia("(prefers-color-scheme: dark)");

  function apply() {
    const [, chosen] = document.cookie.match(/(?:^|; )fluorite-theme=(light|dark)(?:;|$)/) || [];
    document.documentElement.dataset.bsTheme = chosen || (system.matches ? "dark" : "light");
  }

  apply();
  system.addEventListener("change", apply);
  document.addEventListener("click", (event) => {
    if (!event.target.closest || !event.target.closest("[data-theme=switch]")) return;
    const other = document.documentElement.dataset.bsTheme === "dark" ? "light" : "dark";
    document.cookie = `fluorite-theme=${other}; path=/; max-age=31536000; samesite=strict`;
    apply();
  });
})();
