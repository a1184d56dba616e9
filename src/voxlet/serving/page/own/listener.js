// In the thread of sound: what the microphone gives, in blocks of a twentieth of a second.

const BLOCK_SECONDS = 0.05;

class Listener extends AudioWorkletProcessor {
  constructor() {
    super();
    this.block = new Float32Array(Math.round(BLOCK_SECONDS * sampleRate));
    this.filled = 0;
  }

  process([[channel]]) {
    if (!channel) return true; // nothing is connected at the moment
    let taken = 0;
    while (taken < channel.length) {
      const count = Math.min(channel.length - taken, this.block.length - this.filled);
      this.block.set(channel.subarray(taken, taken + count), this.filled);
      taken += count;
      this.filled += count;
      if (this.filled === this.block.length) {
        this.port.postMessage(this.block.slice());
        this.filled = 0;
      }
    }
    return true;
  }
}

registerProcessor('listener', Listener);
