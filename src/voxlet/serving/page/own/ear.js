// Finds one word in blocks of samples, as Python's `voxlet.corpus.recording.microphone.hear` does.

const [BEFORE, AFTER] = [0.3, 0.6]; // seconds kept before speech begins; of silence that end a take
const MOST = 4; // seconds that a take lasts
const WAIT = 5; // seconds without speech that end a take
const ABOVE_DB = 12; // above the quietest block so far: speech
const AT_LEAST_DB = -50; // re full scale: weaker blocks are no speech

/** The level of a block in dB re full scale. */
export function levelOf(block) {
  let sum = 0;
  for (const x of block) sum += x * x;
  return 20 * Math.log10(Math.max(Math.sqrt(sum / block.length), 1e-6));
}

export class Ear {
  constructor(rate) {
    this.rate = rate;
    this.blocks = [];
    this.quietest = Infinity;
    this.begun = null; // the index of the block in which speech began
    this.seconds = 0;
    this.quiet = 0;
  }

  /** Add a block; returns the take with a little around it, or null while it goes on. */
  add(block) {
    const level = levelOf(block);
    this.blocks.push(block);
    this.quietest = Math.min(this.quietest, level);
    this.seconds += block.length / this.rate;
    if (level > Math.max(this.quietest + ABOVE_DB, AT_LEAST_DB)) {
      this.begun ??= this.blocks.length - 1;
      this.quiet = 0;
    } else {
      this.quiet += block.length / this.rate;
    }
    if (this.begun === null) return this.seconds < WAIT ? null : this.#from(0);
    if (this.quiet < AFTER && this.seconds < WAIT + MOST) return null;
    const before = this.blocks.slice(0, this.begun).reduce((sum, one) => sum + one.length, 0);
    return this.#from(Math.max(0, before - Math.round(BEFORE * this.rate)));
  }

  #from(first) {
    const whole = new Float32Array(this.blocks.reduce((sum, one) => sum + one.length, 0));
    let place = 0;
    for (const block of this.blocks) {
      whole.set(block, place);
      place += block.length;
    }
    return whole.subarray(first);
  }
}
