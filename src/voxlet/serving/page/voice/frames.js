// A clip as frames: their levels, band powers and pitch, as in Python's `voxlet.trimming.frames`.

import { autocorrelation, filtered, powerOfTwo, powerSpectrum } from './transform.js';

const FRAME_SECONDS = 0.01;
const WINDOW_SECONDS = 0.04;
const RUMBLE_HZ = 120;
const VOWEL_HZ = 500;
const BAND_EDGES_HZ = [
  100, 170, 240, 310, 400, 500, 600, 720, 850, 1000, 1150, 1320, 1500, 1750, 2000, 2300, 2600, 2950, 3300, 3650,
  4000, 5000, 6300, 8000,
];
const PITCH_HZ = [75, 400];
const HARMONICS_HZ = [80, 1000];
const PITCH_FRAMES = 3;

/** Round to the nearest integer, halves to even. */
export function round(number) {
  const low = Math.floor(number);
  return number - low === 0.5 ? low + (low % 2) : Math.round(number);
}

export function mean(values) {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

export function largest(values) {
  return values.reduce((most, value) => Math.max(most, value), -Infinity);
}

export function decibels(power) {
  return 10 * Math.log10(Math.max(power, 1e-14));
}

/** Level of each 10 ms frame in dB re full scale; the last frame may be shorter. */
export function frameLevels(samples, rate) {
  const size = Math.max(1, round(FRAME_SECONDS * rate));
  return Array.from({ length: Math.ceil(samples.length / size) }, (_, frame) => {
    const part = samples.subarray(frame * size, (frame + 1) * size);
    return 10 * Math.log10(Math.max(mean(part.map((x) => x * x)), 1e-12));
  });
}

/** Samples filtered so that speech stands out from noise: no rumble, less below 500 Hz. */
export function emphasiseSpeech(samples, rate) {
  const size = Math.max(2, powerOfTwo(samples.length));
  const gains = Array.from({ length: size / 2 + 1 }, (_, k) => emphasis((k * rate) / size));
  const middle = mean(samples);
  return filtered(Float64Array.from(samples, (x) => x - middle), gains);
}

function emphasis(frequency) {
  const hertz = Math.max(frequency, 1e-3);
  return 1 / Math.sqrt((1 + (RUMBLE_HZ / hertz) ** 4) * (1 + (VOWEL_HZ / hertz) ** 2));
}

/** A clip without offset, in windows of 40 ms within it, one every 10 ms. */
export class Frames {
  constructor(samples, rate) {
    this.samples = samples;
    this.rate = rate;
    this.hop = Math.max(1, round(FRAME_SECONDS * rate));
    this.window = Math.min(samples.length, Math.max(1, round(WINDOW_SECONDS * rate)));
    this.taper = Float64Array.from(
      { length: this.window },
      (_, n) => 0.5 - 0.5 * Math.cos((2 * Math.PI * (n + 1)) / (this.window + 1)),
    );
    this.count = Math.ceil(samples.length / this.hop);
  }

  spectrum(frame, size) {
    const wanted = frame * this.hop + Math.floor((this.hop - this.window) / 2);
    const first = Math.min(Math.max(wanted, 0), this.samples.length - this.window);
    const seen = new Float64Array(this.window);
    for (let n = 0; n < seen.length; n += 1) seen[n] = Math.fround(this.taper[n]) * this.samples[first + n];
    return powerSpectrum(seen, size);
  }

  /** Each frame's mean squares in M bands and of the emphasised whole, and each band's degrees of freedom. */
  bandPowers() {
    const { rate } = this;
    const size = powerOfTwo(this.window);
    const hertz = Array.from({ length: size / 2 + 1 }, (_, k) => (k * rate) / size);
    const inner = BAND_EDGES_HZ.slice(0, -1).filter((edge) => edge < rate / 2);
    const edges = [...inner, Math.min(rate / 2, BAND_EDGES_HZ.at(-1)) + 1e-3];
    const members = edges
      .slice(1)
      .map((high, m) => hertz.map((f, k) => (f >= edges[m] && f < high ? k : -1)).filter((k) => k >= 0))
      .filter((band) => band.length > 0);
    const bands = members.length > 0 ? members : [hertz.map((_, k) => k)];
    const power2 = this.taper.reduce((sum, x) => sum + x ** 2, 0);
    const power4 = this.taper.reduce((sum, x) => sum + x ** 4, 0);
    const scale = 2 / (size * power2);
    const weights = hertz.map((f) => emphasis(f) ** 2);
    const powers = [];
    const level = [];
    for (let frame = 0; frame < this.count; frame += 1) {
      const spectrum = this.spectrum(frame, size);
      const sum = (band) => band.reduce((total, k) => total + spectrum[k], 0) * scale;
      powers.push(bands.map((band) => Math.max(sum(band), 1e-14)));
      level.push(Math.max(weights.reduce((total, weight, k) => total + weight * spectrum[k], 0) * scale, 1e-14));
    }
    const seconds = power2 ** 2 / power4 / rate;
    return { powers, level, freedom: bands.map((band) => ((2 * band.length * rate) / size) * seconds) };
  }

  /** Autocorrelation at the pitch period in these frames, after subtracting the spectrum of quiet ones. */
  pitchStrength(indices, quiet) {
    const size = powerOfTwo(2 * this.window);
    const background = new Float64Array(size / 2 + 1);
    for (const frame of quiet) {
      this.spectrum(frame, size).forEach((value, k) => {
        background[k] += value / quiet.length;
      });
    }
    const low = round(this.rate / PITCH_HZ[1]);
    const high = Math.min(round(this.rate / PITCH_HZ[0]), this.window - 1);
    if (high - low < 3) return 0;
    const own = autocorrelation(powerSpectrum(this.taper, size), high);
    const best = indices.map((frame) => {
      const power = this.spectrum(frame, size).map((value, k) => {
        const hertz = (k * this.rate) / size;
        return hertz >= HARMONICS_HZ[0] && hertz <= HARMONICS_HZ[1] ? Math.max(value - background[k], 0) : 0;
      });
      const found = autocorrelation(power, high);
      const strength = (lag) => found[lag] / Math.max(found[0], 1e-20) / (own[lag] / own[0]);
      let most = 0;
      for (let lag = low + 1; lag < high - 1; lag += 1) {
        const here = strength(lag);
        if (here >= strength(lag - 1) && here >= strength(lag + 1)) most = Math.max(most, here);
      }
      return most;
    });
    best.sort((a, b) => a - b);
    return best.at(-Math.min(PITCH_FRAMES, best.length));
  }
}
