// Runs watched live, one at a time, through the server's events.

import { playFile } from '../player.js';
import { problemOf } from '../problem.js';
import { lookAgain } from '../state.js';
import { batch, signal } from '../vendor/signals.js';
import { server } from './server.js';

export const runs = signal(null); // all of the folder, the newest first; null until they are known
export const watched = signal(null); // { name, job, run, points } of the one that is watched
export const trouble = signal(null); // { code, detail }
export const lost = signal(false); // the connection is lost; the browser tries again and again

let source = null;

function fail(error) {
  trouble.value = problemOf(error);
}

export async function findRuns() {
  trouble.value = null;
  try {
    runs.value = await server.runs();
  } catch (error) {
    fail(error);
  }
}

/** Watch a run from now on. */
export function watch(name) {
  if (watched.value?.name === name && source) return;
  leave();
  watched.value = { name, job: null, run: null, points: [] };
  source = server.events(name);
  source.onmessage = ({ data }) => {
    const { first, watched: found } = JSON.parse(data);
    const points = [...watched.value.points.slice(0, first), ...(found.run?.points ?? [])];
    const changed = watched.value.job && watched.value.job.state !== found.job?.state;
    if (changed) lookAgain(); // it may have made a voice
    batch(() => {
      lost.value = false;
      watched.value = { name, job: found.job, run: found.run, points };
    });
  };
  source.onerror = () => {
    lost.value = true; // the browser reconnects by itself
  };
}

export function leave() {
  source?.close();
  batch(() => {
    source = null;
    watched.value = null;
    lost.value = false;
  });
}

/** Watch the run of the newest job of a set of takes, if there is one. */
export async function findJob(takesName) {
  try {
    const job = (await server.jobs()).find((one) => one.source === takesName);
    if (job) watch(job.run);
    else leave();
  } catch (error) {
    fail(error);
  }
}

/** Begin a job, and watch its run. */
export async function begin(asked) {
  trouble.value = null;
  try {
    const job = await server.begin(asked);
    if (watched.value?.name === job.run) leave();
    watch(job.run);
  } catch (error) {
    fail(error);
  }
}

export async function cancel(number) {
  try {
    const job = await server.cancel(number);
    watched.value = { ...watched.value, job };
  } catch (error) {
    fail(error);
  }
}

export async function hearSample(file) {
  try {
    await playFile(await server.sample(watched.value.name, file));
  } catch (error) {
    fail(error);
  }
}
