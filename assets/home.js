/* The home page opens a project: its dashboard is another server, on a port of its own. */
(function () {
  "use strict";
  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    fluorite_home: {
      go(url) {
        if (url) {
          const target = new URL(url);
          /* The same name as this page's, so that the browser keeps one set of choices, such as light or dark. */
          target.hostname = window.location.hostname;
          window.location.assign(target.href);
        }
        return window.dash_clientside.no_update;
      },
    },
  });
})();
