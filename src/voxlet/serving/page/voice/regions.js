// Where speech is in a clip, as in Python's `voxlet.trimming`, which has the reasons for each number.

import { Frames, decibels, emphasiseSpeech, frameLevels, largest, mean, round } from './frames.js';

const SILENCE_DB = -40;
const DIGITAL_SILENCE_DB = -80;
const [FLOOR_FRAMES, CLOSE_FLOOR_FRAMES] = [5, 3];
const FADE_FRAMES = [0, 10, 20];
const STEADY = [15, FLOOR_FRAMES, 1.3, 5];
const SEARCHES = [...FADE_FRAMES.map((fade) => [fade, ...STEADY]), [0, 5, CLOSE_FLOOR_FRAMES, 2, 20]];
const LOUDER_DB = 5;
const STEADY_DB = [
  [3.5, 9],
  [2, 6],
  [2, 6],
];
const SILENCE_REACH = 4;
const ABOVE_FLOOR_DB = 8;
const FLOOR_AT_MOST_DB = -22;
const [SMOOTH_FRAMES, SELDOM_PERCENT] = [3, 98];
const [EDGE_NATS, PART_NATS, WORD_NATS] = [4, 7, 20];
const [EDGE_TIMES, PART_TIMES, WORD_TIMES] = [1, 1.3, 3];
const CLOSE_TIMES = 1.3;
const SUSTAINED_FRAMES = 8;
const [CLICK_FRAMES, CLICK_SHARE] = [4, 0.9];
const [WORD_DB, BREATH_DB, PART_DB, BURST_DB] = [-25, -10, -34, 3];
const [BURST_FRAMES, CLOSURE_FRAMES, FRICATIVE_GAP_FRAMES, FAINT_GAP_FRAMES] = [12, 13, 8, 5];
const [CLICK_GAP_FRAMES, BARE_FRAMES, SYLLABLE_GAP_FRAMES] = [2, 7, 25];
const [VOICED, CLEARLY_VOICED] = [0.62, 0.8];
const [LOUDEST_FRAMES, QUIET_FRAMES] = [12, 20];
const [START_HOLD, STOP_HOLD, HIDDEN_DB] = [1, 2, 30];
const [CLEAR_FRAMES, CLEAR_NATS, CLEAR_SHARE] = [4, 1000, 0.2];
const WINDOW_REACH = 2;

const ratio = (db) => 10 ** (db / 10);
const smallest = (values) => values.reduce((least, value) => Math.min(least, value), Infinity);

/** Apply a function to each `count` successive values. */
function moving(values, count, apply) {
  return Array.from({ length: values.length - count + 1 }, (_, i) => apply(values.slice(i, i + count)));
}

function percentile(values, percent) {
  const sorted = [...values].sort((a, b) => a - b);
  const place = ((sorted.length - 1) * percent) / 100;
  const low = Math.floor(place);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (sorted[high] - sorted[low]) * (place - low);
}

/** First and one-past-last sample of each stretch of speech, in order; none if there is no sound. */
export function findSpeech(samples, rate) {
  if (!samples.some((x) => x !== 0)) return [];
  const middle = Math.fround(mean(samples));
  const frames = new Frames(samples.map((x) => x - middle), rate);
  const { powers, level, freedom } = frames.bandPowers();
  const background = findBackground(powers, level);
  const evidence = weigh(powers, level, background, freedom);
  const stretches = choose(frames, evidence, background);
  const fine = frameLevels(emphasiseSpeech(frames.samples, rate), rate);
  return inSamples(frames, stretches, evidence, fine);
}

/** A clip without the silence at its ends, except `margin` seconds on each side. */
export function trim(samples, rate, margin) {
  const regions = findSpeech(samples, rate);
  const [start, stop] = regions.length > 0 ? [regions[0][0], regions.at(-1)[1]] : [0, samples.length];
  const extra = round(margin * rate);
  return samples.subarray(Math.max(0, start - extra), stop + extra);
}

/** The steady background: each band's minimum, then the mean of the frames that are near it in all bands. */
function findBackground(powers, level) {
  const loudest = largest(level);
  const silent = level.map((value) => value <= loudest * ratio(DIGITAL_SILENCE_DB));
  const besideSilence = level.map((_, frame) =>
    silent.slice(Math.max(0, frame - SILENCE_REACH), frame + SILENCE_REACH + 1).some(Boolean),
  );
  const sustained = largest(moving(level, Math.min(FLOOR_FRAMES, level.length), smallest));
  const live = level.map((_, frame) => frame).filter((frame) => !silent[frame]);
  for (const [fade, fewest, averaged, bias, aboveDb] of SEARCHES) {
    const middle = live.slice(fade, Math.max(fade, live.length - fade));
    if (middle.length < 2 * fewest) continue;
    const found = steadyFrames(powers, live, middle, { fewest, averaged, bias });
    if (found) {
      const floor = mean(found.map((frame) => level[frame]));
      const loud = floor * ratio(LOUDER_DB);
      const beside = level.some((value, frame) => value > loud && besideSilence[frame]);
      if (sustained > floor * ratio(aboveDb) && !beside) {
        return { level: floor, steady: true, powers: bandMeans(powers, found), frames: found };
      }
    }
  }
  const floor = smallest(moving(level, Math.min(CLOSE_FLOOR_FRAMES, level.length), mean));
  return { level: floor, steady: false, frames: [] };
}

function bandMeans(powers, frames) {
  return powers[0].map((_, band) => mean(frames.map((frame) => powers[frame][band])));
}

/** The frames that are alike in all bands, or null if they are too few. */
function steadyFrames(powers, live, middle, { fewest, averaged, bias }) {
  let means = powers[0].map(
    (_, band) => bias * smallest(moving(middle.map((frame) => powers[frame][band]), averaged, mean)),
  );
  let alike = [];
  for (const [averageDb, anyDb] of STEADY_DB) {
    alike = live.filter((frame) => {
      const excess = powers[frame].map((power, band) => 10 * Math.log10(power / means[band]));
      return Math.abs(mean(excess)) < averageDb && largest(excess) < anyDb;
    });
    if (alike.length < fewest) return null;
    means = bandMeans(powers, alike);
  }
  return alike;
}

/** The evidence for speech in each frame. */
function weigh(powers, level, background, freedom) {
  const speech = level.map((value) => (background.steady ? Math.max(value - background.level, 1e-14) : value));
  const top = largest(moving(speech, Math.min(SUSTAINED_FRAMES, speech.length), smallest));
  const least = top * ratio(SILENCE_DB);
  const audible = speech.map((value) => value >= least);
  if (!background.steady) {
    const above = Math.min(background.level * ratio(ABOVE_FLOOR_DB), top * ratio(FLOOR_AT_MOST_DB));
    const heard = audible.map((one, frame) => one && level[frame] >= above);
    return { speech, top, least, edge: heard, part: heard, word: heard, faint: heard.map((one) => !one), hidden: 0 };
  }
  const raw = powers.map((row) =>
    row.reduce((sum, power, band) => {
      const excess = Math.max(power / background.powers[band], 1);
      return sum + (freedom[band] / 2) * (excess - 1 - Math.log(excess));
    }, 0),
  );
  const padded = [raw[0], ...raw, raw.at(-1)];
  const nats = moving(padded, SMOOTH_FRAMES, mean);
  let seldom = percentile(background.frames.map((frame) => nats[frame]), SELDOM_PERCENT);
  if (background.frames.length < STEADY[0]) {
    const quiet = new Set(background.frames);
    const alone = background.frames.filter((frame) =>
      [frame - 1, frame + 1].every((beside) => quiet.has(beside) || beside < 0 || beside === nats.length),
    );
    seldom = CLOSE_TIMES * Math.max(0, ...alone.map((frame) => nats[frame]));
  }
  const hidden = (decibels(background.level) - decibels(least)) / HIDDEN_DB;
  const exceed = (fixed, times) =>
    nats.map((value, frame) => audible[frame] && value >= Math.max(fixed, times * seldom));
  const clear = Math.min(CLEAR_NATS, CLEAR_SHARE * largest(nats));
  return {
    speech,
    top,
    least,
    edge: exceed(EDGE_NATS, EDGE_TIMES),
    part: exceed(PART_NATS, PART_TIMES),
    word: exceed(WORD_NATS, WORD_TIMES),
    faint: nats.map((value) => value < clear),
    hidden: Math.min(Math.max(hidden, 0), 1),
  };
}

/** Runs of frames whose flag is set, as [first, one past the last]. */
function runs(flags) {
  const found = [];
  flags.forEach((flag, frame) => {
    if (flag && !flags[frame - 1]) found.push([frame, frame + 1]);
    else if (flag) found.at(-1)[1] = frame + 1;
  });
  return found;
}

/** The stretches that are speech: words, and what is close enough to one to be part of it. */
function choose(frames, evidence, background) {
  const step = Math.max(1, Math.floor(background.frames.length / QUIET_FRAMES));
  const quiet = background.frames.filter((_, index) => index % step === 0);
  const spans = runs(evidence.edge).filter(([start, stop]) => evidence.part.slice(start, stop).some(Boolean));
  const found = spans.map(([start, stop]) => describe(evidence, start, stop));
  if (found.length < 2) return found;
  for (const one of found) one.pitch = frames.pitchStrength(loudestFrames(evidence, one), quiet);
  const top = found.filter((one) => !one.click).reduce((most, one) => Math.max(most, one.peak), 0);
  let words = found.filter((one) => isWord(one, top));
  if (words.length === 0) words = [found.reduce((most, one) => (one.peak > most.peak ? one : most))];
  let kept = words;
  let rest = found.filter((one) => !words.includes(one));
  for (;;) {
    const near = rest.filter((one) => isPart(one, kept, words, top));
    if (near.length === 0) break;
    kept = [...kept, ...near];
    rest = rest.filter((one) => !near.includes(one));
  }
  return kept.sort((a, b) => a.start - b.start);
}

function describe(evidence, start, stop) {
  const speech = evidence.speech.slice(start, stop);
  const total = (values) => values.reduce((sum, value) => sum + value, 0);
  const dense = largest(moving(speech, Math.min(CLICK_FRAMES, speech.length), total));
  return {
    start,
    stop,
    peak: largest(speech),
    click: dense >= CLICK_SHARE * total(speech),
    word: evidence.word.slice(start, stop).some(Boolean),
    pitch: 0,
  };
}

function loudestFrames(evidence, { start, stop }) {
  const frames = Array.from({ length: stop - start }, (_, index) => start + index);
  frames.sort((a, b) => evidence.speech[b] - evidence.speech[a]);
  return frames.slice(0, LOUDEST_FRAMES);
}

function isWord(one, top) {
  if (one.click || !one.word || one.peak < top * ratio(WORD_DB)) return false;
  return one.peak >= top * ratio(BREATH_DB) || one.pitch >= VOICED;
}

/** Frames between a stretch and the nearest of others. */
function gapTo(one, others) {
  return smallest(others.map((other) => Math.max(other.start - one.stop, one.start - other.stop)));
}

/** Whether a stretch that is no word belongs to the kept ones, some of which are words. */
function isPart(one, kept, words, top) {
  const gap = gapTo(one, kept);
  const length = one.stop - one.start;
  if (one.click) {
    if (one.peak > top * ratio(BURST_DB) || gap > SYLLABLE_GAP_FRAMES) return false;
    const closed = words.some((word) => one.start >= word.stop && one.start - word.stop <= CLOSURE_FRAMES);
    const reach = length <= BARE_FRAMES ? CLICK_GAP_FRAMES : FAINT_GAP_FRAMES;
    return (
      (length > 1 && (closed || gap <= reach)) ||
      one.pitch >= CLEARLY_VOICED ||
      (gap <= CLOSURE_FRAMES && one.pitch >= VOICED)
    );
  }
  const loud = top * ratio(PART_DB);
  if (one.peak < loud) return gapTo(one, kept.filter((other) => other.peak >= loud)) <= FAINT_GAP_FRAMES;
  return gap <= (length <= BURST_FRAMES ? CLOSURE_FRAMES : FRICATIVE_GAP_FRAMES);
}

/** Bounds in samples: without what windows saw too early, with what noise hides. */
function inSamples(frames, stretches, evidence, fine) {
  const silent = fine.map((level) => level < decibels(evidence.least));
  const before = round(evidence.hidden * START_HOLD);
  const after = round(evidence.hidden * STOP_HOLD);
  const bounds = [];
  for (const stretch of stretches) {
    let { start, stop } = stretch;
    if (evidence.faint[Math.min(start + CLEAR_FRAMES - 1, stop - 1)]) start = Math.max(0, start - before);
    if (evidence.faint[Math.max(stop - CLEAR_FRAMES, start)]) stop = Math.min(fine.length, stop + after);
    for (let turn = 0; turn < WINDOW_REACH && start < stop - 1 && silent[start]; turn += 1) start += 1;
    for (let turn = 0; turn < WINDOW_REACH && stop > start + 1 && silent[stop - 1]; turn += 1) stop -= 1;
    let first = start * frames.hop;
    if (bounds.length > 0 && first <= bounds.at(-1)[1]) [first] = bounds.pop();
    bounds.push([first, Math.min(frames.samples.length, stop * frames.hop)]);
  }
  return bounds;
}
