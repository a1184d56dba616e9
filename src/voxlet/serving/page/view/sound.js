// The utterance as waveform and spectrogram, each word a button that plays it again.

import { again, sounds, utterance } from '../state.js';
import { number, t } from '../texts.js';
import { useEffect, useRef } from '../vendor/preact-hooks.js';
import { html } from './html.js';
import { drawSpectrum, drawWave, useRedraw } from './picture.js';

function Picture({ said }) {
  const frame = useRef(null);
  const wave = useRef(null);
  const spectrum = useRef(null);
  const turn = useRedraw(frame);
  const active = sounds.value?.index ?? -1;
  useEffect(() => drawWave(wave.current, said, active), [said, active, turn]);
  useEffect(() => drawSpectrum(spectrum.current, said), [said, turn]);
  const whole = said.samples.length;
  const share = (samples) => `${(100 * samples) / whole}%`;
  const word = said.words[active];
  const at = word && word.start + sounds.value.share * (word.end - word.start);
  return html`<div class="picture" ref=${frame} dir="ltr">
    <div role="img" aria-label=${t('picture', { words: said.words.map((one) => one.label).join(' ') })}>
      <canvas ref=${wave} class="wave"></canvas>
      <canvas ref=${spectrum} class="spectrum"></canvas>
    </div>
    ${word && html`<i class="head" style=${{ left: share(at) }}></i>`}
    ${said.words.map((one, index) => {
      const seconds = (samples) => number(samples / said.rate, 2);
      const name = t('wordMark', { label: one.label, start: seconds(one.start), end: seconds(one.end) });
      return html`<button
        key=${index}
        type="button"
        class=${index === active ? 'word sounding' : 'word'}
        style=${{ left: share(one.start), width: share(one.end - one.start) }}
        aria-label=${name}
        onClick=${() => again(index)}
      >
        <bdi>${one.label}</bdi>
      </button>`;
    })}
  </div>`;
}

export function Sound() {
  const said = utterance.value;
  if (!said) return html`<p class="soft empty">${t('nothingYet')}</p>`;
  return html`<div class="scroll">
    <div class="sheet" style=${{ minWidth: `${Math.max(0, said.words.length * 48)}px` }}><${Picture} said=${said} /></div>
  </div>`;
}
