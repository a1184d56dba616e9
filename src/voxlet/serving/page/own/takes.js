// The recorder, and the list of takes.

import { t } from '../texts.js';
import { useEffect, useRef } from '../vendor/preact-hooks.js';
import { html } from '../view/html.js';
import { counted, hearTake, levels, pause, phase, record, removeTake, result, selected, takes } from './recording.js';

const [WIDTH, HEIGHT, BAR] = [384, 88, 6]; // pixels
const PROBLEMS = {
  nothing: 'takeNothing',
  quiet: 'takeQuiet',
  distorted: 'takeDistorted',
  cut: 'takeCut',
  noisy: 'takeNoisy',
  paused: 'takePaused',
  length: 'takeLength',
  unlike: 'takeUnlike',
};
const LOWEST = -60; // dB re full scale: the meter's end

/** The levels of the last seconds as bars, the newest at the right. */
function Meter() {
  const canvas = useRef(null);
  useEffect(() => {
    const context = canvas.current.getContext('2d');
    const style = getComputedStyle(canvas.current);
    context.clearRect(0, 0, WIDTH, HEIGHT);
    levels.value.forEach((level, index) => {
      const height = Math.max(3, HEIGHT * Math.min(1, 1 - level / LOWEST));
      context.fillStyle = style.getPropertyValue(level > -3 ? '--accent' : '--touch');
      context.fillRect(WIDTH - (levels.value.length - index) * BAR, (HEIGHT - height) / 2, BAR - 2, height);
    });
  });
  return html`<canvas ref=${canvas} class="meter" width=${WIDTH} height=${HEIGHT} aria-hidden="true"></canvas>`;
}

/** Whether the last take was kept, or why not. */
function Result() {
  const last = result.value;
  if (!last) return html`<p class="result soft" role="status">${phase.value === 'off' ? t('recordHint') : ''}</p>`;
  if (last.problems.length === 0) {
    return html`<p class="result good" role="status"><span aria-hidden="true">✓ </span>${t('takeKept', { word: last.word })}</p>`;
  }
  return html`<p class="result bad" role="status">
    <span aria-hidden="true">! </span>${t('takeNot', { word: last.word })} ${last.problems.slice(0, 2).map((problem) => t(PROBLEMS[problem])).join(' ')}
  </p>`;
}

const SAID = { off: 'sayReady', opening: 'sayOpening', listening: 'sayNow', checking: 'sayChecking', resting: 'sayNext' };

/** Space starts and pauses recording wherever the focus is, except where it does something else. */
function useSpace(press) {
  useEffect(() => {
    const down = (event) => {
      if (event.key !== ' ' || event.repeat || event.target.closest('button, input, select, textarea, a, summary')) return;
      event.preventDefault();
      press();
    };
    document.addEventListener('keydown', down);
    return () => document.removeEventListener('keydown', down);
  });
}

export function Recorder() {
  const { there, wanted } = counted();
  const running = phase.value !== 'off';
  const { next } = takes.value;
  const press = running ? pause : record;
  useSpace(() => next && press());
  if (!next) {
    return html`<section class="card recorder" aria-label=${t('recorder')}>
      <p class="all" role="status"><span aria-hidden="true">✓ </span>${t('allThere', { count: there })}</p>
      <p class="soft">${t('allThereHint')}</p>
    </section>`;
  }
  return html`<section class="card recorder" aria-label=${t('recorder')}>
    <p class="soft">${t(running || there === 0 ? SAID[phase.value] : 'sayOn')}</p>
    <p class=${phase.value === 'listening' ? 'say now' : 'say'} role="status"><bdi>${next}</bdi></p>
    <p class="soft">${t('takeOf', { number: there + 1, wanted })}</p>
    <${Meter} />
    <${Result} />
    <div class="actions">
      <button type="button" class="main" onClick=${press}>
        <span aria-hidden="true">${running ? '❚❚' : '●'} </span>${t(running ? 'pauseRecording' : 'startRecording')}
      </button>
    </div>
    <p class="soft">${t('recordKeys')}</p>
  </section>`;
}

function Row({ word, kept }) {
  const { wanted } = takes.value;
  const empty = Math.max(0, wanted - kept.length);
  return html`<li>
    <p class="row-head"><bdi>${word}</bdi><span>${t('countOf', { count: kept.length, wanted })}</span></p>
    <div class="slots">
      ${kept.map(
        ({ file }, index) => html`<button
          key=${file}
          type="button"
          class="slot"
          aria-pressed=${selected.value?.file === file}
          aria-label=${t('hearTake', { word, number: index + 1 })}
          onClick=${() => hearTake(word, file, index + 1)}
        >
          ✓
        </button>`,
      )}
      ${Array.from({ length: Math.min(empty, 20) }, (_, index) => html`<i key=${index} class="slot"></i>`)}
    </div>
  </li>`;
}

export function Takes() {
  const one = selected.value;
  return html`<section class="card takes-list" aria-labelledby="takes-title">
    <h2 id="takes-title">${t('takesTitle')}</h2>
    <ul>
      ${takes.value.words.map(({ word, takes: kept }) => html`<${Row} key=${word} word=${word} kept=${kept} />`)}
    </ul>
    <div class="picked" role="status">
      ${one
        ? html`<p>${t('takePicked', { word: one.word, number: one.number })}</p>
            <button type="button" onClick=${() => removeTake(one.file)}>${t('takeAgain')}</button>`
        : html`<p class="soft">${t('takesHint')}</p>`}
    </div>
  </section>`;
}
