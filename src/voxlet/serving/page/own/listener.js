// In the audio thread: the microphone's samples in blocks of 50 ms.

const BLOCK_SECONDS = 0.05;
const STARTING = 0.5; // seconds: zeros for longer are silence, not a device that starts

class Listener extends AudioWorkletProcessor {
  constructor() {
    super();
    this.block = new Float32Array(Math.round(BLOCK_SECONDS * sampleRate));
    this.filled = 0;
    this.starting = STARTING * sampleRate;
  }

  process([[channel]]) {
    if (!channel) return true; // nothing is connected at the moment
    let taken = 0;
    while (this.starting > 0 && taken < channel.length) {
      if (channel[taken]) this.starting = 0; // the device runs: zeros before are no noise floor
      else [taken, this.starting] = [taken + 1, this.starting - 1];
    }
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
