// A queue of sounds to play, and decoding of recordings.

let context = null;
let playing = []; // { source, gain, start, end, mark }
let cursor = 0; // when the next sound may start

const FILE_RATE = 48_000; // Hz, at which files are played
const CUT = 0.01; // seconds in which an interrupted sound fades

/** The audio context, which browsers start only after a press. */
export function wake() {
  context ??= new AudioContext({ latencyHint: 'interactive' });
  if (context.state === 'suspended') context.resume();
  return context;
}

/** Fade out and stop all sounds. */
export function hush() {
  if (!context) return;
  const now = context.currentTime;
  for (const { source, gain } of playing) {
    gain.gain.setTargetAtTime(0, now, CUT / 3);
    source.stop(now + CUT);
  }
  playing = [];
  cursor = 0;
}

/** Queue samples, then `pause` seconds of silence; `sounding` returns their `mark`. */
export function play(samples, rate, mark, pause = 0) {
  wake();
  const buffer = context.createBuffer(1, samples.length, rate);
  buffer.copyToChannel(samples, 0);
  const source = new AudioBufferSourceNode(context, { buffer });
  const gain = new GainNode(context);
  source.connect(gain).connect(context.destination);
  const start = Math.max(cursor, context.currentTime);
  source.start(start);
  cursor = start + buffer.duration + pause;
  playing.push({ source, gain, mark, start, end: start + buffer.duration });
}

/** Play samples at once, in place of all other sounds. */
export function playAlone({ samples, rate }) {
  hush();
  play(samples, rate, null);
}

export async function playFile(file) {
  playAlone({ samples: await decode(file, FILE_RATE), rate: FILE_RATE });
}

/** The sound that plays (`mark` is null in a pause) and how far it is, from 0 to 1; null after the last. */
export function sounding() {
  if (!context) return null;
  const now = context.currentTime;
  playing = playing.filter((one) => one.end > now);
  const current = playing.find((one) => one.start <= now);
  if (current) return { mark: current.mark, share: (now - current.start) / (current.end - current.start) };
  return playing.length > 0 ? { mark: null, share: 0 } : null;
}

/** Seconds until the last sound ends. */
export function remaining() {
  return context && playing.length > 0 ? Math.max(0, playing.at(-1).end - context.currentTime) : 0;
}

/** Decode a recording in any format that the browser knows, as one channel at a rate. */
export async function decode(file, rate) {
  const offline = new OfflineAudioContext(1, 1, rate);
  const sound = await offline.decodeAudioData(await file.arrayBuffer());
  const mixed = new Float32Array(sound.length);
  for (let channel = 0; channel < sound.numberOfChannels; channel += 1) {
    sound.getChannelData(channel).forEach((x, t) => {
      mixed[t] += x / sound.numberOfChannels;
    });
  }
  return mixed;
}
