/* Frames of a movie by number: fetched a few ahead, decoded off the main thread, the latest kept.
 *
 * `urlOf(n)` gives the address of frame n. At most IN_FLIGHT requests run at once, because a browser opens six
 * connections to a server and the page needs some for itself. */
(function () {
  "use strict";
  const fluorite = (window.fluorite = window.fluorite || {});
  const IN_FLIGHT = 4;
  const KEPT = 64;

  fluorite.FrameSource = class {
    /* `tag` is kept with every picture that `urlOf` brings: as what it was asked for. */
    constructor(urlOf, onFrame, onError, tag = null) {
      this.urlOf = urlOf;
      this.tag = tag;
      this.onFrame = onFrame;
      this.onError = onError;
      this.inFlight = IN_FLIGHT;
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
      while (this.wanted.length && this.pending.size < this.inFlight) {
        const n = this.wanted.shift();
        if (!this.pending.has(n) && !this.frames.has(n)) this._fetch(n);
      }
    }

    async _fetch(n) {
      const request = new AbortController();
      this.pending.set(n, request);
      const { tag } = this;
      try {
        const answer = await fetch(this.urlOf(n), { signal: request.signal });
        if (!answer.ok) throw new Error((await answer.text()).trim() || `The server answered ${answer.status}.`);
        const bitmap = await createImageBitmap(await answer.blob());
        if (this.pending.get(n) !== request) {
          bitmap.close();
          return;
        }
        this.pending.delete(n);
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
