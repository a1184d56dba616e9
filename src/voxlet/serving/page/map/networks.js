// Decoding and encoding on a map: the model's networks in a thread, started on first use.

import { decode as decodeFile } from '../player.js';
import { Problem } from '../problem.js';
import { Thread } from '../run/thread.js';

const SEARCHED = 30; // seconds of a recording that are searched for a word

/** Let an atlas with networks decode latents and encode recordings; `loading` and `loaded` are told of files. */
export function connect(atlas, { loading, loaded }) {
  const { networks, base } = atlas;
  if (!networks || !base) return;
  let thread = null;
  const waited = new Set(); // requests whose file is loaded
  const asked = async (what, given) => {
    if (!thread) {
      thread = new Thread(new URL('./worker.js', import.meta.url));
      const files = { decoder: new URL(networks.decoder, base).href, encoder: new URL(networks.encoder, base).href };
      thread.ask('open', { ...networks, ...files }).catch(() => {}); // the next request fails, too, and reports it
    }
    const answer = await thread.ask(what, given, loading);
    if (!waited.has(what)) loaded();
    waited.add(what);
    return answer;
  };
  const numberOf = (label) => Math.max(0, atlas.labels.indexOf(label));
  atlas.decode = (latent, label) => asked('decode', { latent, label: numberOf(label) });
  atlas.encode = async (file) => {
    const samples = await decodeFile(file, networks.rate).catch(() => {
      throw new Problem('noSound');
    });
    return asked('encode', { samples: samples.slice(0, SEARCHED * networks.rate), label: 0 });
  };
}
