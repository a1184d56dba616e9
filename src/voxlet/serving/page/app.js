// The page's frame: header, tabs, the view that is shown, and global keys.

import { Train } from './own/train.js';
import { OwnVoice } from './own/voice.js';
import {
  addPause,
  chosen,
  erase,
  fromLink,
  lookAgain,
  makes,
  notice,
  openVoice,
  press,
  progress,
  readLink,
  speak,
  start,
  told,
  trouble,
  view,
  vocabulary,
  voice,
  voices,
} from './state.js';
import { number, t } from './texts.js';
import { render } from './vendor/preact.js';
import { html } from './view/html.js';
import { MapOfPage } from './view/map.js';
import { Scores, hasScores } from './view/scores.js';
import { Speak } from './view/speak.js';

const VIEWS = { speak: Speak, map: MapOfPage, own: OwnVoice, train: Train, scores: Scores };
const SHOWN = { train: () => makes.value, scores: () => voice.value && hasScores() };
const WITHOUT_VOICE = ['own', 'train']; // views that need no loaded voice

/** Show the view that the link names, if any. */
function followLink() {
  const asked = fromLink().get('view');
  if (Object.hasOwn(VIEWS, asked)) view.value = asked;
}

function shownViews() {
  return Object.keys(VIEWS).filter((name) => !SHOWN[name] || SHOWN[name]());
}

function Tabs() {
  const names = shownViews();
  if (names.length < 2) return null;
  return html`<nav aria-label=${t('views')}>
    ${names.map(
      (name) => html`<button
        key=${name}
        type="button"
        aria-current=${name === view.value ? 'page' : undefined}
        onClick=${() => (view.value = name)}
      >
        ${t(name)}
      </button>`,
    )}
  </nav>`;
}

function VoiceChoice() {
  if (!chosen.value) return null;
  const where = t(view.value === 'own' || view.value === 'train' ? 'whereMade' : 'where');
  if (voices.value.length === 1) return html`<p class="place"><bdi>${chosen.value.name}</bdi><span>· ${where}</span></p>`;
  return html`<div class="place">
    <label
      ><span class="hidden">${t('voice')}</span
      ><select value=${chosen.value.name} onChange=${(event) => openVoice(event.target.value)}>
        ${voices.value.map(({ name }) => html`<option key=${name} value=${name}>${name}</option>`)}
      </select></label
    >
    <span>${where}</span>
  </div>`;
}

function Loading() {
  const { done, total } = progress.value;
  const megabytes = (bytes) => number(bytes / 1e6, 1);
  const { name } = chosen.value;
  const words = done < total ? t('loading', { name, done: megabytes(done), total: megabytes(total) }) : t('starting', { name });
  return html`<section class="card waiting" aria-busy="true">
    <p id="loading-words">${words}</p>
    <progress max=${total} value=${done} aria-labelledby="loading-words"></progress>
  </section>`;
}

function Trouble() {
  const { code, detail } = trouble.value;
  return html`<section class="card waiting" role="alert">
    <p>${t(code, { detail })}</p>
    <button type="button" class="main" onClick=${() => (voices.value.length > 0 ? openVoice(chosen.value.name) : start())}>
      ${t('retry')}
    </button>
  </section>`;
}

function Page() {
  const Shown = VIEWS[view.value];
  const alone = WITHOUT_VOICE.includes(view.value);
  return html`<a class="skip" href="#page" onClick=${skip}>${t('skip')}</a>
    <header>
      <h1><span>vox</span>let</h1>
      <${Tabs} />
      <${VoiceChoice} />
    </header>
    <main id="page" tabindex="-1">
      ${!alone && trouble.value && html`<${Trouble} />`} ${!alone && progress.value && html`<${Loading} />`}
      ${(alone || (voice.value && !trouble.value)) && html`<${Shown} />`}
    </main>
    <div class="hidden" role="status">${told.value}</div>
    <div class="notice" role="status">${notice.value && html`<p>${notice.value}</p>`}</div>`;
}

function skip(event) {
  event.preventDefault(); // the address keeps the link to the utterance
  document.getElementById('page').focus();
}

/** Digits press their keys wherever the focus is, except in a field. */
function key(event) {
  if (!voice.value || trouble.value || view.value !== 'speak') return;
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest('input, select, textarea')) return;
  const label = /^\p{Nd}$/u.test(event.key) && vocabulary.value.find(event.key);
  const digit = label || (/^\d$/.test(event.key) && vocabulary.value.numbers.get(Number(event.key)));
  if (digit) press(digit, event.key);
  else if (event.key === 'Backspace') erase();
  else if (event.key === ',') addPause();
  else if (event.key === 'Enter' && !event.target.closest('button, a, [role=slider]')) speak();
}

document.title = t('title');
document.addEventListener('keydown', key);
document.addEventListener('visibilitychange', () => document.hidden || lookAgain());
addEventListener('focus', lookAgain);
addEventListener('hashchange', () => {
  followLink();
  if (voice.value) readLink();
});
for (const name of ['dragover', 'drop']) addEventListener(name, (event) => event.preventDefault()); // opens no dropped file
followLink();
render(html`<${Page} />`, document.getElementById('voxlet'));
start();
