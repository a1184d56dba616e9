// The microphone without echo cancellation, noise suppression or gain control.

import { Problem } from '../problem.js';

/** Whether this page may use a microphone: on this machine, or over an encrypted connection. */
export function mayListen() {
  return isSecureContext && Boolean(navigator.mediaDevices?.getUserMedia);
}

function failure(error) {
  const codes = { NotAllowedError: 'microphoneRefused', NotFoundError: 'microphoneMissing' };
  return new Problem(codes[error.name] ?? 'microphoneBroken', String(error));
}

/** Open the microphone; `onBlock` gets blocks of samples, `onEnd` is called when it is gone. */
export async function openMicrophone(onBlock, onEnd) {
  if (!mayListen()) throw new Problem('microphoneInsecure');
  const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false, channelCount: 1 };
  const stream = await navigator.mediaDevices.getUserMedia({ audio: plain }).catch((error) => {
    throw failure(error);
  });
  const context = new AudioContext();
  try {
    await context.audioWorklet.addModule(new URL('./listener.js', import.meta.url));
    const listener = new AudioWorkletNode(context, 'listener', { numberOfOutputs: 0, channelCount: 1, channelCountMode: 'explicit' });
    listener.port.onmessage = ({ data }) => onBlock(data);
    new MediaStreamAudioSourceNode(context, { mediaStream: stream }).connect(listener);
    await context.resume();
  } catch (error) {
    context.close();
    throw failure(error);
  }
  const [track] = stream.getAudioTracks();
  track.addEventListener('ended', onEnd);
  return {
    rate: context.sampleRate,
    close() {
      track.removeEventListener('ended', onEnd);
      track.stop();
      context.close();
    },
  };
}
