// The sounds of a map's clips: Opus files with many clips each, decoded when first asked for.

import { Problem, reach } from '../problem.js';

const parts = new WeakMap(); // by atlas: a promise of each decoded file

async function bytesOf(atlas, part) {
  const named = atlas.parts[part];
  if (!atlas.base) return Uint8Array.from(atob(named), (c) => c.charCodeAt(0)).buffer;
  return (await reach(new URL(named, atlas.base), 'mapMissing')).arrayBuffer();
}

function decoded(atlas, part) {
  if (!parts.has(atlas)) parts.set(atlas, []);
  const known = parts.get(atlas);
  known[part] ??= (async () => {
    try {
      const bytes = await bytesOf(atlas, part);
      return await new OfflineAudioContext(1, 1, atlas.rate).decodeAudioData(bytes);
    } catch (error) {
      known[part] = undefined; // fetched again the next time
      throw error instanceof Problem ? error : new Problem('noOpus');
    }
  })();
  return known[part];
}

/** The sound of a clip: { samples, rate }. */
export async function soundOf(atlas, i) {
  if (atlas.own.has(i)) return atlas.own.get(i);
  if (!atlas.parts.length) return atlas.decode(atlas.latentOf(i), atlas.labelOf(i));
  const [part, start, seconds] = atlas.places[i];
  const buffer = await decoded(atlas, part);
  const rate = buffer.sampleRate;
  const [first, last] = [start, start + seconds].map((time) => Math.round(time * rate));
  return { samples: buffer.getChannelData(0).slice(first, last), rate };
}

/** Decode all files, one after the other, so that pointing plays at once; `tell` gets the share done. */
export async function readyAll(atlas, tell) {
  for (let part = 0; part < atlas.parts.length; part += 1) {
    await decoded(atlas, part);
    tell((part + 1) / atlas.parts.length);
  }
}
