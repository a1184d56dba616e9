// Beside the map: the last clip played, doubtful recordings, the legend, pinned clips.

import { number, t } from '../texts.js';
import { useEffect, useRef } from '../vendor/preact-hooks.js';
import { html } from '../view/html.js';
import { drawSpectrum, drawWave, useRedraw } from '../view/picture.js';
import { depth, colourOf, rampColour, shapeOf } from './looks.js';
import {
  alone,
  atlases,
  colour,
  find,
  heard,
  looks,
  mend,
  mended,
  namesOf,
  night,
  off,
  pick,
  pin,
  pins,
  query,
  saveTable,
  saved,
  scale,
  scaleText,
  showAll,
  toggle,
} from './state.js';

const WITH_RECORDINGS = 'voxlet corpus get fsdd\nvoxlet explore cnn-light-digits --out map\nvoxlet serve --map map';

const MARK = 14; // pixels of a mark in the legend

/** The last clip played, in words and pictures. */
function Heard() {
  const sound = heard.value;
  const frame = useRef(null);
  const wave = useRef(null);
  const spectrum = useRef(null);
  const turn = useRedraw(frame);
  useEffect(() => {
    if (!sound) return undefined;
    drawWave(wave.current, { samples: sound.samples, words: [{ start: 0, end: sound.samples.length }] }, -1);
    return drawSpectrum(spectrum.current, sound);
  }, [sound, turn]);
  return html`<section class="card heard" aria-labelledby="heard-title" ref=${frame}>
    <h2 id="heard-title">${t('mapHeard')}</h2>
    <div aria-live="polite">
      <p class="big"><bdi>${sound?.label ?? '–'}</bdi></p>
      <p class="soft"><bdi>${sound?.about ?? t('mapHint')}</bdi></p>
    </div>
    <div class=${sound ? 'picture' : 'none'} aria-hidden="true">
      <canvas ref=${wave} class="wave"></canvas>
      <canvas ref=${spectrum} class="spectrum"></canvas>
    </div>
    ${sound?.figures && html`<p class="soft">${sound.figures}</p>`}
  </section>`;
}

/** The mark of a name, as on the map. */
function Mark({ group, i, count }) {
  const canvas = useRef(null);
  const own = group === colour.value;
  const dark = night.value;
  useEffect(() => {
    const pen = canvas.current.getContext('2d');
    const pixels = pen.createImageData(2 * MARK, 2 * MARK);
    pen.fillStyle = own ? colourOf(i, count) : '#808080';
    const hue = [1, 3, 5].map((from) => parseInt(pen.fillStyle.slice(from, from + 2), 16));
    for (let y = 0; y < 2 * MARK; y += 1) {
      for (let x = 0; x < 2 * MARK; x += 1) {
        const inside = depth(own ? shapeOf(i) : 'circle', 0.7 * MARK, x - MARK + 0.5, y - MARK + 0.5);
        const hollow = group === 'kind' && i === 1 && inside > 0.3 * MARK;
        pixels.data.set([...hue, hollow ? 0 : 255 * Math.min(1, Math.max(0, inside + 0.5))], 4 * (y * 2 * MARK + x));
      }
    }
    pen.putImageData(pixels, 0, 0);
  }, [own, group, i, count, dark]);
  return html`<canvas ref=${canvas} class="mark" width=${2 * MARK} height=${2 * MARK} aria-hidden="true"></canvas>`;
}

function Group({ group, title }) {
  const names = namesOf(group);
  if (names.length < 2) return null;
  const marked = (group === colour.value && names.length > 0) || group === 'kind';
  return html`<div class="group" role="group" aria-label=${title}>
    <h3>${title}</h3>
    ${names.map(
      (name, i) => html`<button
        key=${name}
        type="button"
        aria-pressed=${!off.value[group].includes(name)}
        title=${t('mapToggleHint')}
        onClick=${() => toggle(group, name)}
        onDblClick=${() => alone(group, name)}
      >
        ${marked && html`<${Mark} group=${group} i=${i} count=${names.length} />`}<bdi>${name}</bdi>
      </button>`,
    )}
  </div>`;
}

function Scale() {
  const span = scale.value;
  const dark = night.value;
  const ramp = useRef(null);
  useEffect(() => {
    if (!span) return;
    const pen = ramp.current.getContext('2d');
    for (let x = 0; x < 100; x += 1) {
      pen.fillStyle = rampColour(x / 99);
      pen.fillRect(x, 0, 1, 1);
    }
  }, [span === null, dark]);
  if (!span) return null;
  return html`<div class="scale" dir="ltr">
    <canvas ref=${ramp} width="100" height="1" aria-hidden="true"></canvas>
    <p><span>${scaleText(colour.value, span[0])}</span><span>${scaleText(colour.value, span[1])}</span></p>
  </div>`;
}

function Legend() {
  const found = looks.value.reduce((sum, one) => sum + one.found, 0);
  return html`<section class="card legend" aria-labelledby="legend-title">
    <h2 id="legend-title">${t('mapShown')}</h2>
    <label class="find"><span>${t('mapFind')}</span>
      <input id="map-find" type="search" autocomplete="off" placeholder=${t('mapFindHint')} value=${query.value} onInput=${(event) => find(event.target.value)} /></label>
    <p class="soft" role="status">${t('mapFound', { count: number(found) })}</p>
    <${Scale} />
    <${Group} group="label" title=${t('mapLabels')} />
    <${Group} group="speaker" title=${t('mapSpeakers')} />
    <${Group} group="kind" title=${t('mapKinds')} />
    <p><button type="button" onClick=${showAll}>${t('mapShowAll')}</button></p>
  </section>`;
}

function Entry({ at, i, note, children }) {
  const atlas = atlases.value[at];
  return html`<li>
    <button type="button" aria-label=${t('mapPlay', { source: atlas.source[i] })} onClick=${() => pick(at, i)}>
      <span aria-hidden="true">▶</span>
    </button>
    <span><bdi>${atlas.labelOf(i)}</bdi><small class="soft"><bdi>${note}</bdi></small></span>
    ${children}
  </li>`;
}

function Pins() {
  return html`<section class="card" aria-labelledby="pins-title">
    <h2 id="pins-title">${t('mapPinned')}</h2>
    ${pins.value.length === 0 && html`<p class="soft">${t('mapPinHint')}</p>`}
    <ol class="clips">
      ${pins.value.map(
        ([at, i]) => html`<${Entry} key=${`${at}.${i}`} at=${at} i=${i} note=${atlases.value[at].source[i]}>
          <button type="button" aria-label=${t('mapUnpin', { source: atlases.value[at].source[i] })} onClick=${() => pin(at, i)}>
            <span aria-hidden="true">×</span>
          </button>
        <//>`,
      )}
    </ol>
  </section>`;
}

/** How many labels are corrected, and whether they are saved. */
function Mended() {
  const all = Object.values(mended.value).filter(Boolean);
  const left = all.filter((label) => label === '-').length;
  const counts = { changed: number(all.length - left), left: number(left), count: number(saved.value ?? 0) };
  const words = saved.value !== null ? 'mapSaved' : all.length > 0 ? 'mapMended' : null;
  return html`<p class="soft" role="status">${words && t(words, counts)}</p>`;
}

function Doubts() {
  const at = atlases.value.findIndex((one) => one.table && one.doubtful.length > 0);
  const none = atlases.value.some((one) => one.table) ? 'mapNoDoubts' : 'mapNoRecordings';
  if (at < 0) {
    return html`<section class="card">
      <h2>${t('mapDoubtful')}</h2>
      <p class="soft">${t(none)}</p>
      ${none === 'mapNoRecordings' && html`<code tabindex="0" dir="ltr">${WITH_RECORDINGS}</code><p class="soft">${t('mapOfYours')}</p>`}
    </section>`;
  }
  const atlas = atlases.value[at];
  return html`<section class="card" aria-labelledby="doubts-title">
    <h2 id="doubts-title">${t('mapDoubtful')}</h2>
    <p class="soft">${t('mapDoubtHint')}</p>
    <ol class="clips doubts" tabindex="0" aria-labelledby="doubts-title">
      ${atlas.doubtful.map(({ i, reason }) => {
        const source = atlas.source[i];
        return html`<${Entry} key=${i} at=${at} i=${i} note=${`${reason} · ${source}`}>
          <select
            aria-label=${t('mapLabelOf', { source })}
            value=${mended.value[source] ?? ''}
            onChange=${(event) => mend(source, event.target.value)}
          >
            <option value="">${t('mapIsRight')}</option>
            ${atlas.labels.map((label) => html`<option key=${label} value=${label}>${t('mapIs', { label })}</option>`)}
            <option value="-">${t('mapLeaveOut')}</option>
          </select>
        <//>`;
      })}
    </ol>
    <p><button type="button" class="main" onClick=${saveTable}>${t('mapSaveTable')}</button></p>
    <${Mended} />
    <p class="soft">${t('mapTableHint')}</p>
  </section>`;
}

export function Side() {
  return html`<aside class="map-side">
    <${Heard} />
    <${Doubts} />
    <${Legend} />
    <${Pins} />
    <section class="card"><h2>${t('keys')}</h2><p id="map-keys" class="soft">${t('mapKeys')}</p></section>
  </aside>`;
}

