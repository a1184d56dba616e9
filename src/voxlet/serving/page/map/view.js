// The map view: tools, one or two maps, the side panel, and keys.

import { copyLink, save } from '../keep.js';
import { wake } from '../player.js';
import { number, t } from '../texts.js';
import { useEffect, useRef } from '../vendor/preact-hooks.js';
import { html } from '../view/html.js';
import { encodeWav } from '../voice/wav.js';
import { Chart, zoom } from './chart.js';
import { Side } from './side.js';
import {
  again,
  atlases,
  busy,
  choose,
  clear,
  colour,
  density,
  forget,
  heard,
  namesOf,
  names,
  night,
  link,
  notice,
  offered,
  offers,
  paint,
  path,
  picked,
  pin,
  pins,
  place,
  ready,
  step,
  stop,
  tell,
  toggleDensity,
  tool,
  trouble,
  walk,
  walkBetween,
  walkPins,
  walked,
  whole,
} from './state.js';

const COLOURS = {
  label: 'mapLabel', speaker: 'speaker', kind: 'mapKind', length: 'mapLength', pitch: 'pitch', loudness: 'mapLoudness', doubt: 'mapDoubtTitle',
};

function Maps() {
  if (offered.value.length < 2) return null;
  const [first, second] = names.value;
  const list = offered.value.map(({ name }) => name);
  return html`<label><span>${t('mapOf')}</span>
      <select value=${first} onChange=${(event) => choose(event.target.value, second === event.target.value ? '' : second)}>
        ${list.map((name) => html`<option key=${name} value=${name}>${name}</option>`)}
      </select></label>
    <label><span>${t('mapBeside')}</span>
      <select value=${second} onChange=${(event) => choose(first, event.target.value)}>
        <option value="">${t('mapNone')}</option>
        ${list.filter((name) => name !== first).map((name) => html`<option key=${name} value=${name}>${name}</option>`)}
      </select></label>`;
}

async function keepLink() {
  tell(t(await copyLink(link())));
}

function Bar() {
  return html`<div class="bar">
    <${Maps} />
    <label><span>${t('mapColour')}</span>
      <select value=${colour.value} onChange=${(event) => paint(event.target.value)}>
        ${offers.value.map((name) => html`<option key=${name} value=${name}>${t(COLOURS[name])}</option>`)}
      </select></label>
  </div>`;
}

function More() {
  const file = useRef(null);
  const canPlace = atlases.value.some((one) => one.encode && one.memory);
  return html`<div class="bar more">
    ${canPlace &&
    html`<button type="button" onClick=${() => file.current.click()}>${t('mapOwn')}</button>
      <input ref=${file} class="none" type="file" accept="audio/*,video/*" tabindex="-1" aria-hidden="true"
        onChange=${(event) => {
          if (event.target.files[0]) place(event.target.files[0]);
          event.target.value = '';
        }} />`}
    ${atlases.value.some((one) => one.density.length > 0) &&
    html`<button type="button" aria-pressed=${density.value} onClick=${toggleDensity}>${t('mapDensity')}</button>`}
    <button type="button" onClick=${whole}>${t('mapWhole')}</button>
    <button type="button" onClick=${keepLink} aria-label=${t('linkName')}>${t('link')}</button>
  </div>`;
}

function Tools() {
  const choice = (name, text) => html`<button
    type="button"
    aria-pressed=${tool.value === name}
    onClick=${() => {
      wake();
      tool.value = name;
    }}
  >${text}</button>`;
  return html`<div class="tools" role="group" aria-label=${t('mapTools')}>${choice('point', t('mapPoint'))}${choice('path', t('mapDraw'))}</div>`;
}

function download() {
  const { samples, rate } = walked.value;
  save('walk.wav', encodeWav(samples, rate, { model: names.value[0] }), 'audio/wav');
}

/** Walks between two words or speakers, through pinned clips, or along a drawn path. */
function Ways() {
  const from = useRef(null);
  const to = useRef(null);
  const groups = ['label', 'speaker'].map((group) => [group, namesOf(group).filter((name) => name !== t('mapNobody'))]);
  const last = groups[0][1].length - 1;
  const [first, second] = last < 7 ? [0, last] : [3, 7]; // two that differ, if there are two
  const ends = (ref, title, usual) => html`<label><span>${title}</span>
    <select ref=${ref} defaultValue=${`label:${groups[0][1][usual]}`}>
      ${groups.map(([group, list]) => list.map((name, at) => html`<option key=${group + name} value=${`${group}:${name}`} selected=${group === 'label' && at === usual}>${name}</option>`))}
    </select></label>`;
  const pinned = pins.value.filter(([at]) => at === pins.value[0]?.[0]).length;
  return html`<div class="bar ways">
    <${Tools} /> ${ends(from, t('mapFrom'), first)} ${ends(to, t('mapTo'), second)}
    ${busy.value
      ? html`<button type="button" class="main" onClick=${stop}>${t('stop')}</button>`
      : html`<button type="button" class="main" onClick=${() => walkBetween(0, from.current.value, to.current.value)}>
          <span aria-hidden="true">▶ </span>${t('mapWalk')}
        </button>`}
    ${pinned > 1 && html`<button type="button" onClick=${walkPins}>${t('mapWalkPins', { count: number(pinned) })}</button>`}
    ${path.value?.steps.length > 1 && html`<button type="button" onClick=${walk} disabled=${busy.value}>${t('mapAgain')}</button>`}
    ${walked.value && html`<button type="button" onClick=${download} aria-label=${t('mapWav')}><span aria-hidden="true">↓ </span>${t('download')}</button>`}
  </div>`;
}

/** Keys work wherever the focus is, except in fields, buttons and links. */
function key(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || atlases.value.length === 0) return;
  if (event.target.closest('input, select, textarea, button, a, nav')) return;
  const canvas = document.querySelector(`canvas.map[data-at="${picked.value?.[0] ?? 0}"]`);
  const at = Number(canvas.dataset.at);
  const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  const acts = {
    ' ': again,
    Enter: () => picked.value && pin(...picked.value),
    '/': () => document.getElementById('map-find').focus(),
    0: whole,
    '+': () => zoom(canvas, at, 1.3),
    '-': () => zoom(canvas, at, 1 / 1.3),
    c: () => paint(offers.value[(offers.value.indexOf(colour.value) + 1) % offers.value.length]),
    w: () => (pins.value.length > 1 ? walkPins() : path.value?.steps.length > 1 && walk()),
    Escape: clear,
  };
  if (ways[event.key]) {
    wake();
    step(...ways[event.key]);
  } else if (acts[event.key]) acts[event.key]();
  else return;
  event.preventDefault();
}

function State() {
  if (trouble.value) {
    const { code, detail } = trouble.value;
    return html`<section class="card waiting" role="alert">
      <p>${t(code, { detail })}</p>
      <button type="button" class="main" onClick=${() => choose(...names.value)}>${t('retry')}</button>
    </section>`;
  }
  const share = number(100 * ready.value);
  const live = atlases.value[path.value?.atlas ?? 0]?.isLive; // there is none while maps are fetched
  const now = busy.value && heard.value && `${heard.value.label} · ${heard.value.about}`;
  const usual = ready.value < 1 ? t('mapReady', { share }) : t(live ? 'mapLive' : 'mapFromClips');
  return html`<p class="map-state soft" role="status">${notice.value || now || usual}</p>`;
}

export function MapView() {
  useEffect(() => {
    const dark = matchMedia('(prefers-color-scheme: dark)');
    const recolour = () => (night.value = dark.matches);
    recolour();
    dark.addEventListener('change', recolour);
    document.addEventListener('keydown', key);
    document.addEventListener('pointerdown', wake);
    return () => {
      dark.removeEventListener('change', recolour);
      document.removeEventListener('keydown', key);
      document.removeEventListener('pointerdown', wake);
      stop();
      forget();
    };
  }, []);
  if (atlases.value.length === 0) return html`<${State} />`;
  const credits = [...new Set(atlases.value.map((one) => one.credit))].join(' · ');
  return html`<div class="map-page">
    <section class="card" aria-label=${t('map')}>
      <${Ways} />
      <${State} />
      <div class="charts">${atlases.value.map((one, at) => html`<${Chart} key=${`${at} ${one.name}`} at=${at} />`)}</div>
      <${Bar} />
      <${More} />
      <p class="soft credit">${t('mapCredit', { credit: credits })}</p>
    </section>
    <${Side} />
  </div>`;
}
