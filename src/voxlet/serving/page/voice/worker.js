// The voice, in a thread of its own: fetched with progress, checked, opened, and asked for one clip at a time.

import { NOISE_KEY, standardNormal } from './noise.js';
import { forEncoder, shape } from './speech.js';
import { VoiceError, readVoice } from './voice_file.js';

const WASM = new URL('../vendor/onnxruntime.wasm.gz', import.meta.url);
const GZIP = [0x1f, 0x8b];
const LONGEST_WORD = 30; // seconds
const MOST_BYTES = 256 * 2 ** 20;

let runtime; // ONNX Runtime, once it is loaded
let opened; // { info, session, encoder, encoderSession }

/** All bytes of a file; `tell` is given the bytes so far and the whole. */
async function fetched(url, size, tell) {
  let answer;
  try {
    answer = await fetch(url);
  } catch {
    throw new VoiceError('lost');
  }
  if (!answer.ok) throw new VoiceError('missing', String(answer.status));
  const parts = [];
  let done = 0;
  const reader = answer.body.getReader();
  for (;;) {
    const { value, done: ended } = await reader.read().catch(() => {
      throw new VoiceError('lost');
    });
    if (ended) break;
    parts.push(value);
    done += value.length;
    if (done > MOST_BYTES) throw new VoiceError('damaged');
    tell(done, size);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

async function unpacked(bytes) {
  if (bytes[0] !== GZIP[0] || bytes[1] !== GZIP[1]) return bytes; // the server has unpacked it
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function startRuntime(tell) {
  if (runtime) return runtime;
  if (typeof WebAssembly === 'undefined') throw new VoiceError('noWebAssembly');
  const [ort, wasm] = await Promise.all([
    import('../vendor/onnxruntime.js'),
    fetched(WASM, null, tell).then(unpacked),
  ]);
  ort.env.wasm.wasmBinary = wasm;
  ort.env.wasm.numThreads = 1; // quickest for words, and needs no special headers of the server
  ort.env.logLevel = 'error';
  runtime = ort;
  return ort;
}

async function openSession(model) {
  const options = { executionProviders: ['wasm'], graphOptimizationLevel: 'basic', logSeverityLevel: 4 };
  try {
    return await runtime.InferenceSession.create(model, options);
  } catch (error) {
    // A browser that forbids or lacks what ONNX Runtime needs fails before it looks at the model.
    throw new VoiceError(/backend|wasm/i.test(String(error)) ? 'noWebAssembly' : 'damaged');
  }
}

async function digest(bytes) {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Fetch and open a voice; what it says about itself. */
async function open({ url, bytes, sha256 }, tell) {
  const [model] = await Promise.all([fetched(url, bytes, tell), startRuntime(() => {})]);
  // Browsers calculate digests only for localhost and https; the length is known everywhere.
  const whole = model.length === bytes && (!crypto.subtle || (await digest(model)) === sha256);
  if (!whole) throw new VoiceError('damaged');
  const { info, encoder } = readVoice(model);
  opened = { info, encoder, session: await openSession(model), encoderSession: null };
  const style = Object.values(info.speakers)[0] ?? new Array(info.styleSize).fill(0);
  await sample({ label: info.labels[0], style, wishes: info.attributes.map(() => 0), seed: 0, index: 0 });
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
    throw new VoiceError('damaged');
  });
  const valid = Number(length.data[0]);
  const clip = waveform.data.slice(0, valid);
  const good = valid >= 1 && clip.length === valid && valid <= LONGEST_WORD * info.rate;
  if (!good || !clip.every(Number.isFinite)) throw new VoiceError('damaged');
  return shape(clip, info.rate);
}

/** The style of whoever speaks in samples at the voice's rate. */
async function resemble({ samples }) {
  const { info, encoder } = opened;
  const clip = forEncoder(samples, info.rate);
  if (clip === null) throw new VoiceError('noSpeech');
  opened.encoderSession ??= await openSession(encoder);
  const { style } = await opened.encoderSession.run({
    clip: new runtime.Tensor('float32', clip, [1, clip.length]),
  });
  return Array.from(style.data);
}

const ASKED = { open, sample, resemble };
let last = Promise.resolve(); // one at a time: the runtime has one thread

self.onmessage = ({ data: { id, ask, ...given } }) => {
  const tell = (done, total) => self.postMessage({ id, progress: { done, total } });
  last = last
    .then(() => ASKED[ask](given, tell))
    .then((result) => self.postMessage({ id, result }))
    .catch((error) => {
      self.postMessage({ id, failure: { code: error.code ?? 'broken', detail: error.detail ?? String(error) } });
    });
};
