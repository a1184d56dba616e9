// What Your voice and Train have in common: progress, outcome and trouble of a run.

import { number, t } from '../texts.js';
import { html } from '../view/html.js';

const STAGES = { wave: 'stageWave', prior: 'stagePrior', distillation: 'stageDistillation' };

/** Seconds in words, rounded as far as they are uncertain. */
export function duration(seconds) {
  if (seconds < 50) return t('secondsLeft', { count: Math.max(5, 5 * Math.round(seconds / 5)) });
  if (seconds < 3000) return t('minutesLeft', { count: Math.max(1, Math.round(seconds / 60)) });
  return t('hoursLeft', { count: number(seconds / 3600, 1) });
}

/** The stage of a run, in words. */
export function stageOf(job, run) {
  if (job?.state === 'waiting') return t('jobWaiting');
  if (run?.voice) return t('stageMeasuring');
  if (!run?.stage) return t('stagePreparing');
  return run.done >= 1 ? t('stageWriting') : t(STAGES[run.stage] ?? 'stageTraining');
}

/** What keeps the page from going on, and what to do. */
export function Trouble({ problem, again }) {
  if (!problem) return null;
  return html`<section class="card trouble" role="alert">
    <p>${t(problem.code, { detail: problem.detail })}</p>
    <button type="button" onClick=${again}>${t('retry')}</button>
  </section>`;
}

export function Bar({ run }) {
  return html`<progress max="1" value=${run?.done ?? 0} aria-label=${t('progress')}></progress>`;
}

function figure(one, percent) {
  if (!one) return t('notMeasured');
  return percent ? `${number(100 * one.value)} %` : number(one.value, 2);
}

/** The verdict, and the voice's figures beside those of the real takes. */
export function Outcome({ outcome }) {
  const [grade, why] = [outcome.grade, outcome.why];
  return html`<p class="outcome"><strong>${grade}</strong>: ${why}</p>
    ${outcome.rows.length > 0 &&
    html`<table class="outcome-rows">
      <thead><tr><th scope="col">${t('measure')}</th><th scope="col">${t('generated')}</th><th scope="col">${t('yourTakes')}</th></tr></thead>
      <tbody>
        ${outcome.rows.map(
          (row) => html`<tr key=${row.title}>
            <th scope="row">${row.title}</th>
            <td class="generated">${figure(row.generated, row.percent)}</td>
            <td class="real">${figure(row.real, row.percent)}</td>
          </tr>`,
        )}
      </tbody>
    </table>`}`;
}
