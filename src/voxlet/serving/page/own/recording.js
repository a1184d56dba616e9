// Recording takes of the user's own words: state and actions. Views read the signals.

import { hush, playFile } from '../player.js';
import { problemOf } from '../problem.js';
import { batch, signal } from '../vendor/signals.js';
import { encodeWav } from '../voice/wav.js';
import { Ear, levelOf } from './ear.js';
import { openMicrophone } from './microphone.js';
import { server } from './server.js';

const REST = 0.7; // seconds between two words
const SILENCES = 2; // takes in a row without speech, after which recording pauses
const BARS = 64; // levels that are shown

export const sets = signal(null); // names of all sets of takes; null until they are known
export const takes = signal(null); // the set that is recorded, as the server reports it
export const phase = signal('off'); // off, opening, listening, checking, resting
export const levels = signal([]); // of the last blocks, in dB re full scale
export const result = signal(null); // { word, problems, file } of the last take
export const trouble = signal(null); // { code, detail }: why recording stopped
export const selected = signal(null); // { word, file, number }: the take played last

let microphone = null;
let ear = null;
let rested = 0; // seconds since the last word
let silences = 0;
let unsent = null; // { word, wav }: a take that the server has not confirmed

function fail(error) {
  pause();
  trouble.value = problemOf(error);
}

/** How many takes there are and how many are wanted, and the fewest of a word. */
export function counted() {
  const { words, wanted } = takes.value;
  const there = words.reduce((sum, one) => sum + Math.min(one.takes.length, wanted), 0);
  return { there, wanted: words.length * wanted, least: Math.min(...words.map((one) => one.takes.length)) };
}

export async function findSets() {
  trouble.value = null;
  try {
    const names = await server.sets();
    if (!takes.value && names.length > 0) await openSet(names[0]);
    sets.value = names;
  } catch (error) {
    fail(error);
  }
}

export async function openSet(name) {
  pause();
  try {
    const found = name === null ? null : await server.takes(name);
    batch(() => {
      takes.value = found;
      result.value = null;
      selected.value = null;
      trouble.value = null;
    });
  } catch (error) {
    fail(error);
  }
}

/** Make a set of takes, or change its words; false if the server refuses. */
export async function want(name, wanted) {
  try {
    const found = await server.want(name, wanted);
    batch(() => {
      takes.value = found;
      trouble.value = null;
      result.value = null;
      if (!sets.value.includes(name)) sets.value = [...sets.value, name];
    });
    return true;
  } catch (error) {
    fail(error);
    return false;
  }
}

export async function record() {
  hush();
  batch(() => {
    phase.value = 'opening';
    trouble.value = null;
    levels.value = [];
  });
  silences = 0;
  try {
    const opened = await openMicrophone(hear, () => fail({ code: 'microphoneGone' }));
    if (phase.value !== 'opening') {
      opened.close(); // it was paused in the meantime
      return;
    }
    microphone = opened;
    listen();
  } catch (error) {
    fail(error);
  }
}

export function pause() {
  microphone?.close();
  microphone = null;
  ear = null;
  batch(() => {
    phase.value = 'off';
    levels.value = [];
  });
}

function listen() {
  if (!takes.value.next) {
    pause();
    return;
  }
  ear = new Ear(microphone.rate);
  phase.value = 'listening';
}

function hear(block) {
  if (!microphone) return;
  levels.value = [...levels.value.slice(1 - BARS), levelOf(block)];
  if (phase.value === 'resting') {
    rested += block.length / microphone.rate;
    if (rested >= REST) listen();
  } else if (phase.value === 'listening') {
    const take = ear.add(block);
    if (take) {
      phase.value = 'checking';
      unsent = { word: takes.value.next, wav: encodeWav(take, microphone.rate) };
      send();
    }
  }
}

/** Have the server check and keep the unsent take. */
async function send() {
  const { word, wav } = unsent;
  const name = takes.value.name;
  try {
    const checked = await server.addTake(name, word, wav);
    unsent = null;
    if (takes.value?.name !== name) return;
    batch(() => {
      takes.value = checked.takes;
      result.value = { word, problems: checked.problems, file: checked.file };
    });
    silences = checked.problems.includes('nothing') ? silences + 1 : 0;
    if (silences >= SILENCES) pause();
    if (!microphone) return;
    rested = 0;
    phase.value = 'resting';
  } catch (error) {
    fail(error);
  }
}

/** Try again after trouble: find the sets, or send the unsent take. */
export async function retry() {
  trouble.value = null;
  if (sets.value === null) {
    await findSets();
    return;
  }
  if (unsent) await send();
}

export async function hearTake(word, file, number) {
  pause();
  try {
    await playFile(await server.take(takes.value.name, file));
    selected.value = { word, file, number };
  } catch (error) {
    fail(error);
  }
}

/** Remove a take; its word is asked for again. */
export async function removeTake(file) {
  try {
    const found = await server.removeTake(takes.value.name, file);
    batch(() => {
      takes.value = found;
      selected.value = null;
      result.value = null;
    });
  } catch (error) {
    fail(error);
  }
}
