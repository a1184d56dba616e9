// Who speaks: named styles, blends and random ones, as in Python's `voxlet.speak.styles`; and the plane of speakers.

import { STYLE_KEY, TAKE_KEY, standardNormal } from './noise.js';
import { BOUNDS } from './voice_file.js';

const ROUNDS = 80; // of the power iteration
const MOST_SHOWN = 300; // speakers in the plane
const { fround } = Math;
const clamp = (x, [least, most]) => Math.min(Math.max(x, least), most);

/** The style of a blend: [[name, weight], ...]. */
export function blend(parts, speakers) {
  if (parts.length === 1) return speakers[parts[0][0]].map(fround);
  const weights = parts.reduce((sum, [, weight]) => sum + weight, 0);
  return speakers[parts[0][0]].map((_, axis) => {
    const sum = parts.reduce((all, [name, weight]) => all + fround(fround(weight) * fround(speakers[name][axis])), 0);
    return fround(sum / weights);
  });
}

/** `george` or `george:0.7,theo:0.3` as [[name, weight], ...], or null if it is no blend. */
export function readBlend(spec, speakers) {
  if (Object.hasOwn(speakers, spec)) return [[spec, 1]];
  const parts = spec.split(',').map((part) => {
    const at = part.lastIndexOf(':');
    return at < 0 ? [part.trim(), 1] : [part.slice(0, at).trim(), Number(part.slice(at + 1))];
  });
  const total = parts.reduce((sum, [, weight]) => sum + weight, 0);
  const good = parts.every(([name, weight]) => Object.hasOwn(speakers, name) && Number.isFinite(weight));
  return good && Math.abs(total) > 1e-6 ? parts : null;
}

export function writeBlend(parts) {
  return parts.length === 1 ? parts[0][0] : parts.map(([name, weight]) => `${name}:${weight}`).join(',');
}

/** A random style that depends on the seed alone. */
export function randomStyle(seed, { styleSize, styleStd, speakers }) {
  const named = Object.values(speakers);
  const square = (i) => named.reduce((sum, style) => sum + fround(style[i]) ** 2, 0) / named.length;
  const spread = (i) => styleStd?.[i] ?? (named.length > 0 ? Math.sqrt(square(i)) : 1);
  return Array.from(standardNormal(seed, [STYLE_KEY], styleSize), (x, i) => fround(x * fround(spread(i))));
}

/** The attributes that a voice's graph gets: the manner, varied by the seed. */
export function wishes({ attributes, variation }, manner, seed) {
  const [faster, higher] = standardNormal(seed, [TAKE_KEY], 2).map((x) => clamp(x, [-2, 2]));
  const taken = { ...manner }; // varied only where nothing is asked for
  if (taken.speed === 1) taken.speed = Math.exp(variation.speed * faster);
  if (taken.pitch === 0) taken.pitch = variation.pitch * higher;
  const right = (name) => clamp(taken[name], BOUNDS[name]);
  return attributes.map((name) => (name === 'speed' ? Math.log(right(name)) : right(name)));
}

/** The plane that shows most of how speakers differ, and each speaker's place in it. */
export class Plane {
  constructor(speakers) {
    this.names = Object.keys(speakers).slice(0, MOST_SHOWN);
    const rows = this.names.map((name) => speakers[name]);
    const size = rows[0]?.length ?? 0;
    this.middle = Array.from({ length: size }, (_, axis) => rows.reduce((sum, row) => sum + row[axis], 0) / rows.length);
    const centred = rows.map((row) => row.map((x, axis) => x - this.middle[axis]));
    const first = principal(centred, []);
    this.axes = [first, principal(centred, [first])];
    this.places = rows.map((row) => this.project(row));
    this.reach = Math.max(1e-6, ...this.places.flat().map(Math.abs));
    this.triangles = triangulate(this.places);
  }

  /** The place of a style. */
  project(style) {
    return this.axes.map((axis) => axis.reduce((sum, a, i) => sum + a * (style[i] - this.middle[i]), 0));
  }

  /** The blend at a place: at most three speakers, their weights in hundredths. */
  blendAt(place) {
    if (this.names.length === 0) return [];
    const inside = this.triangles.map((corners) => [corners, barycentric(place, corners.map((c) => this.places[c]))]);
    const hit = inside.find(([, weights]) => weights.every((weight) => weight >= 0));
    const [corners, weights] = hit ?? this.nearestOnEdges(place);
    const parts = corners.map((corner, i) => [this.names[corner], Math.round(weights[i] * 100) / 100]);
    return parts.filter(([, weight]) => weight > 0).sort((a, b) => b[1] - a[1]);
  }

  nearestOnEdges(place) {
    const edges = this.triangles.flatMap(([a, b, c]) => [
      [a, b],
      [b, c],
      [c, a],
    ]);
    if (edges.length === 0) edges.push(...this.names.map((_, i) => [i, Math.min(i + 1, this.names.length - 1)]));
    let best = null;
    for (const [a, b] of edges) {
      const [p, q] = [this.places[a], this.places[b]];
      const length = (q[0] - p[0]) ** 2 + (q[1] - p[1]) ** 2;
      const along = ((place[0] - p[0]) * (q[0] - p[0]) + (place[1] - p[1]) * (q[1] - p[1])) / (length || 1);
      const share = Math.min(1, Math.max(0, along));
      const distance = Math.hypot(
        p[0] + share * (q[0] - p[0]) - place[0],
        p[1] + share * (q[1] - p[1]) - place[1],
      );
      if (!best || distance < best.distance) best = { distance, corners: [a, b], weights: [1 - share, share] };
    }
    const { corners, weights } = best;
    return corners[0] === corners[1] ? [[corners[0]], [1]] : [corners, weights];
  }
}

/** The direction of most variance, orthogonal to those known. */
function principal(rows, known) {
  const size = rows[0]?.length ?? 0;
  let axis = Array.from({ length: size }, (_, i) => Math.sin(1 + i));
  for (let round = 0; round < ROUNDS; round += 1) {
    const next = new Array(size).fill(0);
    for (const row of rows) {
      const along = row.reduce((sum, x, i) => sum + x * axis[i], 0);
      row.forEach((x, i) => {
        next[i] += along * x;
      });
    }
    for (const other of known) {
      const along = next.reduce((sum, x, i) => sum + x * other[i], 0);
      other.forEach((x, i) => {
        next[i] -= along * x;
      });
    }
    const length = Math.hypot(...next);
    if (length < 1e-12) return new Array(size).fill(0);
    axis = next.map((x) => x / length);
  }
  return axis;
}

/** The weights of a triangle's corners at a place. */
function barycentric([x, y], [[ax, ay], [bx, by], [cx, cy]]) {
  const area = (by - cy) * (ax - cx) + (cx - bx) * (ay - cy);
  if (area === 0) return [-1, -1, -1];
  const first = ((by - cy) * (x - cx) + (cx - bx) * (y - cy)) / area;
  const second = ((cy - ay) * (x - cx) + (ax - cx) * (y - cy)) / area;
  return [first, second, 1 - first - second];
}

/** The Delaunay triangles of places, as triples of indices (Bowyer and Watson, 1981). */
function triangulate(places) {
  const reach = 1e3 * Math.max(1e-6, ...places.flat().map(Math.abs));
  const all = [...places, [-reach, -reach], [reach, -reach], [0, reach]];
  const count = places.length;
  let triangles = [[count, count + 1, count + 2]];
  for (let point = 0; point < count; point += 1) {
    const broken = triangles.filter((triangle) => inCircle(all[point], triangle.map((corner) => all[corner])));
    const edges = broken.flatMap(([a, b, c]) => [
      [a, b],
      [b, c],
      [c, a],
    ]);
    const outer = edges.filter(([a, b]) => !edges.some(([c, d]) => a === d && b === c));
    triangles = triangles.filter((triangle) => !broken.includes(triangle));
    triangles.push(...outer.map(([a, b]) => [a, b, point]));
  }
  return triangles.filter((triangle) => triangle.every((corner) => corner < count));
}

/** Whether a place lies in the circle through the corners, which are in counter-clockwise order. */
function inCircle([x, y], corners) {
  const [[a, b], [c, d], [e, f]] = corners.map(([cx, cy]) => [cx - x, cy - y]);
  const square = (p, q) => p * p + q * q;
  return a * (d * square(e, f) - f * square(c, d)) - b * (c * square(e, f) - e * square(c, d)) + square(a, b) * (c * f - d * e) > 0;
}
