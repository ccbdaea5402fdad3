/* Frames of a movie by number: fetched a few ahead, decoded off the main thread, the latest kept.
 *
 * `urlOf(n)` gives the address of frame n. At most IN_FLIGHT requests run at once, because a browser opens six
 * connections to a server and the page needs some for itself. */
(function () {
  "use strict";
  const fluorite = (window.fluorite = window.fluorite || {});
  const IN_FLIGHT = 4;
  const KEPT = 64;

  /* A picture that the browser loads and decodes without this script. While a page starts, threads that decode pictures for
   * scripts have half a second of other work. */
  async function loaded(url, signal) {
    const image = new Image();
    signal.addEventListener("abort", () => (image.src = ""));
    await new Promise((resolve, reject) => Object.assign(image, { onload: resolve, onerror: reject, src: url }));
    return createImageBitmap(image);
  }

  async function fetched(url, signal) {
    const answer = await fetch(url, { signal });
    if (!answer.ok) throw new Error((await answer.text()).trim() || `The server answered ${answer.status}.`);
    return createImageBitmap(await answer.blob());
  }

  fluorite.FrameSource = class {
    /* `tag` is kept with every picture that `urlOf` brings: as what it was asked for. */
    constructor(urlOf, onFrame, onError, tag = null) {
      this.urlOf = urlOf;
      this.tag = tag;
      this.onFrame = onFrame;
      this.onError = onError;
      this.inFlight = IN_FLIGHT;
      this.begun = false; // whether any picture has arrived yet: the others wait for the first one
      this.frames = new Map();
      this.pending = new Map();
      this.wanted = [];
    }

    get(n) {
      return this.frames.get(n);
    }

    /* Ask for frames, the most urgent first. What is on its way and no longer wanted is given up. */
    want(numbers) {
      this.wanted = numbers.filter((n) => !this.frames.has(n));
      for (const [n, request] of this.pending) {
        if (!numbers.includes(n)) {
          request.abort();
          this.pending.delete(n);
        }
      }
      this._pump();
    }

    /* Whether a picture is among those that are kept. */
    keeps(bitmap) {
      return [...this.frames.values()].includes(bitmap);
    }

    /* Other levels or another picture: nothing that is kept is right any more. What is on the screen, `shown`, is drawn
     * until the next one arrives; whoever shows it closes it. */
    reset(urlOf, shown = null, tag = null) {
      this.urlOf = urlOf;
      this.tag = tag;
      for (const request of this.pending.values()) request.abort();
      this.pending.clear();
      for (const bitmap of this.frames.values()) if (bitmap !== shown) bitmap.close();
      this.frames.clear();
      this.wanted = [];
    }

    _pump() {
      while (this.wanted.length && this.pending.size < (this.begun ? this.inFlight : 1)) {
        const n = this.wanted.shift();
        if (!this.pending.has(n) && !this.frames.has(n)) this._fetch(n);
      }
    }

    async _fetch(n) {
      const request = new AbortController();
      this.pending.set(n, request);
      const { tag } = this;
      try {
        const url = this.urlOf(n);
        // Why a picture did not come, only what was fetched says.
        const first = this.begun ? null : await loaded(url, request.signal).catch(() => null);
        const bitmap = first || (await fetched(url, request.signal));
        if (this.pending.get(n) !== request) {
          bitmap.close();
          return;
        }
        this.pending.delete(n);
        this.begun = true;
        bitmap.tag = tag;
        this._keep(n, bitmap);
        this.onFrame(n);
      } catch (error) {
        if (request.signal.aborted) return;
        this.pending.delete(n);
        this.onError(n, error);
      }
      this._pump();
    }

    _keep(n, bitmap) {
      this.frames.set(n, bitmap);
      while (this.frames.size > KEPT) {
        const [oldest, old] = this.frames.entries().next().value;
        this.frames.delete(oldest);
        old.close();
      }
    }
  };
})();
