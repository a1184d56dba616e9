// Who speaks: speakers as points in a plane, a handle to drag between them, random speakers, files.

import {
  dropHere,
  moveTo,
  place,
  plane,
  resemble,
  speakAs,
  throwSomebody,
  voice,
  who,
} from '../state.js';
import { number, t } from '../texts.js';
import { useLayoutEffect, useRef } from '../vendor/preact-hooks.js';
import { useSignal } from '../vendor/signals.js';
import { html } from './html.js';

const [WIDE, HIGH] = [0.36, 0.4]; // of the plane, from its middle to the farthest speaker
const STEP = 0.06; // of the reach, per arrow key press
const NAMED = 40; // speakers whose names are shown
const FAR = 1.25; // of the reach: no place is shown farther out

/** A place of the plane in percent of its size. */
function spot([x, y]) {
  const share = (value) => Math.max(-FAR, Math.min(FAR, value / plane.value.reach));
  return { left: `${50 + 100 * WIDE * share(x)}%`, top: `${50 - 100 * HIGH * share(y)}%` };
}

/** Who speaks, in words. */
export function whoSpeaks() {
  const { parts, fresh, name } = who.value;
  if (fresh) return t('someoneNew');
  if (!parts) return name ? t('someoneLike', { name }) : t('ownStyle');
  if (parts.length === 1) return t('alone', { name: parts[0][0] });
  const shares = parts.map(([one, weight]) => `${one} ${number(100 * weight)} %`);
  return t('between', { names: [shares.slice(0, -1).join(', '), shares.at(-1)].join(t('and')) });
}

function Handle({ area }) {
  const held = useSignal(false);
  const toPlane = (event) => {
    const box = area.current.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width - 0.5) / WIDE;
    const y = (0.5 - (event.clientY - box.top) / box.height) / HIGH;
    return [x * plane.value.reach, y * plane.value.reach];
  };
  const grab = (event) => {
    event.currentTarget.setPointerCapture(event.pointerId);
    held.value = true;
  };
  const drag = (event) => held.value && moveTo(toPlane(event));
  const release = () => {
    if (held.value) dropHere();
    held.value = false;
  };
  const key = (event) => {
    const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key] ?? [];
    if (dx === undefined) return;
    event.preventDefault();
    const step = STEP * plane.value.reach * (event.shiftKey ? 4 : 1);
    moveTo([place.value[0] + dx * step, place.value[1] + dy * step]);
    dropHere();
  };
  return html`<div
    class=${held.value ? 'handle held' : 'handle'}
    role="slider"
    tabindex="0"
    aria-label=${t('planeHandle')}
    aria-valuemin="0"
    aria-valuemax="100"
    aria-valuenow=${Math.round(100 * (who.value.parts?.[0][1] ?? 1))}
    aria-valuetext=${whoSpeaks()}
    style=${spot(place.value)}
    onPointerDown=${grab}
    onPointerMove=${drag}
    onPointerUp=${release}
    onPointerCancel=${release}
    onKeyDown=${key}
  ></div>`;
}

function Lines() {
  const { names, places } = plane.value;
  const ends = who.value.parts?.length > 1 ? who.value.parts : [];
  const from = spot(place.value);
  return html`<svg class="lines" aria-hidden="true">
    ${ends.map(([name]) => {
      const to = spot(places[names.indexOf(name)]);
      return html`<line key=${name} x1=${from.left} y1=${from.top} x2=${to.left} y2=${to.top} />`;
    })}
  </svg>`;
}

/** Whether a box begins before another ends, along both axes. */
const ahead = (one, other) => one.left < other.right && one.top < other.bottom;

/** Put names at the side that has room; one that overlaps another is shown only when pointed at. */
function arrange(area) {
  const { right } = area.getBoundingClientRect();
  const taken = [];
  for (const name of area.querySelectorAll('bdi')) {
    const { classList } = name.parentElement;
    classList.remove('flipped');
    classList.toggle('flipped', name.getBoundingClientRect().right > right);
    const box = name.getBoundingClientRect();
    const on = (one) => ahead(one, box) && ahead(box, one);
    if (!classList.toggle('crowded', taken.some(on))) taken.push(box);
  }
}

function Points({ area }) {
  const { names, places } = plane.value;
  const alone = who.value.parts?.length === 1 ? who.value.parts[0][0] : null;
  useLayoutEffect(() => {
    const watch = new ResizeObserver(() => arrange(area.current));
    watch.observe(area.current);
    return () => watch.disconnect();
  }, [names]);
  return html`<div class="plane" ref=${area} role="group" aria-label=${t('who')} dir="ltr">
    ${places.map((at, i) => html`<i key=${names[i]} class="cloud" style=${spot(at)}></i>`)}
    <${Lines} />
    ${names.map(
      (name, i) => html`<button
        key=${name}
        type="button"
        class="point"
        aria-pressed=${name === alone}
        style=${spot(places[i])}
        aria-label=${name}
        onClick=${() => speakAs(name)}
      >
        ${i < NAMED && html`<bdi>${name}</bdi>`}
      </button>`,
    )}
    <${Handle} area=${area} />
  </div>`;
}

function Everybody() {
  const names = Object.keys(voice.value.speakers);
  if (names.length <= NAMED) return null;
  return html`<label class="pick"
    ><span>${t('speaker')}</span
    ><select onChange=${(event) => speakAs(event.target.value)} value=${who.value.parts?.[0][0]}>
      ${names.map((name) => html`<option key=${name} value=${name}>${name}</option>`)}
    </select></label
  >`;
}

export function Who() {
  const area = useRef(null);
  const file = useRef(null);
  const over = useSignal(false);
  const several = plane.value.names.length > 1;
  const { canResemble } = voice.value;
  const take = (files) => {
    over.value = false;
    if (files?.[0]) resemble(files[0]);
  };
  const drop = (event) => {
    event.preventDefault();
    if (canResemble) take(event.dataTransfer.files);
  };
  return html`<section
    class=${over.value ? 'card who over' : 'card who'}
    aria-labelledby="who-title"
    onDragOver=${(event) => {
      event.preventDefault();
      over.value = canResemble;
    }}
    onDragLeave=${() => (over.value = false)}
    onDrop=${drop}
  >
    <h2 id="who-title">${t('who')}</h2>
    ${several && html`<p class="soft">${t('planeHint')}</p><${Points} area=${area} />`}
    <${Everybody} />
    <div class="chosen">
      <p role="status"><strong><bdi>${whoSpeaks()}</bdi></strong></p>
      <button type="button" onClick=${throwSomebody}><span aria-hidden="true">✦ </span>${t('anew')}</button>
      ${canResemble &&
      html`<button type="button" onClick=${() => file.current.click()} aria-describedby="like-hint">${t('like')}</button>
        <input ref=${file} class="none" type="file" accept="audio/*,video/*" tabindex="-1" aria-hidden="true"
          onChange=${(event) => {
            take(event.target.files);
            event.target.value = '';
          }} />
        <span id="like-hint" class="soft">${t('likeHint')}</span>`}
    </div>
  </section>`;
}
