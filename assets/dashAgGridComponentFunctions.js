/* Cells of tables that are more than text. */
(function () {
  "use strict";
  const components = (window.dashAgGridComponentFunctions = window.dashAgGridComponentFunctions || {});
  const { createElement } = window.React;

  components.Thumbnail = function (props) {
    if (!props.value) return null;
    return createElement("img", { src: props.value, alt: "", className: "thumbnail", loading: "lazy", height: 48 });
  };

  /* A long name breaks where its parts meet: sub-m1_ | ses-morning. */
  function breakable(name) {
    return name.split(/(?<=_)/).flatMap((part, i) => (i ? [createElement("wbr", { key: i }), part] : [part]));
  }

  components.SampleLink = function (props) {
    const { reason } = props.data;
    if (!reason) return sampleName(props);
    return createElement(
      "div",
      { className: "sample-with-reason" },
      sampleName(props),
      createElement("span", { className: "sample-reason", title: reason }, reason)
    );
  };

  function sampleName(props) {
    if (!props.data.href) return createElement("span", { className: "sample-link" }, breakable(props.value));
    const open = (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
      event.preventDefault();
      window.fluorite.goTo(props.data.href);
    };
    return createElement("a", { href: props.data.href, onClick: open, className: "sample-link" }, breakable(props.value));
  }

  /* A sample of the browse page, or one of its cells. */
  components.BrowseLink = function (props) {
    if (!props.data) return null;
    const { identifier, status, roi_uuid: roi, reason } = props.data;
    const name = props.value.replace(/(_ophys)?\.nwb$/, "");
    if (status === "unreadable" || !identifier) return createElement("span", { title: reason || "" }, name);
    const of = status === "duplicate" ? props.value.replace(/\.nwb$/, "") : identifier;
    const href = `/sample/${encodeURIComponent(of)}${roi ? `?roi=${encodeURIComponent(roi)}` : ""}`;
    const open = (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
      event.preventDefault();
      window.fluorite.goTo(href);
    };
    return createElement("a", { href, onClick: open, className: "sample-link", title: reason || props.value }, name);
  };

  components.RoiState = function (props) {
    const kind = props.value ? "accepted" : "rejected";
    return createElement(
      "span",
      { className: `roi-state is-${kind}` },
      createElement("span", { className: "roi-swatch", "aria-hidden": "true" }),
      props.data.deleted ? "deleted" : kind,
      props.data.curated ? createElement("span", { className: "by-hand", title: "Decided by a person" }, "\u2713") : null
    );
  };

  components.StimulusColour = function (props) {
    return createElement(
      "span",
      { className: "colour-entry" },
      createElement("span", { className: "colour-swatch", style: { background: props.value }, "aria-hidden": "true" }),
      props.value
    );
  };

  components.Status = function (props) {
    const ok = props.value === "ok";
    return createElement(
      "span",
      { className: `sample-status ${ok ? "is-ok" : "is-bad"}`, title: props.data.reason || "" },
      ok ? "ready" : props.value
    );
  };
})();
