// The STFT and its inverse, as in Python's `voxlet.spectral`: centred frames with a Hann window, and the fast
// Griffin-Lim algorithm (Perraudin, Balazs, Sondergaard 2013) for spectra without a phase.

import { transform } from '../voice/transform.js';

const FLOOR = 1e-5; // the least amplitude
const ITERATIONS = 64;
const MOMENTUM = 0.99;
const TINY = 1e-12;

export class Spectra {
  /** Frames of `size` samples, a power of two, `hop` apart. */
  constructor(size, hop) {
    Object.assign(this, { size, hop, bands: size / 2 + 1 });
    this.window = Float64Array.from({ length: size }, (_, n) => 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / size));
    [this.real, this.imaginary] = [new Float64Array(size), new Float64Array(size)];
  }

  frames(samples) {
    return 1 + Math.floor(samples / this.hop);
  }

  /** Real and imaginary parts, frame after frame; each transform is of two frames. */
  forward(samples) {
    const { size, hop, bands, window, real, imaginary } = this;
    const count = this.frames(samples.length);
    const [re, im] = [new Float64Array(count * bands), new Float64Array(count * bands)];
    const padded = new Float64Array(samples.length + size + hop);
    padded.set(samples, size / 2);
    for (let frame = 0; frame < count; frame += 2) {
      const first = frame * hop;
      for (let n = 0; n < size; n += 1) {
        real[n] = window[n] * padded[first + n];
        imaginary[n] = window[n] * padded[first + hop + n];
      }
      transform(real, imaginary);
      for (let k = 0, at = frame * bands; k < bands; k += 1, at += 1) {
        const mirror = (size - k) % size;
        re[at] = (real[k] + real[mirror]) / 2;
        im[at] = (imaginary[k] - imaginary[mirror]) / 2;
        if (frame + 1 === count) continue;
        re[at + bands] = (imaginary[k] + imaginary[mirror]) / 2;
        im[at + bands] = (real[mirror] - real[k]) / 2;
      }
    }
    return { re, im };
  }

  /** Samples whose spectrum is nearest to this one: weighted overlap-add. */
  inverse({ re, im }, length) {
    const { size, hop, bands, window, real, imaginary } = this;
    const count = re.length / bands;
    const whole = (count - 1) * hop + size;
    const [sum, weight] = [new Float64Array(whole), new Float64Array(whole)];
    for (let frame = 0; frame < count; frame += 2) {
      const other = frame + 1 < count ? bands : 0; // the last of an odd number is paired with itself
      for (let k = 0, at = frame * bands; k < bands; k += 1, at += 1) {
        const edge = k === 0 || k === size / 2; // where a real sound has no imaginary part
        const [a, b] = [edge ? 0 : im[at], edge ? 0 : im[at + other]];
        const mirror = (size - k) % size;
        real[k] = re[at] - b;
        imaginary[k] = -(a + re[at + other]);
        if (edge) continue;
        real[mirror] = re[at] + b;
        imaginary[mirror] = a - re[at + other];
      }
      transform(real, imaginary);
      for (let n = 0, at = frame * hop; n < size; n += 1, at += 1) {
        sum[at] += (window[n] * real[n]) / size;
        weight[at] += window[n] ** 2;
        if (!other) continue;
        sum[at + hop] -= (window[n] * imaginary[n]) / size;
        weight[at + hop] += window[n] ** 2;
      }
    }
    const start = size / 2;
    return Float32Array.from({ length }, (_, t) => {
      const at = start + t;
      return at < whole && weight[at] > TINY ? sum[at] / weight[at] : 0;
    });
  }

  /** Samples whose spectrum has nearly these amplitudes, frame after frame. */
  griffinLim(amplitude, length) {
    const spectrum = { re: new Float64Array(amplitude.length), im: new Float64Array(amplitude.length) };
    const last = { re: new Float64Array(amplitude.length), im: new Float64Array(amplitude.length) };
    const draw = uniform(1);
    amplitude.forEach((value, at) => {
      const turn = 2 * Math.PI * draw();
      spectrum.re[at] = value * Math.cos(turn);
      spectrum.im[at] = value * Math.sin(turn);
    });
    for (let turn = 0; turn < ITERATIONS; turn += 1) {
      const { re, im } = this.forward(this.inverse(spectrum, length));
      for (let at = 0; at < amplitude.length; at += 1) {
        const ahead = re[at] + MOMENTUM * (re[at] - last.re[at]);
        const aside = im[at] + MOMENTUM * (im[at] - last.im[at]);
        const scale = amplitude[at] / Math.max(Math.sqrt(ahead * ahead + aside * aside), TINY);
        spectrum.re[at] = scale * ahead;
        spectrum.im[at] = scale * aside;
      }
      [last.re, last.im] = [re, im];
    }
    return this.inverse(spectrum, length);
  }

  /** The log spectrogram scaled to [0, 1], band after band, as clip VAEs learn it. */
  analyse(samples, range) {
    const { re, im } = this.forward(samples);
    const count = this.frames(samples.length);
    const amplitude = re.map((value, at) => Math.max(Math.hypot(value, im[at]), FLOOR));
    const top = amplitude.reduce((most, value) => Math.max(most, value), FLOOR);
    const decibels = amplitude.map((value) => Math.max(20 * Math.log10(value / top), -range));
    const low = decibels.reduce((least, value) => Math.min(least, value), 0);
    const values = new Float32Array(decibels.length);
    for (let frame = 0; frame < count; frame += 1) {
      for (let band = 0; band < this.bands; band += 1) {
        values[band * count + frame] = (decibels[frame * this.bands + band] - low) / Math.max(-low, 1e-6);
      }
    }
    return values;
  }

  /** Amplitudes, frame after frame, of a scaled log spectrogram, band after band. */
  amplitudes(values, low, high) {
    const count = values.length / this.bands;
    const amplitude = new Float64Array(values.length);
    values.forEach((value, at) => {
      const [band, frame] = [Math.floor(at / count), at % count];
      amplitude[frame * this.bands + band] = 10 ** ((value * (high - low) + low) / 20);
    });
    return amplitude;
  }
}

/** Reproducible random numbers from 0 to 1 (xorshift). */
function uniform(seed) {
  let state = seed * 0x9e3779b9 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
