// From clips to an utterance, as in Python's `voxlet.speak.speech`: trimmed, levelled, faded, joined with pauses.

import { frameLevels, largest, mean, round } from './frames.js';
import { findSpeech, trim } from './regions.js';
import { Pause } from './text.js';

export const GAP = 0.08; // seconds between the words of a group
const LONGER = { [Pause.WORD]: 0, [Pause.GROUP]: 0.22, [Pause.PHRASE]: 0.37, [Pause.LINE]: 0.62 };
const MARGIN = 0.03;
const FADE = 0.005;
const LEVEL_DB = -20;
const STRESS_DB = 3;
const LOUD_DB = 20;
const PEAK = 0.95;
const SPEECH_RMS = 0.08; // level of the style encoder's input
const HIGHEST_ENCODED = 0.99;
const ENCODED = [0.1, 15]; // seconds of its input, least and most

/** The pause after a word, in samples. */
export function pauseAfter(pause, rate) {
  return round((GAP + LONGER[pause]) * rate);
}

/** Make a sampled clip ready to be joined. */
export function shape(clip, rate) {
  const middle = Math.fround(mean(clip));
  const sound = settle(trim(clip.map((x) => x - middle), rate, MARGIN), rate);
  return fade(sound, rate).map((x) => Math.min(Math.max(x, -1), 1));
}

/** Bring a word gently to the common level: small differences stay, none exceeds 3 dB. */
function settle(samples, rate) {
  const highest = largest(samples.map(Math.abs));
  if (highest === 0) return samples;
  const levels = frameLevels(samples, rate);
  const top = largest(levels);
  const loud = levels.filter((level) => level >= top - LOUD_DB);
  const off = 10 * Math.log10(mean(loud.map((level) => 10 ** (level / 10)))) - LEVEL_DB;
  const gain = 10 ** ((STRESS_DB * Math.tanh(off / STRESS_DB) - off) / 20);
  const scale = Math.fround(Math.min(gain, PEAK / highest));
  return samples.map((x) => x * scale);
}

/** Fade in and out, so that the ends do not click. */
export function fade(samples, rate) {
  const count = Math.min(round(FADE * rate), Math.floor(samples.length / 2));
  const faded = samples.slice();
  for (let i = 0; i < count; i += 1) {
    const gain = Math.fround(0.5 - 0.5 * Math.cos((Math.PI * (i + 0.5)) / count));
    faded[i] *= gain;
    faded[faded.length - 1 - i] *= gain;
  }
  return faded;
}

/** The speech of a recording as the style encoder's input, or null if there is too little. */
export function forEncoder(samples, rate) {
  const regions = findSpeech(samples, rate);
  const [start, stop] = regions.length > 0 ? [regions[0][0], regions.at(-1)[1]] : [0, samples.length];
  const clip = samples.slice(start, stop);
  if (clip.length < ENCODED[0] * rate || !clip.some((x) => x !== 0)) return null;
  const spoken = regions.length > 0 ? regions : [[0, samples.length]];
  let energy = 0;
  let count = 0;
  for (const [first, last] of spoken) {
    for (let t = first; t < last; t += 1) energy += samples[t] ** 2;
    count += last - first;
  }
  const kept = clip.subarray(0, round(ENCODED[1] * rate));
  const scale = Math.min(SPEECH_RMS / Math.sqrt(energy / count), HIGHEST_ENCODED / largest(kept.map(Math.abs)));
  return kept.map((x) => x * Math.fround(scale));
}
