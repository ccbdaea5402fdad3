/* Edits on their way to the server: shown at once, sent one after another, kept while the server does not answer.
 *
 * `url` takes POST {request, based_on, actor} and GET ?known=version (204: nothing new); see app/stimulus_routes.py. */
(function () {
  "use strict";
  const fluorite = (window.fluorite = window.fluorite || {});
  const LOOK_EVERY_MS = 4000;

  fluorite.EditQueue = class {
    /* `page` has: isShown, answered(answer, request), changedByOthers(state), conflicted(conflict), failed(text),
     * progress(). */
    constructor(url, version, page) {
      this.url = url;
      this.version = version;
      this.page = page;
      this.waiting = [];
      this.sent = null;
      this.conflict = null;
      this.timer = setInterval(() => this.look(), LOOK_EVERY_MS);
      this.leaving = (event) => {
        if (!this.unsaved) return;
        event.preventDefault();
        event.returnValue = "";
      };
      window.addEventListener("beforeunload", this.leaving);
    }

    destroy() {
      clearInterval(this.timer);
      clearTimeout(this.again);
      window.removeEventListener("beforeunload", this.leaving);
    }

    get unsaved() {
      return this.waiting.length + (this.sent ? 1 : 0);
    }

    push(request) {
      this.waiting.push(request);
      this.page.progress();
      this.save();
    }

    async save() {
      if (this.sent || !this.waiting.length || this.conflict) return;
      clearTimeout(this.again);
      const request = (this.sent = this.waiting.shift());
      let answer;
      try {
        const response = await fetch(this.url, {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify({ request, based_on: this.version, actor: fluorite.actor() }),
        });
        if (!response.ok) throw new Error((await response.text()).trim().slice(0, 300));
        answer = await response.json();
      } catch (error) {
        this.waiting.unshift(request);
        this.sent = null;
        this.page.failed(error instanceof TypeError ? "The server does not answer." : error.message);
        this.again = setTimeout(() => this.save(), LOOK_EVERY_MS);
        return;
      }
      this.sent = null;
      if (answer.conflict) {
        this.waiting.unshift(request);
        this.conflict = answer;
        this.page.conflicted(answer.conflict);
        return;
      }
      if (answer.error) this.waiting = []; // what came after was meant on top of it
      this.version = answer.version;
      this.page.answered(answer, request);
      this.save();
    }

    /* Go on after a conflict: make the waiting edits on top of the others', or forget them. */
    resolve(keep) {
      const answer = this.conflict;
      this.conflict = null;
      if (!keep) this.waiting = [];
      this.version = answer.version;
      this.page.answered({ ...answer, conflict: null }, null);
      this.save();
    }

    /* What others did. */
    async look() {
      if (this.unsaved || this.conflict || document.hidden || !this.page.isShown) return;
      const known = this.version;
      try {
        const response = await fetch(`${this.url}?known=${encodeURIComponent(known)}`);
        if (response.status !== 200) return;
        const state = await response.json();
        if (this.unsaved || this.version !== known || !this.page.isShown) return;
        this.version = state.version;
        this.page.changedByOthers(state);
      } catch {
        // The next edit says that the server does not answer.
      }
    }
  };
})();
