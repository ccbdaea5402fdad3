/* The browse page: what is pressed becomes an action; the table asks for its rows again when the state changes. */
(function () {
  "use strict";
  const fluorite = (window.fluorite = window.fluorite || {});
  let serial = 0;

  document.addEventListener("click", (event) => {
    const button = event.target.closest && event.target.closest("[data-browse]");
    if (!button) return;
    const { browse: action, value, column } = button.dataset;
    if (action === "link") {
      navigator.clipboard.writeText(window.location.href).then(() => {
        const before = button.textContent;
        button.textContent = "Copied";
        setTimeout(() => (button.textContent = before), 1500);
      });
      return;
    }
    // The serial number: pressing the same again is another action.
    window.dash_clientside.set_props("browse-action", { data: { action, value, column, serial: (serial += 1) } });
  });

  fluorite.reloadRows = function () {
    const api = window.dash_ag_grid && document.getElementById("browse-grid") ? window.dash_ag_grid.getApi("browse-grid") : null;
    if (!api) return;
    api.deselectAll();
    api.purgeInfiniteCache();
  };

  fluorite.showAddress = function (address) {
    if (window.location.pathname === "/browse" && address) window.history.replaceState(window.history.state, "", address);
  };
})();
