// Your voice: words, takes, then a voice of them.

import { makes } from '../state.js';
import { t } from '../texts.js';
import { useEffect } from '../vendor/preact-hooks.js';
import { signal } from '../vendor/signals.js';
import { html } from '../view/html.js';
import { Make } from './make.js';
import { mayListen } from './microphone.js';
import { Trouble } from './parts.js';
import { counted, findSets, openSet, pause, retry, sets, takes, trouble, want } from './recording.js';
import { Recorder, Takes } from './takes.js';
import { findJob, leave, watched } from './watching.js';

const CONSENTS = { own: 'consentOwn', given: 'consentGiven' };
const MISSING = { words: 'wordsMissing', name: 'nameMissing', consent: 'consentMissing' };
const USUAL_TAKES = 10;
const NAME = /[^\p{L}\p{N}]+/gu; // what a name cannot contain
const LONGEST_NAME = 40;

const editing = signal(false); // whether the form for another set is shown
const incomplete = signal([]); // names of the form's fields that lack something

function Consent() {
  return html`<fieldset class="consent" aria-describedby="consent-hint">
    <legend>${t('consentTitle')}</legend>
    <${Hint} field="consent" hint="consentWhy" />
    ${Object.entries(CONSENTS).map(
      ([answer, text]) => html`<label key=${answer}><input type="radio" name="consent" value=${answer} /> ${t(text)}</label>`,
    )}
  </fieldset>`;
}

/** The contents of the form; notes which fields lack something. */
function read(element) {
  const form = new FormData(element);
  const words = form.get('words').split(/[\n,;،]+/u).map((word) => word.trim()).filter(Boolean);
  const name = form.get('name').replace(NAME, '-').replace(/^-+|-+$/g, '').slice(0, LONGEST_NAME);
  const lacks = { words: words.length < 2, name: !name, consent: !form.get('consent') };
  incomplete.value = Object.keys(lacks).filter((field) => lacks[field]);
  return { form, words, name };
}

/** A hint to a field, or what it lacks. */
function Hint({ field, hint }) {
  const lacks = incomplete.value.includes(field);
  return html`<p id=${`${field}-hint`} class=${lacks ? 'lack' : 'soft'}>${lacks ? t(MISSING[field]) : hint && t(hint)}</p>`;
}

async function submit(event) {
  event.preventDefault();
  const { form, words, name } = read(event.target);
  if (incomplete.value.length > 0) {
    const first = event.target.elements[incomplete.value[0]];
    (first[0] ?? first).focus();
    return;
  }
  const wanted = { words, takes: Number(form.get('takes')), language: form.get('language').trim(), consent: form.get('consent') };
  if (await want(name, wanted)) editing.value = false;
}

/** A name that no set has yet, so that existing takes stay as they are. */
function freeName() {
  let name = 'mine';
  for (let number = 2; sets.value.includes(name); number += 1) name = `mine-${number}`;
  return name;
}

function Words() {
  return html`<form
    class="card words-form"
    aria-labelledby="words-title"
    onSubmit=${submit}
    onInput=${(event) => incomplete.value.length > 0 && read(event.currentTarget)}
  >
    <h2 id="words-title">${t('wordsTitle')}</h2>
    <p class="soft">${t('wordsIntro')}</p>
    <label>${t('wordsLabel')}<textarea name="words" rows="3" dir="auto" placeholder="lumos, nox, accio" aria-describedby="words-hint" aria-invalid=${incomplete.value.includes('words')}></textarea></label>
    <${Hint} field="words" hint="wordsHint" />
    <div class="fields">
      <label>${t('nameLabel')}<input name="name" defaultValue=${freeName()} autocomplete="off" spellcheck=${false} aria-describedby="name-hint" /></label>
      <label>${t('takesLabel')}<input name="takes" type="number" min="1" max="100" defaultValue=${USUAL_TAKES} required /></label>
      <label>${t('languageLabel')}<input name="language" defaultValue=${navigator.language.split('-')[0]} size="4" autocomplete="off" spellcheck=${false} /></label>
    </div>
    <${Hint} field="name" />
    <${Consent} />
    <div class="actions">
      <button class="main">${t('wordsDone')}</button>
      ${takes.value && html`<button type="button" onClick=${() => (editing.value = false)}>${t('wordsCancel', { name: takes.value.name })}</button>`}
    </div>
  </form>`;
}

function Sets() {
  return html`<div class="sets">
    ${sets.value.length > 1 &&
    html`<label><span class="hidden">${t('setLabel')}</span
      ><select value=${takes.value.name} onChange=${(event) => openSet(event.target.value)}>
        ${sets.value.map((name) => html`<option key=${name} value=${name}>${name}</option>`)}
      </select></label>`}
    <button
      type="button"
      onClick=${() => {
        pause();
        editing.value = true;
      }}
    >
      ${t('otherWords')}
    </button>
  </div>`;
}

function Elsewhere() {
  return html`<section class="card elsewhere">
    <h2>${t('ownTitle')}</h2>
    <p>${t('ownElsewhere')}</p>
    <code tabindex="0" dir="ltr">voxlet serve --runs runs</code>
    <p class="soft">${t('ownStays')}</p>
    <p class="soft">${t('ownTerminal')}</p>
    <code tabindex="0" dir="ltr">voxlet record lumos nox --out my_words${'\n'}voxlet adapt my_words --run runs/mine</code>
  </section>`;
}

function Workbench() {
  const { least } = counted();
  const open = watched.value?.job;
  return html`<${Sets} />
    <div class="own">
      <${Recorder} />
      <${Takes} />
      ${(least > 0 || open) && html`<${Make} />`}
    </div>`;
}

export function OwnVoice() {
  const name = takes.value?.name;
  useEffect(() => {
    if (makes.value) findSets();
    return () => {
      pause();
      leave();
    };
  }, [makes.value]);
  useEffect(() => {
    if (name) findJob(name);
  }, [name]);
  if (makes.value === null) return null; // not known yet
  if (!makes.value) return html`<${Elsewhere} />`;
  const known = sets.value !== null;
  return html`<div class="own-voice">
    ${!mayListen() && html`<p class="card" role="alert">${t('microphoneInsecure')}</p>`}
    <${Trouble} problem=${trouble.value} again=${retry} />
    ${known && (editing.value || !takes.value ? html`<${Words} />` : html`<${Workbench} />`)}
  </div>`;
}
