// The manner: sliders for the voice's attributes, the seed, and the same as a command.

import { anotherTake, ask, chosen, manner, seed, settings, speak, text, voice } from '../state.js';
import { number, t } from '../texts.js';
import { BOUNDS, USUAL } from '../voice/voice_file.js';
import { html } from './html.js';

const STEPS = { speed: 0.05, pitch: 0.5, clarity: 0.05 };
const WAYS = { speed: 'speedWays', pitch: 'pitchWays', clarity: 'clarityWays' };
const SHOWN = {
  speed: (value) => t('speedValue', { value: number(value, 2) }),
  pitch: (value) => t('pitchValue', { value: (value > 0 ? '+' : '') + number(value, 1).replace('-', '−') }),
  clarity: (value) => t('clarityValue', { value: number(100 * value) }),
};

function Slider({ name }) {
  const [least, most] = BOUNDS[name];
  const value = manner.value[name];
  return html`<label class="slider">
    <span>${t(name)}</span>
    <span class="soft">${value === USUAL[name] ? t(WAYS[name]) : SHOWN[name](value)}</span>
    <input
      type="range"
      min=${least}
      max=${most}
      step=${STEPS[name]}
      value=${value}
      aria-valuetext=${SHOWN[name](value)}
      onInput=${(event) => ask(name, Number(event.target.value))}
      onChange=${() => text.value && speak()}
    />
  </label>`;
}

function quoted(value) {
  return /^[\w.,:+-]+$/.test(value) && !value.startsWith('-') ? value : `'${value.replaceAll("'", `'\\''`)}'`;
}

function command() {
  const asked = Object.entries({ voice: chosen.value.name, ...settings.value })
    .filter(([name, value]) => !(name === 'seed' && value === '0') && !(name === 'voice' && value === 'digits'))
    .map(([name, value]) => (value.startsWith('-') ? `--${name}=${value}` : `--${name} ${quoted(value)}`));
  return ['voxlet say', quoted(text.value), ...asked].join(' ');
}

export function Sliders() {
  const names = voice.value.attributes;
  return names.length > 0 && html`<div class="sliders">${names.map((name) => html`<${Slider} key=${name} name=${name} />`)}</div>`;
}

export function Takes() {
  return html`<div class="takes">
    <button type="button" onClick=${() => anotherTake()}>${t('take')}</button>
    <label class="seed"
      ><span>${t('seed')}</span
      ><input
        type="number"
        min="0"
        step="1"
        value=${seed.value}
        onChange=${(event) => anotherTake(Number(event.target.value))}
    /></label>
    ${text.value.trim() && html`<p class="command"><span>${t('command')}</span> <code dir="ltr" tabindex="0">${command()}</code></p>`}
  </div>`;
}
