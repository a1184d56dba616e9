// The map's state and its actions. Views read the signals; most are set only here.

import { save } from '../keep.js';
import { hush, play, playAlone, remaining, sounding, wake } from '../player.js';
import { problemOf } from '../problem.js';
import { number, t } from '../texts.js';
import { batch, computed, signal } from '../vendor/signals.js';
import { KINDS, SCALES } from './atlas.js';
import { STEPS as COLOURS, UNKNOWN, colourOf, rampColour, shapeOf } from './looks.js';
import { readyAll, soundOf } from './sounds.js';
import { PAUSE, STEPS, stepsOf } from './walks.js';

const WHOLE = { x: 0.5, y: 0.5, k: 1 };
const REMEMBERED = 150; // milliseconds until the address is written: browsers limit how often
const [FARTHEST, NEAREST] = [0.5, 200]; // of the zoom
const USUAL_RANGE = [0.02, 0.98]; // quantiles of a scale's values that its colours span

export const offered = signal([]); // [{ name, open: () => Promise of an Atlas }]
export const names = signal(['', '']); // of the map and the one beside it, '' where there is none
export const atlases = signal([]); // the one or two that are shown
export const trouble = signal(null); // { code, detail }
export const ready = signal(0); // share of the sounds that are decoded
export const colour = signal('label');
export const query = signal('');
export const off = signal({ label: [], speaker: [], kind: [] }); // names that are not shown
export const picked = signal(null); // [atlas, clip], both indices
export const pins = signal([]); // several of these
export const density = signal(true);
export const views = signal([WHOLE, WHOLE]);
export const tool = signal('point'); // or 'path'
export const path = signal(null); // { atlas, corners: [{ place, clip }], steps, now }
export const walked = signal(null); // { samples, rate } of the whole walk
export const heard = signal(null); // { label, about, figures, samples, rate }: the sound played last
export const mended = signal({}); // by the path of a recording: another label, or '-' to leave it out
export const saved = signal(null); // recordings in the table that was saved last; null if it has changed since
export const busy = signal(false);
export const notice = signal('');

const opened = new Map(); // promises of atlases by name
let usualColour = 'label';
let turn = 0; // of the latest request: older ones stop when they see a newer
let noting = 0;

// Which maps

/** Offer maps, and show those of the address, or the first one and `besides`. */
export async function offer(maps, besides = '') {
  offered.value = maps;
  const link = linked();
  const known = (name) => maps.some((one) => one.name === name);
  const first = known(link.get('map')) ? link.get('map') : maps[0].name;
  const second = known(link.get('beside')) ? link.get('beside') : link.has('map') ? '' : besides;
  await choose(first, second);
  restore();
}

export async function choose(first, second) {
  names.value = [first, second];
  trouble.value = null;
  stop();
  try {
    const wanted = [first, second].filter((name, at) => name && (at === 0 || name !== first));
    const found = await Promise.all(wanted.map(open));
    if (names.value[0] !== first || names.value[1] !== second) return;
    batch(() => {
      atlases.value = found;
      picked.value = null;
      path.value = null;
      pins.value = [];
      heard.value = null;
      usualColour = found[0].colour;
      colour.value = usualColour;
      views.value = [WHOLE, WHOLE];
    });
    prepare(found).catch(fail);
  } catch (error) {
    fail(error);
  }
}

async function open(name) {
  if (!opened.has(name)) opened.set(name, offered.value.find((one) => one.name === name).open());
  try {
    return await opened.get(name);
  } catch (error) {
    opened.delete(name);
    throw error;
  }
}

async function prepare(found) {
  ready.value = 0;
  for (const [at, atlas] of found.entries()) {
    await readyAll(atlas, (share) => {
      ready.value = (at + share) / found.length;
    });
  }
  ready.value = 1;
}

function fail(error) {
  trouble.value = problemOf(error);
}

// How clips are shown

export const offers = computed(() => {
  const scales = Object.keys(SCALES).filter((name) => atlases.value.some((one) => one[SCALES[name]].some((v) => v !== null)));
  const groups = ['speaker', 'kind'].filter((group) => namesOf(group).length > 1); // or all would have one colour
  return ['label', ...groups, ...scales];
});

/** The range of the colour scale, the same for all maps that are shown; null for names. */
export const scale = computed(() => {
  const key = SCALES[colour.value];
  if (!key) return null;
  const values = atlases.value.flatMap((one) => one[key]).filter((v) => v !== null).sort((a, b) => a - b);
  return values.length > 0 ? USUAL_RANGE.map((share) => values[Math.round(share * (values.length - 1))]) : [0, 1];
});

export const kindName = (kind) => t({ real: 'mapReal', generated: 'mapGenerated', yours: 'mapYours' }[kind]);
const somebody = (atlas, i) => atlas.speakerOf(i) ?? t('mapNobody');

/** Every name of a group, over all maps that are shown. */
export function namesOf(group) {
  if (group === 'kind') return KINDS.filter((_, kind) => atlases.value.some((one) => one.kind.includes(kind))).map(kindName);
  const key = group === 'label' ? 'labels' : 'speakers';
  const all = [...new Set(atlases.value.flatMap((one) => one[key]))];
  const unnamed = group === 'speaker' && all.length > 0 && atlases.value.some((one) => one.speaker.some((s) => s < 0));
  return unnamed ? [...all, t('mapNobody')] : all;
}

/** The look of a map's clips; `shade` has each one's index into the palette, -1 if it is filtered out. */
function look(atlas) {
  const group = colour.value;
  const span = scale.value;
  const all = span ? [] : namesOf(group);
  const words = query.value.trim().toLowerCase();
  const hidden = Object.fromEntries(Object.entries(off.value).map(([name, list]) => [name, new Set(list)]));
  const shade = new Int16Array(atlas.size);
  const places = new Map(all.map((name, at) => [name, at]));
  let found = 0;
  for (let i = 0; i < atlas.size; i += 1) {
    const of = { label: atlas.labelOf(i), speaker: somebody(atlas, i), kind: kindName(KINDS[atlas.kind[i]]) };
    const text = words && `${of.label} ${of.speaker} ${of.kind} ${atlas.source[i]}`.toLowerCase();
    const away = hidden.label.has(of.label) || hidden.speaker.has(of.speaker) || hidden.kind.has(of.kind);
    if (away || (words && !text.includes(words))) {
      shade[i] = -1;
      continue;
    }
    found += 1;
    if (!span) shade[i] = places.get(of[group]) ?? 0;
    else {
      const value = atlas[SCALES[group]][i];
      const share = value === null ? null : Math.min(1, Math.max(0, (value - span[0]) / (span[1] - span[0] || 1)));
      shade[i] = share === null ? COLOURS : Math.round(share * (COLOURS - 1));
    }
  }
  const palette = span
    ? [...Array.from({ length: COLOURS }, (_, at) => rampColour(at / (COLOURS - 1))), UNKNOWN]
    : all.map((_, at) => colourOf(at, all.length));
  return { shade, palette, shapes: span ? null : all.map((_, at) => shapeOf(at)), names: span ? null : all, found };
}

export const night = signal(false); // whether the colour scheme is dark
export const looks = computed(() => (night.value, atlases.value.map(look)));

export function paint(name) {
  colour.value = name;
  remember();
}

export function find(words) {
  query.value = words;
  remember();
}

export function toggle(group, name) {
  const list = off.value[group];
  off.value = { ...off.value, [group]: list.includes(name) ? list.filter((one) => one !== name) : [...list, name] };
  remember();
}

/** Show only one name of a group; if it already is, all. */
export function alone(group, name) {
  const others = namesOf(group).filter((one) => one !== name);
  const already = others.every((one) => off.value[group].includes(one));
  off.value = { ...off.value, [group]: already ? [] : others };
  remember();
}

export function showAll() {
  off.value = { label: [], speaker: [], kind: [] };
  query.value = '';
  remember();
}

export function move(at, view) {
  const k = Math.min(NEAREST, Math.max(FARTHEST, view.k));
  views.value = views.value.map((one, other) => (other === at ? { ...view, k } : one));
  remember();
}

export function whole() {
  views.value = [WHOLE, WHOLE];
  remember();
}

export function toggleDensity() {
  density.value = !density.value;
  remember();
}

// Hearing clips

/** The picked clip on map `at`, or null. */
export function pickedIn(at) {
  if (!picked.value) return null;
  const [own, i] = picked.value;
  if (own === at) return i;
  const from = atlases.value[own];
  return from.kind[i] === 1 ? null : (atlases.value[at].bySource.get(from.source[i]) ?? null); // generated: on one map only
}

export function figuresOf(atlas, i) {
  const say = {
    length: (v) => t('mapSeconds', { value: number(v, 2) }),
    pitch: (v) => t('mapHertz', { value: number(v) }),
    loudness: (v) => t('mapDecibels', { value: number(v) }),
    doubt: (v) => t('mapDoubt', { value: number(v, 2) }),
  };
  return Object.entries(SCALES).filter(([, key]) => atlas[key][i] !== null).map(([name, key]) => say[name](atlas[key][i]));
}

export const scaleText = (name, value) => ({
  length: t('mapSeconds', { value: number(value, 2) }), pitch: t('mapHertz', { value: number(value) }),
  loudness: t('mapDecibels', { value: number(value) }), doubt: number(value, 2),
})[name];

/** Pick a clip: show and play it. */
export async function pick(at, i, aloud = true) {
  const atlas = atlases.value[at];
  picked.value = [at, i];
  remember();
  turn += 1;
  const own = turn;
  try {
    const sound = await soundOf(atlas, i);
    if (own !== turn) return;
    if (aloud) playAlone(sound);
    const about = [somebody(atlas, i), kindName(KINDS[atlas.kind[i]]), atlas.source[i]].join(' · ');
    heard.value = { label: atlas.labelOf(i), about, figures: figuresOf(atlas, i).join(' · '), ...sound };
  } catch (error) {
    fail(error);
  }
}

export function again() {
  if (picked.value) pick(...picked.value);
}

export function pin(at, i) {
  const own = pins.value.findIndex((one) => one[0] === at && one[1] === i);
  pins.value = own < 0 ? [...pins.value, [at, i]] : pins.value.filter((_, place) => place !== own);
  remember();
}

/** Pick the nearest clip in a direction from the picked one. */
export function step(dx, dy) {
  const [at, from] = picked.value ?? [0, 0];
  const atlas = atlases.value[at];
  const { shade } = looks.value[at];
  let best = picked.value ? null : from;
  let least = Infinity;
  for (let i = 0; i < atlas.size; i += 1) {
    if (!picked.value || i === from || shade[i] < 0) continue;
    const [x, y] = [atlas.x[i] - atlas.x[from], atlas.y[i] - atlas.y[from]];
    const [along, aside] = [x * dx + y * dy, Math.abs(x * dy - y * dx)];
    if (along <= 1e-6 || aside > along) continue;
    const cost = Math.hypot(x, y) + aside;
    if (cost < least) [least, best] = [cost, i];
  }
  if (best !== null) pick(at, best);
}

export function clear() {
  batch(() => {
    picked.value = null;
    path.value = null;
    walked.value = null;
    query.value = '';
  });
  stop();
  remember();
}

// Walks over the map

/** The sound of a step: its latent decoded, or the nearest clip. */
function soundAt(atlas, { latent, clip }, label) {
  return latent ? atlas.decode(latent, label) : soundOf(atlas, clip);
}

function labelAt(atlas, corners, steps, at) {
  const ends = [corners[0], corners.at(-1)].map(({ clip }) => (clip === null ? null : atlas.labelOf(clip)));
  const told = ends[at < steps.length / 2 ? 0 : 1];
  return told ?? atlas.labelOf(steps[at].clip);
}

/** `way`: the step's number and how many there are, or null while the path is drawn. */
function showStep(atlas, one, sound, way) {
  const key = !way ? 'mapDecoded' : one.latent ? 'mapDecodedStep' : 'mapNearestStep';
  const about = t(key, { ...way, source: atlas.source[one.clip] });
  heard.value = { label: t('mapNear', { label: atlas.labelOf(one.clip) }), about, figures: '', ...sound };
}

export function begin(at, corner) {
  wake();
  stop();
  walked.value = null;
  path.value = { atlas: at, corners: [corner], steps: [], now: null };
  if (atlases.value[at].isLive) morph(corner);
}

export function extend(corner) {
  path.value = { ...path.value, corners: [...path.value.corners, corner] };
}

/** While a path is drawn, decode and play places along it. */
async function morph(first) {
  turn += 1;
  const own = turn;
  const atlas = atlases.value[path.value.atlas];
  let last = null;
  while (own === turn && path.value?.steps.length === 0) {
    const corner = path.value.corners.at(-1) ?? first;
    if (corner !== last) {
      last = corner;
      const latent = corner.clip === null ? atlas.back(corner.place) : atlas.latentOf(corner.clip);
      const one = { latent, clip: atlas.nearest(corner.place, latent)[0] };
      try {
        const sound = await soundAt(atlas, one, atlas.labelOf(one.clip));
        if (own !== turn) return;
        playAlone(sound);
        showStep(atlas, one, sound, null);
      } catch (error) {
        fail(error);
        return;
      }
    }
    // The next is made when this one is nearly over, and only if the point has moved.
    while (own === turn && remaining() > 0.08) await new Promise((wait) => setTimeout(wait, 20));
    await new Promise((wait) => setTimeout(wait, 20));
  }
}

/** Finish the drawn path, and play its steps. */
export function end() {
  const { atlas, corners } = path.value;
  if (corners.length < 2) {
    path.value = { ...path.value, steps: [{ place: corners[0].place, clip: corners[0].clip, latent: null }] };
    return;
  }
  setPath(atlas, corners);
  walk();
}

function setPath(at, corners) {
  walked.value = null;
  path.value = { atlas: at, corners, steps: stepsOf(atlases.value[at], corners), now: null };
}

const cornerAt = (atlas, i) => ({ place: atlas.placeOf(i), clip: i });

/** Walk between two names: `label:three` or `speaker:theo`. */
export function walkBetween(at, from, to) {
  const atlas = atlases.value[at];
  const ends = [from, to].map((asked) => {
    const [group, ...rest] = asked.split(':');
    const name = rest.join(':');
    return atlas.typical((i) => (group === 'label' ? atlas.labelOf(i) : atlas.speakerOf(i)) === name);
  });
  if (ends.includes(null)) return;
  setPath(at, ends.map((i) => cornerAt(atlas, i)));
  walk();
}

/** Walk through the pinned clips in their order. */
export function walkPins() {
  const at = pins.value[0][0];
  const own = pins.value.filter(([other]) => other === at).map(([, i]) => i);
  setPath(at, own.map((i) => cornerAt(atlases.value[at], i)));
  walk();
}

function follow(own) {
  if (own !== turn || !path.value) return;
  const now = sounding();
  if (now && now.mark !== null && now.mark !== path.value.now) path.value = { ...path.value, now: now.mark };
  if (now || busy.value) requestAnimationFrame(() => follow(own));
  else path.value = { ...path.value, now: null };
}

/** Play the path, step by step. */
export async function walk() {
  wake();
  hush();
  turn += 1;
  const own = turn;
  const { atlas: at, corners, steps } = path.value;
  const atlas = atlases.value[at];
  const sounds = [];
  busy.value = true;
  follow(own);
  try {
    for (const [k, one] of steps.entries()) {
      const sound = await soundAt(atlas, one, labelAt(atlas, corners, steps, k));
      if (own !== turn) return;
      sounds.push(sound);
      play(sound.samples, sound.rate, k, PAUSE);
      showStep(atlas, one, sound, { step: number(k + 1), count: number(steps.length) });
    }
    walked.value = joined(sounds);
  } catch (error) {
    fail(error);
  } finally {
    if (own === turn) busy.value = false;
  }
}

function joined(sounds) {
  const { rate } = sounds[0];
  const rest = Math.round(PAUSE * rate);
  const samples = new Float32Array(sounds.reduce((sum, one) => sum + one.samples.length + rest, -rest));
  let at = 0;
  for (const one of sounds) {
    samples.set(one.samples, at);
    at += one.samples.length + rest;
  }
  return { samples, rate, steps: STEPS };
}

/** Show a sentence below the tools; '' for none. */
export function tell(sentence) {
  notice.value = sentence;
}

export function stop() {
  turn += 1;
  hush();
  busy.value = false;
}

// The user's own recordings

/** Put a recording on every map that can place it. */
export async function place(file) {
  wake();
  const able = atlases.value.map((atlas, at) => [atlas, at]).filter(([atlas]) => atlas.encode && atlas.memory);
  if (able.length === 0) {
    notice.value = t('mapCannotPlace');
    return;
  }
  notice.value = t('likeBusy', { name: file.name });
  try {
    const found = [];
    for (const [atlas, at] of able) found.push([at, atlas.add({ name: file.name, ...(await atlas.encode(file)) })]);
    atlases.value = [...atlases.value];
    const [at, i] = found[0];
    notice.value = t('mapPlaced', { name: file.name, label: atlases.value[at].labelOf(i) });
    pick(at, i);
  } catch (error) {
    const { code, detail } = problemOf(error);
    notice.value = t(code, { detail });
  }
}

// Doubtful recordings

export function mend(source, label) {
  batch(() => {
    mended.value = { ...mended.value, [source]: label };
    saved.value = null;
  });
}

/** Save the manifest of all recordings with the corrections: path, label, speaker. */
export function saveTable() {
  const cell = (text) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const rows = atlases.value.find((one) => one.table)?.table ?? [];
  const kept = rows.filter(([source]) => mended.value[source] !== '-');
  const lines = kept.map(([source, label, who]) => [source, mended.value[source] || label, who].map(cell).join(','));
  save('corrected.csv', `path,label,speaker\n${lines.join('\n')}\n`, 'text/csv');
  saved.value = kept.length;
}

// Links: the state of the view stands behind the address's #.

const linked = () => new URLSearchParams(location.hash.slice(1));

function remember() {
  clearTimeout(noting);
  noting = setTimeout(() => history.replaceState(null, '', `#${link()}`), REMEMBERED);
}

export function forget() {
  clearTimeout(noting);
}

/** The state of the view as parameters of the address. */
export function link() {
  const parts = new URLSearchParams({ view: 'map', map: names.value[0] });
  if (names.value[1]) parts.set('beside', names.value[1]);
  if (colour.value !== usualColour) parts.set('colour', colour.value);
  if (query.value) parts.set('find', query.value);
  if (picked.value) parts.set('clip', picked.value.join('.'));
  if (pins.value.length > 0) parts.set('pins', pins.value.map((one) => one.join('.')).join('-'));
  views.value.forEach((view, at) => {
    if (view !== WHOLE) parts.set(`view${at}`, [view.x, view.y, view.k].map((v) => Number(v.toFixed(4))).join('_'));
  });
  for (const [group, list] of Object.entries(off.value)) if (list.length > 0) parts.set(`no-${group}`, list.join('|'));
  if (!density.value) parts.set('density', 'off');
  return parts;
}

function restore() {
  const parts = linked();
  if (parts.get('map') !== names.value[0] || atlases.value.length === 0) return;
  const clip = (text) => {
    const [at, i] = text.split('.').map(Number);
    return atlases.value[at] && i >= 0 && i < atlases.value[at].size ? [at, i] : null;
  };
  const list = (key, mark) => (parts.get(key) ?? '').split(mark).filter(Boolean);
  batch(() => {
    if (offers.value.includes(parts.get('colour'))) colour.value = parts.get('colour');
    query.value = parts.get('find') ?? '';
    pins.value = list('pins', '-').map(clip).filter(Boolean);
    off.value = Object.fromEntries(Object.keys(off.value).map((group) => [group, list(`no-${group}`, '|')]));
    views.value = views.value.map((view, at) => {
      const [x, y, k] = list(`view${at}`, '_').map(Number);
      return k > 0 && Number.isFinite(x) && Number.isFinite(y) ? { x, y, k } : view;
    });
    density.value = parts.get('density') !== 'off';
  });
  const shown = parts.has('clip') ? clip(parts.get('clip')) : null;
  if (shown) pick(...shown, false);
}
