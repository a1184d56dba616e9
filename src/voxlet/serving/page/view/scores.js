// The scorecard in the voice's card: its metrics beside those of real recordings.

import { chosen, voice } from '../state.js';
import { number, t } from '../texts.js';
import { signal } from '../vendor/signals.js';
import { html } from './html.js';

const KINDS = { generated: 'generated', real: 'real', real_train: 'realTrain' };
const DIRECTIONS = { higher: 'higher', lower: 'lower', real: 'likeReal' };
const ROOM = 0.06; // of the width, left free at both ends of the bars

const titles = signal(null); // of metrics.json

/** Whether the voice's card holds a scorecard. */
export function hasScores() {
  return Object.keys(voice.value.card.scores?.figures ?? {}).length > 0;
}

async function loadTitles() {
  const answer = await fetch('metrics.json').catch(() => null);
  titles.value = answer?.ok ? await answer.json() : { parts: {}, metrics: {} };
}

function shown([value, low, high], unit) {
  if (unit === 'share') return `${number(100 * value, 1)} % [${number(100 * low, 1)}, ${number(100 * high, 1)}]`;
  const size = Math.abs(value);
  const digits = size < 1 ? 3 : size < 100 ? 2 : 0;
  return `${number(value, digits)} [${number(low, digits)}, ${number(high, digits)}]`;
}

/** Intervals as lines with a dot each, on one scale; the figures beside them say the same. */
function Bars({ figure, unit }) {
  const rows = Object.keys(KINDS).filter((kind) => figure[kind]);
  const all = rows.flatMap((kind) => figure[kind]);
  const [low, high] = unit === 'share' ? [0, 1] : [Math.min(...all), Math.max(...all)];
  const span = high - low || 1;
  const x = (value) => `${100 * (ROOM + ((1 - 2 * ROOM) * (value - low)) / span)}%`;
  return html`<svg class="bars" aria-hidden="true" height=${14 * rows.length}>
    ${rows.map((kind, row) => {
      const [value, from, to] = figure[kind];
      const y = 7 + 14 * row;
      return html`<g key=${kind} class=${kind}>
        <line x1="0" x2="100%" y1=${y} y2=${y} class="track" />
        <line x1=${x(from)} x2=${x(to)} y1=${y} y2=${y} class="span" />
        <circle cx=${x(value)} cy=${y} r="4.5" />
      </g>`;
    })}
  </svg>`;
}

function Row({ id, figure, unreliable }) {
  const [title, unit, better] = titles.value.metrics[id];
  return html`<tr>
    <th scope="row">
      ${title}<span class="soft">${t(DIRECTIONS[better])}</span>
      ${unreliable && html`<span class="soft">⚠ ${t('unreliable')}</span>`}
    </th>
    <td class="bar"><${Bars} figure=${figure} unit=${unit} /></td>
    <td>
      ${Object.entries(KINDS)
        .filter(([kind]) => figure[kind])
        .map(
          ([kind, name]) =>
            html`<p key=${kind} class="figure ${kind}"><span>${t(name)}</span> <bdi>${shown(figure[kind], unit)}</bdi></p>`,
        )}
    </td>
  </tr>`;
}

function Part({ title, ids, scores }) {
  const doubted = (id) => scores.unreliable_classifiers?.some((kind) => id.startsWith(`recognition.${kind}.`));
  return html`<section class="card part">
    <h3>${title}</h3>
    <table>
      <thead class="hidden">
        <tr>
          <th scope="col">${t('measure')}</th>
          <td></td>
          <th scope="col">${t('generated')}, ${t('real')}</th>
        </tr>
      </thead>
      <tbody>
        ${ids.map((id) => html`<${Row} key=${id} id=${id} figure=${scores.figures[id]} unreliable=${doubted(id)} />`)}
      </tbody>
    </table>
  </section>`;
}

/** Where the voice is from. */
function Card() {
  const { card } = voice.value;
  const rows = [
    ['cardData', card.data],
    ['cardLicence', card.licence],
    ['cardCredit', card.credit],
    ['cardMade', card.made_with],
  ].filter(([, value]) => value);
  return html`<section class="card part">
    <h3>${t('card')}</h3>
    <dl>
      ${rows.map(([name, value]) => html`<div key=${name}><dt>${t(name)}</dt><dd dir="auto">${String(value)}</dd></div>`)}
    </dl>
  </section>`;
}

export function Scores() {
  if (!titles.value) {
    loadTitles();
    return null;
  }
  const { scores } = voice.value.card;
  const { parts, metrics } = titles.value;
  const known = Object.keys(metrics).filter((id) => scores.figures[id]);
  return html`<div class="scores">
    <section class="card">
      <h2>${t('scoresOf', { name: voice.value.name })}</h2>
      ${chosen.value.verdict && html`<p class="verdict">${chosen.value.verdict}</p>`}
      <p class="soft">${t('scoresNote', { count: number(scores.clips ?? 0) })}</p>
    </section>
    ${Object.entries(parts).map(([part, title]) => {
      const ids = known.filter((id) => id.startsWith(`${part}.`));
      return ids.length > 0 && html`<${Part} key=${part} title=${title} ids=${ids} scores=${scores} />`;
    })}
    <${Card} />
  </div>`;
}
