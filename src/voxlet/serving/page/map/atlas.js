// One model's map: its clips, their places, and the mapping from place to latent and back.

const NEIGHBOURS = 5;
export const SCALES = { length: 'seconds', pitch: 'pitch', loudness: 'level', doubt: 'doubt' };
export const KINDS = ['real', 'generated', 'yours'];

/** Decode base64 text of 16-bit numbers, times their scale. */
function unpacked({ values, scale }) {
  const bytes = Uint8Array.from(atob(values), (c) => c.charCodeAt(0));
  return Float32Array.from(new Int16Array(bytes.buffer), (value) => value * scale);
}

const dot = (a, b) => a.reduce((sum, x, i) => sum + x * b[i], 0);

export class Atlas {
  /** `base`: the URL of its files; without it, the data contain all sounds. */
  constructor(data, base = null) {
    Object.assign(this, data);
    this.base = base;
    this.own = new Map(); // samples of added clips, by index
    this.memory = data.latents ? unpacked(data.latents) : (data.memory ?? null); // latents, one after the other
    this.bySource = new Map(data.source.map((source, i) => [source, i]));
    /** (latent, label) => Promise of { samples, rate }: set if this browser can decode. */
    this.decode = null;
    /** (file) => Promise of { latent, samples, rate }: set if it can encode. */
    this.encode = null;
  }

  get size() {
    return this.x.length;
  }

  get latentSize() {
    return this.plane ? this.plane.centre.length : 0;
  }

  /** Whether every place can be decoded and played. */
  get isLive() {
    return Boolean(this.decode && this.plane && this.memory);
  }

  speakerOf(i) {
    return this.speaker[i] < 0 ? null : this.speakers[this.speaker[i]];
  }

  labelOf(i) {
    return this.labels[this.label[i]];
  }

  latentOf(i) {
    const size = this.latentSize;
    return Array.from(this.memory.subarray(i * size, (i + 1) * size));
  }

  placeOf(i) {
    return [this.x[i], this.y[i]];
  }

  /** The place of a latent, from 0 to 1. */
  project(latent) {
    const { centre, directions, low, span } = this.plane;
    const away = latent.map((value, i) => value - centre[i]);
    return directions.map((direction, axis) => (dot(away, direction) - low[axis]) / span);
  }

  /** The latent in the plane at a place. */
  back(place) {
    const { centre, directions, low, span } = this.plane;
    const along = place.map((value, axis) => value * span + low[axis]);
    return centre.map((value, i) => value + along[0] * directions[0][i] + along[1] * directions[1][i]);
  }

  /** The part of a clip's latent outside the plane. */
  beyond(i) {
    const flat = this.back(this.placeOf(i));
    return this.latentOf(i).map((value, axis) => value - flat[axis]);
  }

  /** The clips nearest to a latent, or to a place of the map if no latent is given. */
  nearest(place, latent = null, count = 1) {
    const far = (i) => {
      if (!latent) return Math.hypot(this.x[i] - place[0], this.y[i] - place[1]);
      let sum = 0;
      for (let axis = 0; axis < latent.length; axis += 1) {
        sum += (this.memory[i * latent.length + axis] - latent[axis]) ** 2;
      }
      return sum;
    };
    const known = Array.from({ length: this.size }, (_, i) => i).filter((i) => this.kind[i] !== 2);
    if (count === 1) return [known.reduce((best, i) => (far(i) < far(best) ? i : best), known[0])];
    return known.map((i) => [far(i), i]).sort((a, b) => a[0] - b[0]).slice(0, count).map(([, i]) => i);
  }

  /** The clip nearest to the mean of those that `own` selects, a recording if there is one; or null. */
  typical(own) {
    const all = Array.from({ length: this.size }, (_, i) => i).filter(own);
    const real = all.filter((i) => this.kind[i] === 0);
    const chosen = real.length > 0 ? real : all;
    if (chosen.length === 0) return null;
    const spot = (i) => (this.memory ? this.latentOf(i) : this.placeOf(i));
    const middle = spot(chosen[0]).map((_, axis) => chosen.reduce((sum, i) => sum + spot(i)[axis], 0) / chosen.length);
    const far = chosen.map((i) => spot(i).reduce((sum, value, axis) => sum + (value - middle[axis]) ** 2, 0));
    return chosen[far.indexOf(Math.min(...far))];
  }

  /** Add a recording of the user's own; returns its index. */
  add({ name, latent, samples, rate }) {
    const i = this.size;
    const [x, y] = this.project(latent);
    const near = this.nearest([x, y], latent, NEIGHBOURS).map((other) => this.label[other]);
    const often = (label) => near.filter((other) => other === label).length;
    const label = near.reduce((best, one) => (often(one) > often(best) ? one : best), near[0]);
    for (const [key, value] of Object.entries({ x, y, label, speaker: -1, kind: 2, source: name })) this[key].push(value);
    for (const key of Object.values(SCALES)) this[key].push(null);
    this.seconds[i] = samples.length / rate;
    this.own.set(i, { samples, rate });
    this.bySource.set(name, i);
    const memory = new Float32Array(this.memory.length + latent.length);
    memory.set(this.memory);
    memory.set(latent, this.memory.length);
    this.memory = memory;
    return i;
  }
}
