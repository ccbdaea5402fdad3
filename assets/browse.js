/* The browse page: what is pressed becomes an action; the lists of values and the menus of columns are drawn here; the
 * table asks for its rows again when the state changes. */
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
    if (action === "save") {
      window.dash_clientside.set_props("browse-save-name", { value: "" });
      window.dash_clientside.set_props("browse-save-problem", { children: "" });
      window.dash_clientside.set_props("browse-save-dialogue", { is_open: true });
      return;
    }
    // The serial number: pressing the same again is another action.
    window.dash_clientside.set_props("browse-action", { data: { action, value, column, serial: (serial += 1) } });
  });

  function element(tag, className, ...children) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    made.append(...children);
    return made;
  }

  /* A button that is an action, see above. What is known of files is text, never HTML. */
  function actionButton(className, dataset, ...children) {
    const button = element("button", className, ...children);
    button.type = "button";
    Object.assign(button.dataset, dataset);
    return button;
  }

  function valueEntry(column, [text, words, count, chosen]) {
    const name = element("span", "value-words", words);
    name.title = text || words;
    const number = element("span", "value-count", count.toLocaleString("en"));
    const entry = actionButton("value-entry", { browse: "value", column, value: text || "" }, name, number);
    entry.disabled = text === null;
    entry.setAttribute("aria-pressed", String(chosen));
    return entry;
  }

  function valueList({ column, label, values, more }) {
    const list = element("div", "value-list", ...values.map((value) => valueEntry(column, value)));
    list.dataset.column = column;
    if (more) list.append(element("div", "muted value-more", `and ${more.toLocaleString("en")} more values`));
    if (!values.length) list.append(element("span", "muted", "none"));
    const title = element("h3", "", label);
    title.title = column;
    return element("section", "value-panel", title, list);
  }

  /* The lists of values side by side; each stays scrolled where it was, and the focus where it was. */
  fluorite.drawValueLists = function ({ lists, problem }) {
    const panels = document.getElementById("browse-panels");
    if (!panels) return;
    const scrolled = new Map([...panels.querySelectorAll(".value-list")].map((list) => [list.dataset.column, list.scrollTop]));
    const focused = panels.contains(document.activeElement) ? { ...document.activeElement.dataset } : null;
    panels.replaceChildren(...(problem ? [element("p", "notice", problem)] : lists.map(valueList)));
    for (const list of panels.querySelectorAll(".value-list")) {
      const top = scrolled.get(list.dataset.column);
      if (top) list.scrollTop = top; // only where needed: it makes the browser lay out the page at once
    }
    if (!focused) return;
    const again = [...panels.querySelectorAll(".value-entry")].find(
      ({ dataset }) => dataset.column === focused.column && dataset.value === focused.value,
    );
    if (again) again.focus({ preventScroll: true });
  };

  let offered = { columns: [], list: [], column: [] };

  function fillMenu(menu) {
    const action = menu.dataset.menu;
    const list = menu.querySelector(".menu-list");
    const ticked = new Set(offered[action]);
    const entries = offered.columns.map(([name, label, help]) => {
      const tick = element("span", "menu-check", ticked.has(name) ? "\u2713" : "");
      const entry = actionButton("dropdown-item", { browse: action, value: name }, tick, label);
      entry.title = help;
      entry.setAttribute("role", "menuitemcheckbox");
      entry.setAttribute("aria-checked", String(ticked.has(name)));
      return entry;
    });
    const focused = list.contains(document.activeElement) ? document.activeElement.dataset.value : null;
    const top = list.scrollTop;
    list.replaceChildren(...entries);
    list.scrollTop = top;
    const again = focused && entries.find((entry) => entry.dataset.value === focused);
    if (again) again.focus({ preventScroll: true });
  }

  /* The two menus of columns are filled when they are opened, and stay open while columns are ticked. */
  fluorite.offerColumns = function (switches) {
    offered = switches;
    openMenus().forEach(fillMenu);
  };

  document.addEventListener("toggle", ({ target }) => target.matches("[data-menu][open]") && fillMenu(target), true);
  const openMenus = () => document.querySelectorAll("[data-menu][open]");
  document.addEventListener("pointerdown", (event) => {
    for (const menu of openMenus()) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of openMenus()) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
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
