// Words made before they are asked for: any key may be pressed next, and what it says then is known.

const MOST = 12; // words: more would cost a small machine more than they save
const QUIET = 500; // milliseconds after a key: guesses before would be in the way

/** Makes words ahead, one at a time, while nothing else is wanted of the voice. */
export class Ahead {
  /** `now` gives { client, labels, asked }, what is to be asked for a label; or null where nothing is to be made. */
  constructor(now) {
    this.now = now;
    this.pointed = null; // the label whose key was pointed at or pressed last
    this.guessing = Infinity; // when words are made whose keys nobody points at
    this.timer = 0;
    this.isBusy = false;
  }

  /** Something else is to be said from now on: its next words are made soon. */
  changed() {
    clearTimeout(this.timer);
    this.guessing = performance.now() + QUIET;
    this.timer = setTimeout(() => this.run(), QUIET);
  }

  /** A key may be pressed at once. */
  point(label) {
    this.pointed = label;
    this.run();
  }

  /** What the nearest keys say and is not made yet, the nearest first; undefined where nothing is wanted. */
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
      // Told when the key is pressed.
    } finally {
      this.isBusy = false;
    }
  }
}
