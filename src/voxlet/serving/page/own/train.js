// Train: the runs of a folder, and one of them live.

import { useVoice, voices } from '../state.js';
import { number, t } from '../texts.js';
import { useEffect } from '../vendor/preact-hooks.js';
import { html } from '../view/html.js';
import { Chart } from './chart.js';
import { Bar, Outcome, Trouble, duration, stageOf } from './parts.js';
import { server } from './server.js';
import { begin, cancel, findRuns, hearSample, leave, lost, runs, trouble, watch, watched } from './watching.js';

const STATES = { live: 'runLive', finished: 'runFinished', stopped: 'runStopped' };
const EVERY = 5000; // milliseconds between looks at the list

function Runs() {
  return html`<nav class="card runs" aria-labelledby="runs-title">
    <h2 id="runs-title">${t('runsTitle')}</h2>
    ${runs.value.length === 0 && html`<p class="soft">${t('noRuns')}</p><code tabindex="0" dir="ltr">voxlet train cnn-light --corpus fsdd --run runs/first --epochs 30</code>`}
    <ul>
      ${runs.value.map(
        ({ name, preset, state }) => html`<li key=${name}>
          <button type="button" aria-current=${watched.value?.name === name ? 'true' : undefined} onClick=${() => watch(name)}>
            <bdi>${name}</bdi><span class="soft">${preset} · ${t(STATES[state])}</span>
          </button>
        </li>`,
      )}
    </ul>
  </nav>`;
}

function Charts({ run, points }) {
  const names = [...new Set([...points, ...run.validations].map((one) => one.stage))];
  return html`<div class="charts">
    ${names.map((stage) => {
      const of = (list) => list.filter((one) => one.stage === stage);
      return html`<${Chart} key=${stage} title=${stage} points=${of(points)} validations=${of(run.validations)} />`;
    })}
  </div>`;
}

/** The clips that a run has made, by stage and step. */
function Heard({ samples }) {
  const rows = new Map();
  for (const one of samples) {
    const key = one.stage ? t('samplesAt', { stage: one.stage, step: number(one.step) }) : t('samplesEnd');
    rows.set(key, [...(rows.get(key) ?? []), one]);
  }
  if (rows.size === 0) return null;
  return html`<h3>${t('samplesTitle')}</h3>
    <ul class="heard-rows">
      ${[...rows].reverse().map(
        ([key, made]) => html`<li key=${key}>
          <span class="soft">${key}</span>
          <div class="samples">
            ${made.map(
              ({ file, label }) => html`<button key=${file} type="button" aria-label=${t('hearSample', { label, when: key })} onClick=${() => hearSample(file)}>
                <span aria-hidden="true">▶ </span><bdi>${label}</bdi>
              </button>`,
            )}
          </div>
        </li>`,
      )}
    </ul>`;
}

function Left({ run }) {
  const text = run.seconds_left > 0 ? duration(run.seconds_left) : '';
  return html`<p class="soft">${text}${text && !run.of_all ? ` ${t('ofThisStage')}` : ''} ${t('atStep', { step: number(run.step) })}</p>`;
}

/** The progress of scoring, in its own words; the bar is indeterminate if they name no share. */
function Scoring({ told }) {
  const share = told.match(/(\d+) %/)?.[1];
  return html`<progress key=${share === undefined} max="100" value=${share} aria-label=${t('progress')}></progress>
    <p class="soft" dir="auto">${told}</p>`;
}

function One() {
  const { name, job, run, points } = watched.value;
  const open = job && (job.state === 'waiting' || job.state === 'running');
  const live = open || run?.state === 'live';
  const scoring = open && job.kind === 'score';
  const verdict = voices.value.find((one) => one.file === server.voice(name))?.verdict;
  return html`<section class="card run" aria-labelledby="run-title">
    <h2 id="run-title"><bdi>${name}</bdi></h2>
    ${lost.value && html`<p class="refusal" role="alert">${t('lostWatching')}</p>`}
    ${live && html`<p class="stage" role="status">${scoring ? t('scoring') : stageOf(job, run)}</p>`}
    ${scoring ? html`<${Scoring} told=${job.told} />` : run && html`<${Bar} run=${run} /><${Left} run=${run} />`}
    ${verdict && !open && html`<p class="verdict" dir="auto">${verdict}</p>`}
    ${job?.state === 'failed' && html`<p class="refusal" role="alert">${t('jobFailed', { detail: job.message })}</p>`}
    ${run?.outcome && html`<${Outcome} outcome=${run.outcome} />`}
    <div class="actions">
      ${open && html`<button type="button" onClick=${() => cancel(job.number)}>${t('cancelJob')}</button>`}
      ${run?.voice && html`<button type="button" class="main" onClick=${() => useVoice(server.voice(name))}>${t('useVoice')}</button>`}
      ${run?.voice && html`<a class="button" href=${server.voice(name)} download=${run.voice}><span aria-hidden="true">↓ </span>${t('downloadVoice', { file: run.voice })}</a>`}
      ${run?.voice && !run.outcome && !open && html`<button type="button" onClick=${() => begin({ kind: 'score', name })}>${t('score')}</button>`}
    </div>
    ${run && html`<${Charts} run=${run} points=${points} /><${Heard} samples=${run.samples} />`}
  </section>`;
}

export function Train() {
  useEffect(() => {
    findRuns().then(() => runs.value?.length > 0 && watch(runs.value[0].name));
    const timer = setInterval(findRuns, EVERY);
    return () => {
      clearInterval(timer);
      leave();
    };
  }, []);
  return html`<div class="train">
    <${Trouble} problem=${trouble.value} again=${findRuns} />
    ${runs.value && html`<${Runs} />`} ${watched.value && html`<${One} />`}
  </div>`;
}
