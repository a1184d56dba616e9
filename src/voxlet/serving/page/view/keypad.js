// The keypad: a telephone's for digits, a grid for all other words.

import { addPause, erase, prepare, press, soundingLabel, vocabulary, voice } from '../state.js';
import { number, t } from '../texts.js';
import { useSignal } from '../vendor/signals.js';
import { fold } from '../voice/spelling.js';
import { html } from './html.js';

const MOST_KEYS = 60;
const ROWS = [1, 2, 3, 4, 5, 6, 7, 8, 9];

/** The labels of the ten digits, or null where the voice lacks one. */
export function digitLabels() {
  const { numbers } = vocabulary.value;
  const all = [0, ...ROWS].map((digit) => numbers.get(digit));
  return all.every(Boolean) ? all : null;
}

let isDown = false; // whether a mouse button still presses a key

/** End a press of the mouse, after its click event. */
function letGo() {
  setTimeout(() => {
    isDown = false;
  });
}

for (const end of ['pointerup', 'pointercancel']) addEventListener(end, letGo);

function Key({ label, shown, under, written }) {
  const down = soundingLabel.value === label;
  // A mouse plays the word on button down; a finger may be scrolling the page, so it plays when lifted.
  const pushed = (event) => {
    if (event.pointerType !== 'mouse' || event.button !== 0) return;
    isDown = true;
    press(label, written);
  };
  return html`<button
    type="button"
    class=${down ? 'key sounding' : 'key'}
    aria-label=${t('key', { label })}
    onPointerEnter=${() => prepare(label)}
    onFocus=${() => prepare(label)}
    onPointerDown=${pushed}
    onClick=${() => isDown || press(label, written)}
  >
    <bdi class="face">${shown}</bdi>${under && html`<bdi class="under">${under}</bdi>`}
  </button>`;
}

function DigitKey({ digit, label }) {
  return html`<${Key} label=${label} shown=${digit} written=${String(digit)} under=${label === String(digit) ? '' : label} />`;
}

function Digits({ labels }) {
  return html`<div class="digits" role="group" aria-label=${t('keys')} dir="ltr">
    ${ROWS.map((digit) => html`<${DigitKey} key=${digit} digit=${digit} label=${labels[digit]} />`)}
    <button type="button" class="key" onClick=${erase}>
      <span class="face" aria-hidden="true">⌫</span><span class="under">${t('back')}</span>
    </button>
    <${DigitKey} digit=${0} label=${labels[0]} />
    <button type="button" class="key" onClick=${addPause} aria-label=${t('pauseKey')}>
      <span class="face" aria-hidden="true">,</span><span class="under" aria-hidden="true">${t('pause')}</span>
    </button>
  </div>`;
}

function Words({ labels }) {
  const wanted = useSignal('');
  const asked = fold(wanted.value || ' ').trim();
  const { spellings } = voice.value;
  const waysOf = (label) => [label, ...(spellings[label] ?? [])];
  const fitting = labels.filter((label) => waysOf(label).some((way) => fold(way).includes(asked)));
  const shown = fitting.slice(0, MOST_KEYS);
  return html`<div>
    ${labels.length > MOST_KEYS &&
    html`<label class="find"
      ><span>${t('findWord')}</span
      ><input type="search" dir="auto" value=${wanted.value} onInput=${(event) => (wanted.value = event.target.value)}
    /></label>`}
    <div class="words" role="group" aria-label=${t('keys')}>
      ${shown.map(
        (label) =>
          html`<${Key}
            key=${label}
            label=${label}
            shown=${label.replaceAll('_', ' ')}
            written=${label}
            under=${waysOf(label)[1]}
          />`,
      )}
    </div>
    <p class="soft" role="status">
      ${fitting.length === 0 && t('noWord')}
      ${fitting.length > MOST_KEYS && t('moreWords', { count: number(fitting.length - MOST_KEYS) })}
    </p>
  </div>`;
}

export function Keypad() {
  const digits = digitLabels();
  const others = voice.value.labels.filter((label) => !digits?.includes(label));
  return html`<div>
    ${digits && html`<${Digits} labels=${digits} />`}
    ${others.length > 0 && html`<${Words} labels=${others} />`}
  </div>`;
}
