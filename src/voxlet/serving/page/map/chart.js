// An interactive map: pointing plays, a drag moves the map or draws a path, the wheel zooms.

import { number, t } from '../texts.js';
import { useEffect, useMemo, useRef } from '../vendor/preact-hooks.js';
import { html } from '../view/html.js';
import { useRedraw } from '../view/picture.js';
import { cloudsOf, drawMap, frameOf, toPlace, toX, toY } from './drawing.js';
import { atlases, begin, density, end, extend, looks, move, path, pick, pickedIn, pin, pins, place, tool, views } from './state.js';

const REACH = 16; // pixels within which a clip is pointed at
const STILL = 5; // pixels that the pointer may move in a click
const CORNER = 9; // pixels from one corner of a drawn path to the next
const WHEEL = 0.0015; // of the zoom's logarithm, per pixel of the wheel

function nearest(canvas, at, [px, py], reach) {
  const atlas = atlases.value[at];
  const frame = frameOf(canvas, views.value[at]);
  const { shade } = looks.value[at];
  let best = null;
  let least = reach ** 2;
  for (let i = 0; i < atlas.size; i += 1) {
    if (shade[i] < 0) continue;
    const far = (toX(frame, atlas.x[i]) - px) ** 2 + (toY(frame, atlas.y[i]) - py) ** 2;
    if (far < least) [least, best] = [far, i];
  }
  return best;
}

/** Zoom, so that the place under `spot` stays where it is. */
export function zoom(canvas, at, factor, spot = [canvas.width / 2, canvas.height / 2]) {
  const view = views.value[at];
  const [x, y] = toPlace(frameOf(canvas, view), spot);
  move(at, { k: view.k * factor, x: x + (view.x - x) / factor, y: y + (view.y - y) / factor });
}

/** Handle pointer and wheel on the canvas of map `at`; returns a function that ends it. */
function hands(canvas, at) {
  let held = null;
  const scale = () => canvas.width / canvas.clientWidth;
  const spot = (event) => {
    const box = canvas.getBoundingClientRect();
    return [(event.clientX - box.left) * scale(), (event.clientY - box.top) * scale()];
  };
  const corner = (where) => {
    const clip = nearest(canvas, at, where, (REACH * scale()) / 2);
    const [x, y] = toPlace(frameOf(canvas, views.value[at]), where);
    return clip === null ? { place: [x, y], clip } : { place: atlases.value[at].placeOf(clip), clip };
  };
  const far = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]);
  const down = (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    const where = spot(event);
    held = { where, last: where, view: views.value[at], moved: false };
    if (tool.value === 'path') begin(at, corner(where));
  };
  const over = (event) => {
    const where = spot(event);
    if (!held) {
      const i = nearest(canvas, at, where, REACH * scale());
      const same = i === null || (pickedIn(at) === i && tool.value === 'point');
      if (tool.value === 'point' && !same) pick(at, i);
      return;
    }
    held.moved ||= far(where, held.where) > STILL * scale();
    if (!held.moved) return;
    if (tool.value === 'path') {
      if (far(where, held.last) < CORNER * scale()) return;
      held.last = where;
      const [x, y] = toPlace(frameOf(canvas, views.value[at]), where);
      extend({ place: [x, y], clip: null });
      return;
    }
    const { size } = frameOf(canvas, held.view);
    move(at, { ...held.view, x: held.view.x - (where[0] - held.where[0]) / size, y: held.view.y + (where[1] - held.where[1]) / size });
  };
  const up = (event) => {
    const was = held;
    held = null;
    if (!was) return;
    const where = spot(event);
    if (tool.value === 'path') {
      if (was.moved) extend(corner(where));
      end();
    } else if (!was.moved) {
      const i = nearest(canvas, at, where, 1.5 * REACH * scale());
      if (i === null) return;
      pick(at, i);
      pin(at, i);
    }
  };
  const wheel = (event) => {
    event.preventDefault();
    zoom(canvas, at, Math.exp(-event.deltaY * WHEEL), spot(event));
  };
  const heard = { pointerdown: down, pointermove: over, pointerup: up, pointercancel: () => (held = null) };
  for (const [name, act] of Object.entries(heard)) canvas.addEventListener(name, act);
  canvas.addEventListener('wheel', wheel, { passive: false });
  return () => {
    for (const [name, act] of Object.entries(heard)) canvas.removeEventListener(name, act);
    canvas.removeEventListener('wheel', wheel);
  };
}

export function Chart({ at }) {
  const atlas = atlases.value[at];
  const look = looks.value[at];
  const view = views.value[at];
  const figure = useRef(null);
  const canvas = useRef(null);
  const turn = useRedraw(figure);
  const clouds = useMemo(() => cloudsOf(atlas), [atlas]);
  useEffect(() => hands(canvas.current, at), [at, atlas]);
  const marks = {
    pins: pins.value.filter(([own]) => own === at).map(([, i]) => i),
    picked: pickedIn(at),
    path: path.value?.atlas === at ? path.value : null,
    clouds: density.value ? clouds : null,
  };
  useEffect(() => {
    const began = performance.now();
    drawMap(canvas.current, atlas, look, view, marks);
    document.body.dataset.drawn = (performance.now() - began).toFixed(1); // milliseconds, for measurements
  });
  const drop = (event) => {
    event.preventDefault();
    if (event.dataTransfer.files[0]) place(event.dataTransfer.files[0]);
  };
  const counts = { name: atlas.name, found: number(look.found), all: number(atlas.size) };
  const axes = [atlas.axes[0] && `→ ${atlas.axes[0]}`, atlas.axes[1] && `↑ ${atlas.axes[1]}`].filter(Boolean).join(' · ');
  return html`<figure ref=${figure} data-turn=${turn} onDragOver=${(event) => event.preventDefault()} onDrop=${drop}>
    <canvas
      ref=${canvas}
      class=${tool.value === 'path' ? 'map drawing' : view.k > 1 ? 'map near' : 'map'}
      tabindex="0"
      role="application"
      data-at=${at}
      aria-label=${t('mapCanvas', counts)}
      aria-describedby="map-keys"
    ></canvas>
    <figcaption class="soft">${t('mapCounts', counts)}${axes && ` · ${axes}`}</figcaption>
  </figure>`;
}
