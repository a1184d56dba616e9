// The page's state and its actions. Views read the signals; most are set only here.

import { copyLink } from './keep.js';
import { decode, hush, play, remaining, sounding, wake } from './player.js';
import { Problem, problemOf, reach } from './problem.js';
import { Ahead } from './run/ahead.js';
import { t } from './texts.js';
import { batch, computed, signal } from './vendor/signals.js';
import { VoiceClient } from './voice/client.js';
import { GAP, pauseAfter } from './voice/speech.js';
import { Plane, blend, randomStyle, readBlend, wishes, writeBlend } from './voice/styles.js';
import { TextError, Vocabulary, parse } from './voice/text.js';
import { USUAL } from './voice/voice_file.js';
import { encodeWav } from './voice/wav.js';

const SEARCHED = 60; // seconds of a recording that are searched for speech
const SHOWN = 6000; // milliseconds that a notice stays
const TYPING = 300; // milliseconds without a key until the text is drawn
const LARGEST_SEED = 2 ** 32;

export const view = signal('speak'); // the tab that is shown
export const voices = signal([]); // entries of voices.json
export const makes = signal(null); // whether the server can make voices; null: not known yet
export const chosen = signal(null); // one of the voices
export const voice = signal(null); // its metadata, once it is loaded
export const progress = signal(null); // { done, total } in bytes while it is fetched
export const trouble = signal(null); // { code, detail }: what keeps the page from speaking
export const told = signal(''); // what a screen reader is told
export const notice = signal(''); // the same, and shown for a while

export const text = signal('');
export const seed = signal(0);
export const who = signal(null); // { parts }: a blend, { fresh: true }: a random style, or { style, name }
export const manner = signal(USUAL);
export const refused = signal(null); // why the text cannot be said
export const utterance = signal(null); // { words: [{ label, start, end, samples }], samples, rate }
export const sounds = signal(null); // { index, share } of the word that plays
export const pressed = signal(null); // the label whose key was pressed last, while it plays
export const busy = signal(false);

export const soundingLabel = computed(() => utterance.value?.words[sounds.value?.index]?.label ?? pressed.value);
export const vocabulary = computed(() => voice.value && new Vocabulary(voice.value.labels, voice.value.spellings));
export const plane = computed(() => voice.value && new Plane(voice.value.speakers));
export const style = computed(() => voice.value && styleOf(who.value, voice.value, seed.value));
export const place = computed(() => (plane.value && style.value ? plane.value.project(style.value) : [0, 0]));

let client = null;
let turn = 0; // of the latest request: older ones stop when they see a newer
let typing = 0; // the timer of `type`
let noticing = 0; // the timer of `show`

function styleOf(whom, info, seedNow) {
  if (whom?.parts) return blend(whom.parts, info.speakers);
  if (whom?.fresh) return randomStyle(seedNow, info);
  return whom?.style ?? new Array(info.styleSize).fill(0);
}

function show(sentence) {
  notice.value = sentence;
  clearTimeout(noticing);
  noticing = setTimeout(() => {
    notice.value = '';
  }, SHOWN);
}

function fail(error) {
  trouble.value = problemOf(error);
}

// Voices

/** List the voices; load the one at the path `file`, or that of the link, or the first. */
export async function start(file) {
  trouble.value = null;
  try {
    const listed = await (await reach('voices.json', 'noVoices')).json();
    voices.value = listed.voices;
    makes.value = Boolean(listed.makes);
  } catch (error) {
    makes.value ??= false;
    fail(error.code ? error : { code: 'noVoices' });
    return;
  }
  if (voices.value.length === 0) fail({ code: 'noVoices' });
  else await openVoice(voices.value.find((one) => one.file === file)?.name ?? fromLink().get('voice'));
}

/** List the voices again; the loaded one stays. */
export async function lookAgain() {
  if (voices.value.length === 0) return; // the page shows the problem, with a button to try again
  const listed = await reach('voices.json', 'noVoices').then((answer) => answer.json()).catch(() => null);
  if (listed) voices.value = listed.voices;
}

/** Load and show the voice at a path of the server: one that was just made. */
export async function useVoice(file) {
  batch(() => {
    view.value = 'speak';
    voice.value = null; // no longer the previous one
  });
  await start(file);
}

export async function openVoice(name) {
  const entry = voices.value.find((one) => one.name === name) ?? voices.value[0];
  quiet();
  batch(() => {
    chosen.value = entry;
    voice.value = null;
    trouble.value = null;
    utterance.value = null;
    refused.value = null;
    progress.value = { done: 0, total: entry.bytes };
  });
  client ??= new VoiceClient();
  const asked = client;
  try {
    const info = await asked.open(entry, (one) => {
      progress.value = one;
    });
    if (chosen.value !== entry) return;
    batch(() => {
      progress.value = null;
      voice.value = info;
      readLink();
      told.value = t('loaded', { name: entry.name });
    });
    draw();
  } catch (error) {
    if (chosen.value !== entry || client !== asked) return; // no longer the voice or thread in use
    progress.value = null;
    client = null; // a thread that failed is not used again
    asked.end();
    fail(error);
  }
}

// Links

/** The parameters behind the address's #. */
export function fromLink() {
  return new URLSearchParams(location.hash.slice(1));
}

/** Set the state from the address, as far as the voice supports it. */
export function readLink() {
  const link = fromLink();
  const info = voice.value;
  const names = Object.keys(info.speakers);
  const whole = Number(link.get('seed'));
  const numbers = link.get('style')?.split(',').map(Number);
  batch(() => {
    text.value = link.get('text') ?? '';
    seed.value = Number.isSafeInteger(whole) && whole >= 0 ? whole : 0;
    const parts = link.get('speaker') && readBlend(link.get('speaker'), info.speakers);
    if (parts) who.value = { parts };
    else if (link.get('speaker') === 'random') who.value = { fresh: true };
    else if (numbers?.length === info.styleSize && numbers.every(Number.isFinite)) {
      who.value = { style: numbers, name: link.get('like') };
    } else who.value = names.length > 0 ? { parts: [[names[0], 1]] } : { fresh: true };
    const asked = Object.entries(USUAL).map(([name, usual]) => {
      const value = info.attributes.includes(name) && link.has(name) ? Number(link.get(name)) : usual;
      return [name, Number.isFinite(value) ? value : usual];
    });
    manner.value = Object.fromEntries(asked);
  });
}

/** The settings that reproduce the utterance: names and values as `voxlet say` takes them. */
export const settings = computed(() => {
  const found = {};
  if (who.value?.fresh) found.speaker = 'random';
  else if (who.value?.parts) found.speaker = writeBlend(who.value.parts);
  else if (who.value?.style) found.style = who.value.style.map((x) => Number(x.toFixed(6))).join(',');
  found.seed = String(seed.value);
  for (const [name, usual] of Object.entries(USUAL)) {
    if (manner.value[name] !== usual) found[name] = String(manner.value[name]);
  }
  return found;
});

function link() {
  const asked = new URLSearchParams({ text: text.value, voice: chosen.value.name, ...settings.value });
  if (who.value?.name) asked.set('like', who.value.name);
  return asked;
}

export async function keepLink() {
  show(t(await copyLink(link())));
}

// Speaking

function askedFor(label, index) {
  return { label, index, style: style.value, wishes: wishes(voice.value, manner.value, seed.value), seed: seed.value };
}

function clipOf(label, index) {
  return client.sample(askedFor(label, index));
}

/** A word in any style, for the map: { samples, rate }. */
export async function sampleAt(style0, label) {
  const wished = voice.value.attributes.map((name) => Number(name === 'clarity'));
  const samples = await client.sample({ label, index: 0, style: style0, wishes: wished, seed: 0 });
  return { samples, rate: voice.value.rate };
}

/** The style of the speaker in a file, and its samples: { latent, samples, rate }. */
export async function styleIn(file) {
  const { rate } = voice.value;
  const samples = await decode(file, rate).catch(() => {
    throw new Problem('noSound');
  });
  const searched = samples.slice(0, SEARCHED * rate);
  return { latent: await client.resemble(searched), samples: searched, rate };
}

/** The words of the text, or null if it cannot be said; `refused` says why. */
function readText() {
  try {
    refused.value = null;
    return parse(text.value, vocabulary.value);
  } catch (error) {
    if (!(error instanceof TextError)) throw error;
    refused.value = error;
    return null;
  }
}

/** Make the utterance word by word; `sound` gets each one's samples, index and pause. */
async function make(sound) {
  clearTimeout(typing);
  turn += 1;
  const own = turn;
  const spoken = readText();
  busy.value = Boolean(spoken && sound); // silent work needs no stop button
  if (!spoken) return false;
  const { rate } = voice.value;
  const words = [];
  let at = 0;
  try {
    for (const [index, word] of spoken.entries()) {
      const samples = await clipOf(word.label, index);
      if (own !== turn) return false;
      const rest = index === spoken.length - 1 ? 0 : pauseAfter(word.pause, rate);
      words.push({ label: word.label, samples, start: at, end: at + samples.length });
      at += samples.length + rest;
      // The word that plays is marked in its own picture, never in that of an older text.
      const shown = utterance.value?.words.map((one) => one.label).join();
      const other = shown !== spoken.map((one) => one.label).join();
      if (sound && index === 0 && other) utterance.value = joined([...words], at, rate);
      sound?.(samples, index, rest / rate);
    }
  } catch (error) {
    fail(error);
    return false;
  } finally {
    if (own === turn) busy.value = false;
  }
  utterance.value = words.length > 0 ? joined(words, at, rate) : null;
  return true;
}

function joined(words, length, rate) {
  const samples = new Float32Array(length);
  for (const word of words) samples.set(word.samples, word.start);
  return { words, samples, rate };
}

function follow() {
  const now = sounding();
  sounds.value = now && now.mark !== null ? { index: now.mark, share: now.share } : null;
  if (now) requestAnimationFrame(follow);
  else pressed.value = null;
}

function sound(samples, index, pause) {
  play(samples, voice.value.rate, index, pause);
  requestAnimationFrame(follow);
}

export function quiet() {
  turn += 1;
  hush();
  busy.value = false;
}

/** Say the whole text. */
export async function speak() {
  wake();
  hush();
  if (!(await make(sound)) || !utterance.value) return;
  ahead.changed();
  told.value = t('said', { words: utterance.value.words.map((word) => word.label).join(' ') });
}

/** Say one word of the utterance again. */
export function again(index) {
  hush();
  pressed.value = utterance.value.words[index].label;
  sound(utterance.value.words[index].samples, index, 0);
}

/** Draw the utterance of the changed text, without playing it. */
async function draw() {
  if (voice.value && text.value) await make();
  else {
    clearTimeout(typing);
    turn += 1;
    batch(() => {
      busy.value = false;
      utterance.value = null;
      refused.value = null;
    });
  }
  ahead.changed();
}

export function type(value) {
  text.value = value;
  clearTimeout(typing);
  typing = setTimeout(draw, TYPING);
}

export function erase() {
  text.value = Array.from(text.value.trimEnd()).slice(0, -1).join('');
  draw();
}

/** Press a key: its word is added to the text and plays at once, just as in the utterance. */
export async function press(label, written) {
  wake();
  turn += 1;
  const whose = voice.value;
  const single = Array.from(written).length === 1;
  const joined = text.value === '' || /\s$/.test(text.value) || (single && /\S$/.test(text.value) && lastIsSingle());
  const next = text.value + (joined ? written : ` ${written}`);
  const index = Math.max(0, countWords(next) - 1);
  const begin = (samples) => {
    hush(); // stop the word before: with fast presses, each word is heard
    sound(samples, index, 0);
  };
  const made = client.made(askedFor(label, index));
  if (made) begin(made); // before anything is drawn
  batch(() => {
    text.value = next;
    pressed.value = label;
  });
  ahead.pointed = label;
  try {
    if (!made) {
      const samples = await clipOf(label, index);
      if (voice.value !== whose) return;
      begin(samples);
    }
    await make();
    ahead.changed();
  } catch (error) {
    fail(error);
  }
}

/** How many words a text has; 0 if it cannot be said. */
function countWords(written) {
  try {
    return parse(written, vocabulary.value).length;
  } catch (error) {
    if (!(error instanceof TextError)) throw error;
    return 0;
  }
}

const ahead = new Ahead(() => {
  if (!voice.value || refused.value || view.value !== 'speak' || dragging || document.hidden) return null;
  const index = countWords(text.value);
  return { client, labels: voice.value.labels, asked: (label) => askedFor(label, index) };
});

/** Make the word of a key that may be pressed soon before the others. */
export function prepare(label) {
  ahead.point(label);
}

function lastIsSingle() {
  return Array.from(text.value.split(/\s/).at(-1)).every((one) => vocabulary.value.find(one) || /\p{Nd}/u.test(one));
}

export function addPause() {
  text.value = `${text.value.trimEnd()}, `;
  draw();
}

// Who speaks, and how

function changed(aloud) {
  if (aloud && text.value) speak();
  else draw();
}

export function speakAs(name) {
  who.value = { parts: [[name, 1]] };
  changed(true);
}

let dragging = false;

/** Speak as the blend at a place of the plane; while the point is dragged, word after word plays. */
export function moveTo(position) {
  const parts = plane.value.blendAt(position);
  if (parts.length === 0) return;
  who.value = parts.some(([name]) => /[,:]/.test(name)) && parts.length > 1
    ? { style: blend(parts, voice.value.speakers), name: null }
    : { parts };
  if (!dragging) hearOnTheWay();
}

async function hearOnTheWay() {
  const spoken = text.value ? readText() : [{ label: voice.value.labels[0] }];
  if (!spoken?.length) return;
  dragging = true;
  hush();
  turn += 1;
  const own = turn;
  for (let step = 0; dragging && own === turn; step += 1) {
    const index = step % spoken.length;
    const samples = await clipOf(spoken[index].label, index).catch(fail);
    if (!samples || own !== turn) break;
    sound(samples, index, GAP);
    const style0 = style.value;
    // The next word is made when this one is nearly over, and only if the point has moved.
    while (dragging && own === turn && (remaining() > 0.08 || style.value === style0)) {
      await new Promise((wait) => setTimeout(wait, 20));
    }
  }
}

export function dropHere() {
  dragging = false;
  turn += 1;
  changed(true);
}

export function throwSomebody() {
  batch(() => {
    seed.value = Math.floor(Math.random() * LARGEST_SEED);
    who.value = { fresh: true };
  });
  changed(true);
}

/** Another take: the same speaker, another seed. */
export function anotherTake(value = seed.value + 1) {
  if (!Number.isSafeInteger(value) || value < 0) return;
  batch(() => {
    if (who.value.fresh) who.value = { style: style.value, name: null };
    seed.value = value;
  });
  changed(true);
}

export function ask(name, value) {
  manner.value = { ...manner.value, [name]: value };
}

export async function resemble(file) {
  show(t('likeBusy', { name: file.name }));
  try {
    const { latent } = await styleIn(file);
    who.value = { style: latent, name: file.name };
    show(t('likeDone', { name: file.name }));
    changed(true);
  } catch (error) {
    const { code, detail } = problemOf(error);
    show(t(code, { detail }));
  }
}

// The sound as a file

export function wavFile() {
  const { samples, rate } = utterance.value;
  const whom = who.value;
  const speaker = whom.style
    ? { style: whom.style.map((x) => Number(x.toFixed(6))) }
    : { speaker: settings.value.speaker };
  const unusual = Object.entries(manner.value).filter(([name, value]) => value !== USUAL[name]);
  const metadata = { voice: voice.value.name, ...speaker, seed: seed.value, text: text.value };
  if (whom.name) metadata.like = whom.name;
  return encodeWav(samples, rate, { ...metadata, ...Object.fromEntries(unusual) });
}
