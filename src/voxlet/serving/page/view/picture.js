// Pictures of a sound: its waveform and its spectrogram.

import { useEffect } from '../vendor/preact-hooks.js';
import { useSignal } from '../vendor/signals.js';
import { powerOfTwo, powerSpectrum } from '../voice/transform.js';

const [WAVE, SPECTRUM] = [96, 84]; // heights, in pixels
const BAR = 3; // pixels from one bar of the waveform to the next
const WINDOW_SECONDS = 0.025;
const RANGE_DB = 60;
const AT_ONCE = 24; // columns of a spectrogram that are calculated without a pause
const LATER = 250; // milliseconds until it begins, so that it does not delay fast key presses

/** A colour of the style sheet, by its name. */
export function ink(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function fit(canvas, height) {
  const scale = devicePixelRatio || 1;
  canvas.width = Math.round(canvas.clientWidth * scale);
  canvas.height = Math.round(height * scale);
  const context = canvas.getContext('2d');
  context.scale(scale, scale);
  return context;
}

/** Draw the waveform as bars, those of the word that plays in the accent colour. */
export function drawWave(canvas, { samples, words }, active) {
  const context = fit(canvas, WAVE);
  const width = canvas.clientWidth;
  const perBar = (samples.length * BAR) / width;
  const loudest = samples.reduce((most, x) => Math.max(most, Math.abs(x)), 1e-6);
  const [soft, bright] = ['--touch', '--accent'].map(ink); // once: reading a colour takes longer than drawing a bar
  for (let bar = 0; bar * BAR < width; bar += 1) {
    const [first, last] = [Math.floor(bar * perBar), Math.floor((bar + 1) * perBar)];
    let most = 0;
    for (let t0 = first; t0 < last; t0 += 1) most = Math.max(most, Math.abs(samples[t0]));
    const word = words.findIndex((one) => one.start <= first && first < one.end);
    if (word < 0) continue;
    const height = Math.max(1, (most / loudest) * (WAVE - 8));
    context.fillStyle = word === active ? bright : soft;
    context.fillRect(bar * BAR, (WAVE - height) / 2, BAR - 1, height);
  }
}

/** Levels of a sound in dB at `high` frequencies and `wide` moments; yields null after every few moments. */
function* levelsOf({ samples, rate }, wide) {
  const size = powerOfTwo(WINDOW_SECONDS * rate);
  const window = Float64Array.from({ length: size }, (_, n) => 0.5 - 0.5 * Math.cos((2 * Math.PI * (n + 0.5)) / size));
  const high = size / 2;
  const levels = new Float32Array(wide * high);
  const seen = new Float64Array(size);
  for (let x = 0; x < wide; x += 1) {
    const first = Math.round((samples.length * (x + 0.5)) / wide - size / 2);
    for (let n = 0; n < size; n += 1) seen[n] = window[n] * (samples[first + n] ?? 0);
    const power = powerSpectrum(seen, size);
    for (let y = 0; y < high; y += 1) levels[x * high + y] = 10 * Math.log10(power[y] + 1e-9);
    if (x % AT_ONCE === AT_ONCE - 1) yield null;
  }
  yield { levels, high };
}

function paintSpectrum(canvas, { levels, high }, wide) {
  const context = fit(canvas, SPECTRUM);
  const top = levels.reduce((most, level) => Math.max(most, level), -Infinity);
  const [from, to] = ['--spectrum-low', '--spectrum-high'].map((name) => ink(name).match(/\w\w/g).map((h) => parseInt(h, 16)));
  const image = new ImageData(wide, high);
  for (let x = 0; x < wide; x += 1) {
    for (let y = 0; y < high; y += 1) {
      const share = Math.max(0, 1 + (levels[x * high + y] - top) / RANGE_DB);
      const pixel = 4 * ((high - 1 - y) * wide + x);
      for (let c = 0; c < 3; c += 1) image.data[pixel + c] = from[c] + share * (to[c] - from[c]);
      image.data[pixel + 3] = 255;
    }
  }
  const small = new OffscreenCanvas(wide, high);
  small.getContext('2d').putImageData(image, 0, 0);
  context.drawImage(small, 0, 0, canvas.clientWidth, SPECTRUM);
}

/**
 * Draw the spectrogram: time to the right, frequency up; loud is dark on a light page, bright on a dark one. It is
 * calculated later and in parts, so that no key press waits for it; the function returned cancels it.
 */
export function drawSpectrum(canvas, said) {
  const wide = Math.ceil(canvas.clientWidth / 2);
  const steps = levelsOf(said, wide);
  let timer = 0;
  const go = () => {
    const { value } = steps.next();
    if (value) paintSpectrum(canvas, value, wide);
    else timer = setTimeout(go);
  };
  timer = setTimeout(go, LATER);
  return () => clearTimeout(timer);
}

/** A count that changes when the picture must be redrawn: for another width or colour scheme. */
export function useRedraw(element) {
  const turn = useSignal(0);
  useEffect(() => {
    const redraw = () => {
      turn.value += 1;
    };
    const seen = new ResizeObserver(redraw);
    seen.observe(element.current);
    const dark = matchMedia('(prefers-color-scheme: dark)');
    dark.addEventListener('change', redraw);
    return () => {
      seen.disconnect();
      dark.removeEventListener('change', redraw);
    };
  }, []);
  return turn.value;
}
