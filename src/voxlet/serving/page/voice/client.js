// Requests to the voice's threads, and a cache of the clips that they have made.

import { Thread } from '../run/thread.js';

const REMEMBERED = 300; // clips
const WORKER = new URL('./worker.js', import.meta.url);

export class VoiceClient extends Thread {
  constructor() {
    super(WORKER);
    this.clips = new Map();
    this.entry = null;
    this.spare = null; // a promise of a second thread, for words made ahead
  }

  /** Load a voice in place of the one before; `tell` gets `{done, total}` in bytes. */
  open(entry, tell) {
    this.clips.clear();
    this.spare?.then((thread) => thread?.end());
    this.spare = null;
    this.entry = { ...entry, url: new URL(entry.file, document.baseURI).href };
    return this.ask('open', this.entry, tell);
  }

  /** One word as samples; a repeated request is answered from the cache. */
  sample(asked, thread = this) {
    const key = JSON.stringify(asked);
    const kept = this.clips.get(key) ?? { clip: thread.ask('sample', asked), samples: null };
    this.clips.delete(key); // and to the end: the least recently used is dropped first
    this.clips.set(key, kept);
    kept.clip.then(
      (samples) => {
        kept.samples = samples;
      },
      () => this.clips.delete(key),
    );
    if (this.clips.size > REMEMBERED) this.clips.delete(this.clips.keys().next().value);
    return kept.clip;
  }

  /** The samples of a word that has been made, or null: at once, as a promise would let other work go first. */
  made(asked) {
    return this.clips.get(JSON.stringify(asked))?.samples ?? null;
  }

  /** Make a word ahead in the second thread; false if there is none, or the voice is no longer this one. */
  async makeAhead(asked) {
    const { entry } = this;
    this.spare ??= openSpare(entry);
    const thread = await this.spare;
    if (!thread || this.entry !== entry) return false;
    await this.sample(asked, thread);
    return true;
  }

  /** Whether no request is pending. */
  get isIdle() {
    return this.waiting.size === 0;
  }

  resemble(samples) {
    return this.ask('resemble', { samples });
  }
}

/** A second thread with the same voice, or null if it cannot be opened. */
async function openSpare(entry) {
  const thread = new Thread(WORKER);
  try {
    await thread.ask('open', entry);
    return thread;
  } catch {
    thread.end();
    return null;
  }
}
