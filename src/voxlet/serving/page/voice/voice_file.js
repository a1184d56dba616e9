// Reads a voice file's metadata, as docs/voice-file.md describes it.

import { Problem } from '../problem.js';

const METADATA = 14; // the field of a model with pairs of key and value
const KNOWN_FORMATS = [1, 2];
export const BOUNDS = { speed: [0.5, 2], pitch: [-12, 12], clarity: [0, 1] };
export const USUAL = { speed: 1, pitch: 0, clarity: 1 };

/** The protobuf varint at `place`, and where it ends. */
function varint(bytes, place) {
  let value = 0;
  for (let turn = 0; turn < 10; turn += 1) {
    const byte = bytes[place + turn];
    if (byte === undefined) break;
    value += (byte & 0x7f) * 2 ** (7 * turn);
    if (byte < 0x80) return [value, place + turn + 1];
  }
  throw new Problem('damaged');
}

/** The fields of a protobuf message that hold bytes, as [number, bytes]. */
function* fields(bytes) {
  let place = 0;
  while (place < bytes.length) {
    let key;
    [key, place] = varint(bytes, place);
    const wire = key % 8;
    let size = { 1: 8, 5: 4 }[wire];
    if (wire === 0) [, place] = varint(bytes, place);
    else if (wire === 2) [size, place] = varint(bytes, place);
    else if (size === undefined) throw new Problem('damaged');
    if (wire === 0) continue;
    if (place + size > bytes.length) throw new Problem('damaged');
    if (wire === 2) yield [Math.floor(key / 8), bytes.subarray(place, place + size)];
    place += size;
  }
}

function metadataOf(model) {
  const found = new Map();
  for (const [number, entry] of fields(model)) {
    if (number !== METADATA) continue;
    const pair = new Map(fields(entry));
    found.set(new TextDecoder().decode(pair.get(1)), pair.get(2) ?? new Uint8Array());
  }
  return found;
}

const whole = (value, least, most) => Number.isInteger(value) && value >= least && value <= most;
const named = (value) => typeof value === 'string' && value.trim() !== '' && value.length <= 200;

function checked(info) {
  if (!KNOWN_FORMATS.includes(info.format)) throw new Problem('newer', String(info.format));
  const unknown = (info.requires ?? []).filter((feature) => feature !== 'attributes');
  if (unknown.length > 0) throw new Problem('newer', unknown.join(', '));
  const { labels, speakers, attributes, variation, styleStd } = info;
  const sized = (style) => style.length === info.styleSize && style.every(Number.isFinite);
  const good =
    named(info.name) &&
    Array.isArray(labels) &&
    whole(labels.length, 1, 10_000) &&
    labels.every(named) &&
    Object.values(info.spellings).every((ways) => Array.isArray(ways) && ways.every(named)) &&
    whole(info.rate, 4000, 192_000) &&
    whole(info.frames, 1, 8192) &&
    whole(info.latentSize, 1, 1024) &&
    whole(info.styleSize, 1, 1024) &&
    attributes.every((name) => name in BOUNDS) &&
    Object.values(variation).every((value) => value >= 0 && value <= 6) &&
    (!styleStd || sized(styleStd)) &&
    Object.entries(speakers).every(([name, style]) => named(name) && sized(style));
  if (!good) throw new Problem('damaged');
  return info;
}

/** The metadata of a voice in bytes, and its style encoder's model, if it has one. */
export function readVoice(model) {
  const metadata = metadataOf(model);
  if (!metadata.has('voxlet')) throw new Problem('foreign');
  let raw;
  try {
    raw = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(metadata.get('voxlet')));
  } catch {
    throw new Problem('damaged');
  }
  const info = checked({
    format: raw.format,
    requires: raw.requires,
    name: raw.name,
    rate: raw.rate,
    labels: raw.labels,
    language: raw.language ?? 'und',
    spellings: raw.spellings ?? {},
    frames: raw.frames,
    latentSize: raw.latent_size,
    styleSize: raw.style_size,
    styleStd: raw.style_std,
    speakers: raw.speakers ?? {},
    attributes: raw.attributes ?? [],
    variation: { speed: 0, pitch: 0, ...raw.variation },
    card: raw.card ?? {},
  });
  const encoded = metadata.get('voxlet.style_encoder');
  const encoder = encoded && Uint8Array.from(atob(new TextDecoder().decode(encoded)), (c) => c.charCodeAt(0));
  return { info, encoder };
}
