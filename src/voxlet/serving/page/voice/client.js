// What the page asks of the voice's thread, and a memory of clips that it has made.

import { VoiceError } from './voice_file.js';

const REMEMBERED = 300; // clips

export class VoiceClient {
  constructor() {
    this.waiting = new Map();
    this.clips = new Map();
    this.number = 0;
    this.worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
    this.worker.onmessage = ({ data }) => this.receive(data);
    this.worker.onerror = () => {
      for (const { reject } of this.waiting.values()) reject(new VoiceError('broken'));
      this.waiting.clear();
    };
  }

  receive({ id, progress, result, failure }) {
    const asked = this.waiting.get(id);
    if (!asked) return;
    if (progress) {
      asked.tell?.(progress);
      return;
    }
    this.waiting.delete(id);
    if (failure) asked.reject(new VoiceError(failure.code, failure.detail));
    else asked.resolve(result);
  }

  ask(ask, given, tell) {
    this.number += 1;
    const id = this.number;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject, tell });
      this.worker.postMessage({ id, ask, ...given });
    });
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
