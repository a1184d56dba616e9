// The voice in a worker thread: fetches, checks and opens it, and makes clips.

import { Problem } from '../problem.js';
import { answerWith } from '../run/thread.js';
import { fetched, openSession, runtime, startRuntime } from '../run/runtime.js';
import { NOISE_KEY, standardNormal } from './noise.js';
import { forEncoder, shape } from './speech.js';
import { readVoice } from './voice_file.js';

const LONGEST_WORD = 30; // seconds
const WARM = 8; // runs until the code is compiled

let opened; // { info, session, encoder, encoderSession }

async function digest(bytes) {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Fetch and open a voice; returns its metadata. */
async function open({ url, bytes, sha256 }, tell) {
  const [model] = await Promise.all([fetched(url, bytes, tell), startRuntime(() => {})]);
  // Browsers calculate digests only for localhost and https; the length is known everywhere.
  const whole = model.length === bytes && (!crypto.subtle || (await digest(model)) === sha256);
  if (!whole) throw new Problem('damaged');
  const { info, encoder } = readVoice(model);
  opened = { info, encoder, session: await openSession(model), encoderSession: null };
  const style = Object.values(info.speakers)[0] ?? new Array(info.styleSize).fill(0);
  const clip = await sample({ label: info.labels[0], style, wishes: info.attributes.map(() => 0), seed: 0, index: 0 });
  for (let turn = 0; turn < WARM; turn += 1) shape(clip, info.rate); // so that words need not wait for the compiler
  return { ...info, canResemble: Boolean(encoder) };
}

/** One word, ready to be joined with others. */
async function sample({ label, style, wishes, seed, index }) {
  const { info, session } = opened;
  const { Tensor } = runtime;
  const noise = standardNormal(seed, [NOISE_KEY, index], info.frames * info.latentSize);
  const feeds = {
    noise: new Tensor('float32', noise, [1, info.frames, info.latentSize]),
    label: new Tensor('int64', BigInt64Array.of(BigInt(info.labels.indexOf(label))), [1]),
    style: new Tensor('float32', Float32Array.from(style), [1, info.styleSize]),
  };
  if (wishes.length > 0) {
    feeds.attributes = new Tensor('float32', Float32Array.from(wishes), [1, wishes.length]);
  }
  const { waveform, length } = await session.run(feeds).catch(() => {
    throw new Problem('damaged');
  });
  const valid = Number(length.data[0]);
  const clip = waveform.data.slice(0, valid);
  const good = valid >= 1 && clip.length === valid && valid <= LONGEST_WORD * info.rate;
  if (!good || !clip.every(Number.isFinite)) throw new Problem('damaged');
  return shape(clip, info.rate);
}

/** The style of the speaker in samples at the voice's rate. */
async function resemble({ samples }) {
  const { info, encoder } = opened;
  const clip = forEncoder(samples, info.rate);
  if (clip === null) throw new Problem('noSpeech');
  opened.encoderSession ??= await openSession(encoder);
  const { style } = await opened.encoderSession.run({
    clip: new runtime.Tensor('float32', clip, [1, clip.length]),
  });
  return Array.from(style.data);
}

answerWith({ open, sample, resemble });
