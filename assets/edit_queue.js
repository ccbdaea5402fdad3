/* Edits on their way to the server: shown at once, sent in order, kept while the server does not answer; and what a page
 * says about them.
 *
 * `url` takes POST {requests, based_on, actor} and GET ?known=version (204: nothing new); see app/routes/edits.py and
 * app/routes/stimuli.py. */
(function () {
  "use strict";
  const fluorite = (window.fluorite = window.fluorite || {});
  const LOOK_EVERY_MS = 4000;
  const SAID_FOR_MS = 6000;
  // The server has then answered what the next cell needs, and keys that come fast are saved together.
  const SAVE_AFTER_MS = 150;

  fluorite.EditQueue = class {
    /* `page` has: isShown, batch(waiting): how many of them to send at once, answered(answer, requests),
     * changedByOthers(state), progress(), and the EditStatus `status`. */
    constructor(url, version, page) {
      this.url = url;
      this.version = version;
      this.page = page;
      this.waiting = [];
      this.sent = [];
      this.conflict = null;
      this.saving = null;
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
      this.save();
      window.removeEventListener("beforeunload", this.leaving);
    }

    get unsaved() {
      return this.waiting.length + this.sent.length;
    }

    /* Take an edit, unless one is to be chosen about first; whether it was taken. */
    push(request) {
      if (this.conflict) {
        this.page.status.say("First choose what to do about the edits of others.", "is-error");
        return false;
      }
      this.waiting.push(request);
      this.page.progress();
      this.saving ??= setTimeout(() => this.save(), SAVE_AFTER_MS);
      return true;
    }

    async save() {
      clearTimeout(this.saving);
      this.saving = null;
      if (this.sent.length || !this.waiting.length || this.conflict) return;
      clearTimeout(this.again);
      const requests = (this.sent = this.waiting.splice(0, this.page.batch(this.waiting)));
      this.page.progress();
      let answer;
      try {
        const response = await fetch(this.url, {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify({ requests, based_on: this.version, actor: fluorite.actor() }),
        });
        if (!response.ok) throw new Error((await response.text()).trim().slice(0, 300));
        answer = await response.json();
      } catch (error) {
        this.waiting.unshift(...requests);
        this.sent = [];
        this.failed(error instanceof TypeError ? "The server does not answer." : error.message);
        return;
      }
      this.sent = [];
      if (answer.conflict) {
        this.waiting.unshift(...requests);
        this.conflict = answer;
        this.page.status.note(answer.conflict.text, [
          ["Make my changes on top of theirs", () => this.resolve(true)],
          ["Discard my changes", () => this.resolve(false)],
        ]);
        this.page.progress();
        return;
      }
      // What came after an edit that could not be made was meant on top of it.
      if (answer.error) requests.push(...this.waiting.splice(0));
      this.version = answer.version;
      this.page.status.note("");
      this.page.answered(answer, requests);
      this.page.status.answered(answer);
      this.save();
    }

    failed(cause) {
      this.page.status.note(`${cause} ${fluorite.plural(this.unsaved, "edit")} not saved yet.`, [["Try again", () => this.save()]]);
      this.again = setTimeout(() => this.save(), LOOK_EVERY_MS);
    }

    /* Go on after a conflict: make the waiting edits on top of the others', or forget them. */
    resolve(keep) {
      const { conflict, ...answer } = this.conflict;
      this.conflict = null;
      this.version = conflict.version;
      this.page.status.note("");
      this.page.answered(answer, keep ? [] : this.waiting.splice(0));
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
        this.page.status.say("Others edited this sample; their changes are shown.", "is-hint");
      } catch {
        // The next edit says that the server does not answer.
      }
    }
  };

  /* What a page says about its edits: a line, which fades, and a note, which stays and may have buttons. */
  fluorite.EditStatus = class {
    /* `idle()` is what the line says when there is nothing to say. */
    constructor(line, note, idle) {
      Object.assign(this, { lineId: line, noteId: note, idle, said: "" });
    }

    say(text, kind = "") {
      const line = document.getElementById(this.lineId);
      if (!line) return;
      line.dataset.kind = text ? kind : "";
      line.className = `curation-status ${kind}`;
      this.said = text;
      this.refresh();
      clearTimeout(this.silence);
      if (text && kind !== "is-error") this.silence = setTimeout(() => this.say(""), SAID_FOR_MS);
    }

    answered({ error, said }) {
      this.say(error || said, error ? "is-error" : said ? "is-hint" : "");
    }

    /* Whether all is saved, behind what was just said; an error stands alone. */
    refresh() {
      const line = document.getElementById(this.lineId);
      if (!line) return;
      const state = this.said && line.dataset.kind === "is-error" ? "" : this.idle();
      line.textContent = [this.said, state].filter(Boolean).join(" \u00b7 ");
    }

    note(text, actions = []) {
      const place = document.getElementById(this.noteId);
      if (!place) return;
      place.hidden = !text;
      place.replaceChildren(
        fluorite.element("span", {}, text),
        ...actions.map(([label, onclick]) => fluorite.element("button", { type: "button", class: "btn btn-sm btn-outline-secondary", onclick }, label))
      );
    }
  };
})();
