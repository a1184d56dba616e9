// Words made ahead: any key may be pressed next, and its word is known.

const MOST = 12; // words: more would cost a small machine more than they save
const QUIET = 500; // milliseconds after a key press in which guesses would be in the way

/** Makes words ahead, one at a time, while the voice is idle. */
export class Ahead {
  /** `now` returns { client, labels, asked }; `asked` is the request for a label. Null if nothing is to be made. */
  constructor(now) {
    this.now = now;
    this.pointed = null; // the label whose key was pointed at or pressed last
    this.guessing = Infinity; // from when on words are made for other keys, too
    this.timer = 0;
    this.isBusy = false;
  }

  /** The utterance has changed: its next words are made soon. */
  changed() {
    clearTimeout(this.timer);
    this.guessing = performance.now() + QUIET;
    this.timer = setTimeout(() => this.run(), QUIET);
  }

  /** A key may be pressed next: make its word now. */
  point(label) {
    this.pointed = label;
    this.run();
  }

  /** The request for the nearest key whose word is not made yet, or undefined. */
  wanted() {
    const { client, labels, asked } = this.now() ?? {};
    if (!client?.isIdle) return undefined;
    const from = Math.max(0, labels.indexOf(this.pointed));
    const far = labels.map((label, place) => ({ label, steps: Math.abs(place - from) }));
    far.sort((a, b) => a.steps - b.steps);
    const many = performance.now() < this.guessing ? 1 : MOST;
    return far.slice(0, many).map(({ label }) => asked(label)).find((one) => !client.made(one));
  }

  async run() {
    if (this.isBusy) return;
    this.isBusy = true;
    try {
      for (let one = this.wanted(); one; one = this.wanted()) if (!(await this.now().client.makeAhead(one))) break;
    } catch {
      // Reported when the key is pressed.
    } finally {
      this.isBusy = false;
    }
  }
}
