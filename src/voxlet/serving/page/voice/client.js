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

  /** One word as samples; the same question is asked once, and then answered from memory. */
  sample(asked) {
    const key = JSON.stringify(asked);
    const clip = this.clips.get(key) ?? this.ask('sample', asked);
    this.clips.delete(key); // and to the end: the oldest is forgotten first
    this.clips.set(key, clip);
    clip.catch(() => this.clips.delete(key));
    if (this.clips.size > REMEMBERED) this.clips.delete(this.clips.keys().next().value);
    return clip;
  }

  /** Whether nothing is asked at the moment. */
  get isIdle() {
    return this.waiting.size === 0;
  }

  resemble(samples) {
    return this.ask('resemble', { samples });
  }
}
