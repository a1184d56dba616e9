// The first screen: press, and it speaks.

import { save } from '../keep.js';
import {
  busy,
  keepLink,
  quiet,
  refused,
  sounds,
  speak,
  text,
  type,
  utterance,
  vocabulary,
  voice,
  wavFile,
} from '../state.js';
import { t } from '../texts.js';
import { html } from './html.js';
import { Keypad, digitLabels } from './keypad.js';
import { Sliders, Takes } from './manner.js';
import { Who } from './plane.js';
import { Sound } from './sound.js';

const LISTED = 24; // labels that are named at most

function example() {
  return digitLabels() ? '4091' : voice.value.labels.slice(0, 2).join(' ');
}

/** Why the text cannot be said, and what can. */
function Refusal() {
  const error = refused.value;
  if (!error) return null;
  const named = voice.value.labels.slice(0, LISTED).join(', ') + (voice.value.labels.length > LISTED ? ' …' : '');
  const sentence = error.minus ? 'cannotSayMinus' : error.line > 1 ? 'cannotSayLine' : 'cannotSay';
  const spelt = vocabulary.value.numbers.size > 0 ? `${named}, ${t('digitsToo')}` : named;
  return html`<p>${t(sentence, error)} ${t('canSay', { words: spelt })}</p>`;
}

function download() {
  const name = text.value.replace(/[^\p{L}\p{N}.]+/gu, '-').replace(/^[-.]+|[-.]+$/g, '').slice(0, 40) || 'voxlet';
  save(`${name}.wav`, wavFile(), 'audio/wav');
}

function Actions() {
  const silent = !utterance.value;
  return html`<div class="actions">
    ${sounds.value || busy.value
      ? html`<button type="button" class="main" onClick=${quiet}>${t('stop')}</button>`
      : html`<button type="button" class="main" onClick=${sayIt}>
          ${t('speakNow')} <span aria-hidden="true">⏎</span>
        </button>`}
    <button type="button" onClick=${download} disabled=${silent} aria-label=${t('downloadName')}>
      <span aria-hidden="true">↓ </span>${t('download')}
    </button>
    <button type="button" onClick=${keepLink} disabled=${silent} aria-label=${t('linkName')}>${t('link')}</button>
  </div>`;
}

/** A sentence that names the voice's language, if it is not the page's. */
function spoken() {
  const { language } = voice.value;
  const here = document.documentElement.lang;
  if (language === 'und' || language.split('-')[0] === here) return '';
  try {
    return t('spokenIn', { language: new Intl.DisplayNames(here, { type: 'language' }).of(language) });
  } catch {
    return t('spokenIn', { language }); // a tag that browsers do not know
  }
}

/** Say the text, or the example if there is none. */
function sayIt() {
  if (!text.value.trim()) text.value = example();
  speak();
}

function submit(event) {
  event.preventDefault();
  sayIt();
}

export function Speak() {
  return html`<div class="speak">
    <section class="card press" aria-label=${t('speak')}>
      <form onSubmit=${submit}>
        <label>
          <span class="hidden">${t('sayIt')}</span>
          <input
            class="text"
            dir="auto"
            autocomplete="off"
            spellcheck=${false}
            enterkeyhint="go"
            placeholder=${example()}
            aria-describedby="say-hint refusal"
            aria-invalid=${Boolean(refused.value)}
            value=${text.value}
            onInput=${(event) => type(event.target.value)}
          />
        </label>
        <p id="say-hint" class="soft">${t('sayHint', { example: example() })} ${spoken()}</p>
        <div id="refusal" class="refusal" role="alert"><${Refusal} /></div>
      </form>
      <${Keypad} />
      <${Actions} />
      <${Sliders} />
    </section>
    <${Who} />
    <section class="card heard" aria-labelledby="sound-title">
      <h2 id="sound-title">${t('sound')}</h2>
      <${Sound} />
      <${Takes} />
    </section>
  </div>`;
}
