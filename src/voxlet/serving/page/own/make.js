// From takes to a voice: training time, progress, samples on the way, and the outcome.

import { useVoice } from '../state.js';
import { t } from '../texts.js';
import { useSignal } from '../vendor/signals.js';
import { html } from '../view/html.js';
import { counted, takes } from './recording.js';
import { Bar, Outcome, Trouble, duration, stageOf } from './parts.js';
import { server } from './server.js';
import { begin, cancel, findJob, hearSample, lost, trouble, watched } from './watching.js';

const MINUTES = [3, 5, 10, 20, 40];
const USUAL_MINUTES = 10;
/** The latest samples of the run, to listen to. */
function Samples({ run }) {
  const last = run?.samples.at(-1);
  if (!last) return null;
  const newest = run.samples.filter((one) => one.stage === last.stage && one.step === last.step);
  return html`<div class="samples">
    <p class="soft">${t(run.voice ? 'samplesLast' : 'samplesNow')}</p>
    ${newest.map(
      ({ file, label }) => html`<button key=${file} type="button" onClick=${() => hearSample(file)}>
        <span aria-hidden="true">▶ </span><span class="hidden">${t('hear')} </span><bdi>${label}</bdi>
      </button>`,
    )}
  </div>`;
}

function Running({ job, run }) {
  return html`<p class="stage" role="status">${stageOf(job, run)}</p>
    <${Bar} run=${run} />
    <p class="soft">${run?.seconds_left > 0 && !run.voice ? duration(run.seconds_left) : ''}</p>
    <${Samples} run=${run} />
    <p class="soft">${t('goesOn')}</p>
    <div class="actions"><button type="button" onClick=${() => cancel(job.number)}>${t('cancelJob')}</button></div>`;
}

function Done({ run }) {
  return html`<p class="stage" role="status">${t('voiceDone', { name: run.name })}</p>
    ${run.outcome && html`<${Outcome} outcome=${run.outcome} />`}
    <div class="actions">
      <button type="button" class="main" onClick=${() => useVoice(server.voice(run.name))}>${t('useVoice')}</button>
      <a class="button" href=${server.voice(run.name)} download=${run.voice}>
        <span aria-hidden="true">↓ </span>${t('downloadVoice', { file: run.voice })}
      </a>
    </div>
    <p class="soft">${t('downloadHint')}</p>`;
}

function Ask({ again }) {
  const minutes = useSignal(USUAL_MINUTES);
  const { there, wanted, least } = counted();
  const ask = () => begin({ kind: 'adapt', name: takes.value.name, minutes: minutes.value });
  return html`<p class="soft">${t(least >= 8 ? 'expectMany' : least >= 3 ? 'expectSome' : 'expectFew', { least })}</p>
    <div class="actions ask">
      <label>${t('minutesLabel')}
        <select value=${minutes.value} onChange=${(event) => (minutes.value = Number(event.target.value))}>
          ${MINUTES.map((count) => html`<option key=${count} value=${count}>${t('minutes', { count })}</option>`)}
        </select>
      </label>
      <button type="button" class=${there < wanted || again ? '' : 'main'} onClick=${ask}>${t(again ? 'makeAgain' : 'make')}</button>
    </div>
    <p class="soft">${t('makeTime', { count: minutes.value })}</p>`;
}

export function Make() {
  const { job, run } = watched.value ?? {};
  const open = job && (job.state === 'waiting' || job.state === 'running');
  return html`<section class="card make" aria-labelledby="make-title">
    <h2 id="make-title">${t('makeTitle')}</h2>
    <${Trouble} problem=${trouble.value} again=${() => findJob(takes.value.name)} />
    ${lost.value && html`<p class="refusal" role="alert">${t('lostWatching')}</p>`}
    ${open && html`<${Running} job=${job} run=${run} />`}
    ${!open && run?.voice && html`<${Done} run=${run} />`}
    ${job?.state === 'failed' && html`<p class="refusal" role="alert">${t('jobFailed', { detail: job.message })}</p>`}
    ${job?.state === 'cancelled' && html`<p role="status">${t('jobCancelled')}</p>`}
    ${!open && html`<${Ask} again=${Boolean(run?.voice)} />`}
  </section>`;
}
