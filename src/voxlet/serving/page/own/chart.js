// Losses over the steps of a stage, on a canvas: training as a line, validation as dots.

import { number, t } from '../texts.js';
import { useEffect, useRef } from '../vendor/preact-hooks.js';
import { html } from '../view/html.js';

const HEIGHT = 180; // pixels
const [LEFT, RIGHT, TOP, BOTTOM] = [52, 10, 10, 26];
const TICKS = 4;

function rangeOf(values) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const room = (high - low || Math.abs(high) || 1) * 0.06;
  return [low - room, high + room];
}

/** The decimals that tell the ticks of a range apart. */
function digitsFor(span) {
  return Math.max(0, Math.min(6, 1 - Math.floor(Math.log10(span / TICKS))));
}

/** A loss as text; tiny ones in scientific notation. */
function written(loss, digits, largest = Math.abs(loss)) {
  return largest > 0 && largest < 0.001 ? loss.toExponential(1) : number(loss, digits);
}

function draw(canvas, points, validations) {
  const scale = devicePixelRatio || 1;
  const width = canvas.clientWidth;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(HEIGHT * scale);
  const context = canvas.getContext('2d');
  context.scale(scale, scale);
  const colour = (name) => getComputedStyle(canvas).getPropertyValue(name);
  const all = [...points, ...validations];
  const [low, high] = rangeOf(all.map((one) => one.loss));
  const last = Math.max(...all.map((one) => one.step), 1);
  const x = (step) => LEFT + ((width - LEFT - RIGHT) * step) / last;
  const y = (loss) => TOP + ((HEIGHT - TOP - BOTTOM) * (high - loss)) / (high - low);
  context.font = '12px system-ui, sans-serif';
  context.textBaseline = 'middle';
  for (let tick = 0; tick <= TICKS; tick += 1) {
    const loss = low + ((high - low) * tick) / TICKS;
    context.fillStyle = colour('--line');
    context.fillRect(LEFT, y(loss), width - LEFT - RIGHT, 1);
    context.fillStyle = colour('--soft');
    context.textAlign = 'right';
    context.fillText(written(loss, digitsFor(high - low), Math.max(-low, high)), LEFT - 8, y(loss));
  }
  context.textAlign = 'right';
  context.fillText(t('chartStep', { count: number(last) }), width - RIGHT, HEIGHT - 9);
  context.strokeStyle = colour('--touch');
  context.lineWidth = 2;
  context.lineJoin = 'round';
  context.beginPath();
  points.forEach((one) => context.lineTo(x(one.step), y(one.loss)));
  context.stroke();
  const dot = (one, name) => {
    context.fillStyle = colour(name);
    context.beginPath();
    context.arc(x(one.step), y(one.loss), 3.5, 0, 2 * Math.PI);
    context.fill();
  };
  if (points.length === 1) dot(points[0], '--touch'); // no line yet
  validations.forEach((one) => dot(one, '--accent'));
}

export function Chart({ title, points, validations }) {
  const canvas = useRef(null);
  useEffect(() => {
    const element = canvas.current;
    const redraw = () => draw(element, points, validations);
    redraw();
    const seen = new ResizeObserver(redraw);
    seen.observe(element);
    const dark = matchMedia('(prefers-color-scheme: dark)');
    dark.addEventListener('change', redraw);
    return () => {
      seen.disconnect();
      dark.removeEventListener('change', redraw);
    };
  }, [points, validations]);
  const last = (points.at(-1) ?? validations.at(-1)).loss;
  const first = (points[0] ?? validations[0]).loss;
  const name = t('chartName', { title, first: written(first, 3), last: written(last, 3) });
  return html`<figure class="chart">
    <figcaption>
      <strong>${title}</strong><span class="soft">${t('chartLoss', { value: written(last, 3) })}${validations.length > 0 ? ` · ${t('chartDots')}` : ''}</span>
    </figcaption>
    <canvas ref=${canvas} role="img" aria-label=${name} dir="ltr"></canvas>
  </figure>`;
}
