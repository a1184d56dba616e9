// A clip VAE in a worker thread: decodes latents and encodes recordings.

import { Problem } from '../problem.js';
import { answerWith } from '../run/thread.js';
import { fetched, openSession, runtime, startRuntime } from '../run/runtime.js';
import { fade, shape } from '../voice/speech.js';
import { trim } from '../voice/regions.js';
import { Spectra } from './phase.js';

const TRIM_MARGIN = 0.05; // seconds, as in Python's `voxlet.corpus.prepare`
const SHORTEST = 0.1; // seconds of a word

const sessions = new Map(); // by the address of their file
let about = null; // the parameters of the model's spectra
let spectra = null;

async function session(url, tell) {
  if (!sessions.has(url)) {
    const opened = Promise.all([fetched(url, null, tell), startRuntime(() => {})]).then(([bytes]) => openSession(bytes));
    sessions.set(url, opened);
    opened.catch(() => sessions.delete(url)); // fetched again the next time
  }
  return sessions.get(url);
}

async function run(url, given, label, tell) {
  const opened = await session(url, tell);
  const feeds = { ...given };
  if (opened.inputNames.includes('label')) feeds.label = new runtime.Tensor('int64', BigInt64Array.of(BigInt(label)), [1]);
  return opened.run(feeds).catch(() => {
    throw new Problem('damaged');
  });
}

/** Set the model that is used from now on. */
function open(given) {
  about = given;
  spectra = new Spectra(about.n_fft, about.hop);
}

async function decode({ latent, label }, tell) {
  await startRuntime(() => {});
  const given = { latent: new runtime.Tensor('float32', Float32Array.from(latent), [1, latent.length]) };
  const { spectrogram } = await run(about.decoder, given, label, tell);
  const amplitude = spectra.amplitudes(spectrogram.data, about.low, about.high);
  return { samples: shape(spectra.griffinLim(amplitude, about.samples), about.rate), rate: about.rate };
}

/** The latent of samples at the model's rate, and the word in them that the encoder was given. */
async function encode({ samples, label }, tell) {
  await startRuntime(() => {});
  const { rate } = about;
  const middle = samples.reduce((sum, x) => sum + x, 0) / samples.length;
  const centred = samples.map((x) => x - middle);
  const word = fade((about.trim ? trim(centred, rate, TRIM_MARGIN) : centred).slice(0, about.samples), rate);
  if (word.length < SHORTEST * rate || word.every((x) => Math.abs(x) < 1e-4)) throw new Problem('noSpeech');
  const padded = new Float32Array(about.samples);
  padded.set(word);
  const values = spectra.analyse(padded, about.range_db);
  const shaped = [1, spectra.bands, values.length / spectra.bands];
  const given = { spectrogram: new runtime.Tensor('float32', values, shaped) };
  const { latent } = await run(about.encoder, given, label, tell);
  return { latent: Array.from(latent.data), samples: word, rate };
}

answerWith({ open, decode, encode });
