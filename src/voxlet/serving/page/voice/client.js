// What the page asks of the voice's thread, and a memory of clips that it has made.

import { Thread } from '../run/thread.js';

const REMEMBERED = 300; // clips

export class VoiceClient extends Thread {
  constructor() {
    super(new URL('./worker.js', import.meta.url));
    this.clips = new Map();
  }

  /** Load a voice in place of the one before; `tell` is given `{done, total}` in bytes. */
  open(entry, tell) {
    this.clips.clear();
    return this.ask('open', { ...entry, url: new URL(entry.file, document.baseURI).href }, tell);
  }

  /** One word as samples; the same question is answered from memory. */
  async sample(asked) {
    const key = JSON.stringify(asked);
    const known = this.clips.get(key);
    if (known) {
      this.clips.delete(key); // and to the end: the oldest is forgotten first
      this.clips.set(key, known);
      return known;
    }
    const clip = await this.ask('sample', asked);
    this.clips.set(key, clip);
    if (this.clips.size > REMEMBERED) this.clips.delete(this.clips.keys().next().value);
    return clip;
  }

  resemble(samples) {
    return this.ask('resemble', { samples });
  }
}
