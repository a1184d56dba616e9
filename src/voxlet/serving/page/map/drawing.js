// Drawing a map on a canvas. Places on the map go from 0 to 1, those on the canvas are pixels.

import { ink } from '../view/picture.js';
import { UNKNOWN, depth } from './looks.js';

const CLOUD_COLOUR = [20, 125, 122];
const FAINT = 0.18; // the opacity of clips that are filtered out
const COVER = 190; // the opacity of a mark, of 256
const NAMED = 40; // names on a map at most
const ASKED = 6000; // clips: enough for a median

/** Where the map lies on a canvas. */
export function frameOf(canvas, view) {
  const size = Math.min(canvas.width, canvas.height) * view.k;
  return { size, left: canvas.width / 2 - view.x * size, top: canvas.height / 2 - (1 - view.y) * size };
}

export const toX = (frame, x) => frame.left + x * frame.size;
export const toY = (frame, y) => frame.top + (1 - y) * frame.size;
export const toPlace = (frame, [x, y]) => [(x - frame.left) / frame.size, 1 - (y - frame.top) / frame.size];

/** The radius of a mark in pixels. */
export function radiusOf(atlas, view) {
  const usual = Math.max(1.5, 62 / Math.sqrt(atlas.size) + 1.8);
  return (devicePixelRatio || 1) * Math.min(8, usual * view.k ** 0.3);
}

/** A mark's opacity at each pixel around its middle, 0 to 256; marks of generated clips are hollow. */
function stamp(shape, radius, hollow) {
  const reach = Math.ceil(radius * 1.4 + 1);
  const side = 2 * reach + 1;
  const cover = new Uint8Array(side * side);
  for (let y = -reach; y <= reach; y += 1) {
    for (let x = -reach; x <= reach; x += 1) {
      const inside = depth(shape, radius, x, y);
      const outer = Math.min(1, Math.max(0, inside + 0.5));
      const inner = hollow ? Math.min(1, Math.max(0, inside - radius * 0.38 + 0.5)) : 0;
      cover[(y + reach) * side + x + reach] = COVER * (outer - inner);
    }
  }
  return { reach, side, cover };
}

function rgb(pen, colour) {
  pen.fillStyle = colour;
  return [1, 3, 5].map((from) => parseInt(pen.fillStyle.slice(from, from + 2), 16));
}

/** Draw all clips into the canvas's pixels: for 50,000, its drawing functions take seconds. */
function drawClips(pen, atlas, look, frame, radius) {
  const { width, height } = pen.canvas;
  const pixels = pen.getImageData(0, 0, width, height);
  const to = pixels.data;
  const colours = look.palette.map((colour) => rgb(pen, colour));
  const grey = rgb(pen, UNKNOWN);
  const mixed = new Set(atlas.kind).size > 1; // if all are generated, none needs to be hollow
  const stamps = new Map();
  const stampOf = (shape, hollow) => {
    const key = shape + hollow;
    if (!stamps.has(key)) stamps.set(key, stamp(shape, radius, hollow));
    return stamps.get(key);
  };
  for (const shown of [false, true]) {
    for (let i = 0; i < atlas.size; i += 1) {
      const hue = look.shade[i];
      if (hue >= 0 !== shown) continue;
      const { reach, side, cover } = stampOf(look.shapes ? look.shapes[Math.max(0, hue)] : 'circle', mixed && atlas.kind[i] === 1);
      const left = Math.round(toX(frame, atlas.x[i])) - reach;
      const top = Math.round(toY(frame, atlas.y[i])) - reach;
      if (left < 0 || top < 0 || left + side > width || top + side > height) continue;
      const [red, green, blue] = shown ? colours[hue] : grey;
      const weight = (shown ? 1 : FAINT) / 256;
      for (let y = 0, from = 0; y < side; y += 1) {
        for (let x = 0, at = 4 * ((top + y) * width + left); x < side; x += 1, at += 4) {
          const share = cover[from] * weight;
          from += 1;
          if (!share) continue;
          to[at] += (red - to[at]) * share;
          to[at + 1] += (green - to[at + 1]) * share;
          to[at + 2] += (blue - to[at + 2]) * share;
        }
      }
    }
  }
  pen.putImageData(pixels, 0, 0);
}

/** Draw names at the medians of their clips' places, moved apart. */
function drawNames(pen, atlas, look, frame, scale) {
  if (look.names.length > NAMED) return;
  const places = look.names.map(() => [[], []]);
  const asked = Math.min(atlas.size, ASKED);
  for (let turn = 0; turn < asked; turn += 1) {
    const i = asked < atlas.size ? (turn * 7919) % atlas.size : turn;
    if (look.shade[i] < 0) continue;
    places[look.shade[i]][0].push(atlas.x[i]);
    places[look.shade[i]][1].push(atlas.y[i]);
  }
  const placed = [];
  const high = 19 * scale;
  look.names.forEach((name, at) => {
    if (places[at][0].length === 0) return;
    const [x, middle] = places[at].map((values, axis) => {
      const median = values.sort((a, b) => a - b)[values.length >> 1];
      return axis ? toY(frame, median) : toX(frame, median);
    });
    const wide = pen.measureText(name).width + 6 * scale;
    const hidden = (y) => placed.some(([px, py, pw]) => Math.abs(px - x) < (pw + wide) / 2 && Math.abs(py - y) < high);
    let y = middle;
    for (let turn = 1; turn < 30 && hidden(y); turn += 1) y = middle + (turn % 2 ? 1 : -1) * Math.ceil(turn / 2) * high * 0.6;
    placed.push([x, y, wide]);
    write(pen, name, x, y, scale);
  });
}

function write(pen, text, x, y, scale) {
  pen.lineWidth = 5 * scale;
  pen.strokeStyle = ink('--card');
  pen.strokeText(text, x, y);
  pen.fillStyle = ink('--ink');
  pen.fillText(text, x, y);
}

function ring(pen, atlas, frame, i, colour, radius, scale, full) {
  const [x, y] = [toX(frame, atlas.x[i]), toY(frame, atlas.y[i])];
  pen.beginPath();
  pen.arc(x, y, radius + (full ? 5 : 4) * scale, 0, 7);
  pen.lineWidth = (full ? 4 : 3) * scale;
  pen.strokeStyle = ink(colour);
  pen.stroke();
}

function drawPath(pen, atlas, frame, path, scale) {
  const spots = path.steps.length > 0 ? path.steps : path.corners;
  pen.strokeStyle = pen.fillStyle = ink('--ink');
  pen.lineWidth = 2.5 * scale;
  pen.lineJoin = 'round';
  pen.beginPath();
  for (const { place } of path.corners) pen.lineTo(toX(frame, place[0]), toY(frame, place[1]));
  pen.stroke();
  spots.forEach(({ place }, step) => {
    const now = step === path.now;
    pen.beginPath();
    pen.arc(toX(frame, place[0]), toY(frame, place[1]), (now ? 9 : 5) * scale, 0, 7);
    pen.fillStyle = ink(now ? '--accent' : '--ink');
    pen.fill();
  });
  for (const [arrow, { place, clip }] of [['', path.corners[0]], ['→ ', path.corners.at(-1)]]) {
    if (clip !== null) write(pen, arrow + atlas.labelOf(clip), toX(frame, place[0]), toY(frame, place[1]) - 17 * scale, scale);
  }
}

/** The prior's density as a picture, or null. */
export function cloudsOf(atlas) {
  if (!atlas.density.length) return null;
  const side = Math.sqrt(atlas.density.length);
  const picture = new OffscreenCanvas(side, side);
  const pixels = new ImageData(side, side);
  atlas.density.forEach((value, at) => {
    const to = 4 * ((side - 1 - Math.floor(at / side)) * side + (at % side));
    pixels.data.set([...CLOUD_COLOUR, Math.round(value * 0.3)], to);
  });
  picture.getContext('2d').putImageData(pixels, 0, 0);
  return picture;
}

/**
 * Draw a map. `marks` is what is drawn besides the clips, `{ pins, picked, path, clouds }`: indices of clips, a path
 * with its corners and steps, and the picture of the prior's density.
 */
export function drawMap(canvas, atlas, look, view, marks) {
  const scale = devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight].map((size) => Math.max(1, Math.round(size * scale)));
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const pen = canvas.getContext('2d', { willReadFrequently: true });
  const frame = frameOf(canvas, view);
  const radius = radiusOf(atlas, view);
  Object.assign(pen, { font: `600 ${15 * scale}px system-ui, sans-serif`, textAlign: 'center', textBaseline: 'middle', lineJoin: 'round' });
  pen.fillStyle = ink('--card');
  pen.fillRect(0, 0, width, height);
  if (marks.clouds) pen.drawImage(marks.clouds, frame.left - frame.size / 2, frame.top - frame.size / 2, 2 * frame.size, 2 * frame.size);
  drawClips(pen, atlas, look, frame, radius);
  if (look.names && !marks.path) drawNames(pen, atlas, look, frame, scale);
  for (const i of marks.pins) ring(pen, atlas, frame, i, '--touch', radius, scale, false);
  for (const i of atlas.own.keys()) ring(pen, atlas, frame, i, '--ink', radius, scale, false);
  if (marks.picked !== null) ring(pen, atlas, frame, marks.picked, '--accent', radius, scale, true);
  if (marks.path) drawPath(pen, atlas, frame, marks.path, scale);
}
