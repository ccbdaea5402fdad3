/* Saving what the player shows: it says what that is, the server makes the file, and the browser fetches it. */
(function () {
  "use strict";
  const fluorite = (window.fluorite = window.fluorite || {});

  fluorite.pictureRequest = function (kind, first, last, speed, outlines, enlarge, scaleBar) {
    const { player } = fluorite;
    const { low, high } = player.levels();
    const clip = kind === ".mp4" || kind === ".gif";
    // A clip is of a movie; what stands still has no frames.
    const background = clip && !player.isMovie ? player.views.get(player.viewName) : player.background;
    const picture = {
      image: background.name,
      frame: clip ? Math.max(Number(first) - 1, 0) : background.moving ? player.frame : 0,
      mean: background.moving ? player.mean : 1,
      plane: player.plane,
      levels: background === player.background ? [low, high] : null,
      gamma: player.painter.gamma,
      colours: player.painter.map,
      outlines,
      scale_bar: Boolean(scaleBar),
      enlarge: Number(enlarge),
    };
    if (clip) Object.assign(picture, { stop: Number(last), speed: Number(speed) });
    return { sample: player.config.sample, suffix: kind, id: window.crypto.randomUUID(), picture };
  };

  fluorite.savingClip = false; // whether a clip is being made of which nothing was heard yet

  fluorite.clipEnded = function () {
    if (!fluorite.savingClip || !document.getElementById("picture-running")?.hidden) return;
    fluorite.savingClip = false;
    const children = "Nothing was saved: it was cancelled, or its process was ended.";
    window.dash_clientside.set_props("picture-status", { children });
  };

  /* Download a file that was saved; what to say about it. */
  fluorite.fetchSaved = function (saved) {
    fluorite.savingClip = false;
    if (saved.error) return saved.error;
    const link = fluorite.element("a", { href: saved.url, download: saved.name });
    document.body.append(link);
    link.click();
    link.remove();
    return `Saved ${saved.name}: ${saved.what}.`;
  };
})();
