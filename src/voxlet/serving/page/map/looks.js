// How clips look on a map: colours that colour-blind people can tell apart, shapes, and a scale for numbers.

// Ten colours, as distinct as could be found, with and without each kind of colour blindness,
// on a light and a dark page. Python's figures have the light ones (plots/figure.py).
const COLOURS = {
  light: ['#376a76', '#f07497', '#391d90', '#c3ba30', '#a72106', '#44c3fb', '#641e47', '#7e81fa', '#978501', '#920ad1'],
  dark: ['#13c2f0', '#f24b99', '#effb61', '#5b3ee5', '#f5b98a', '#79682b', '#9dfefb', '#b1108b', '#a69b09', '#6e83f3'],
};
const RAMPS = {
  light: ['#46085c', '#3b4f8a', '#20908c', '#4fb569', '#b3a90a'],
  dark: ['#7a6ff0', '#4f9be0', '#35c3b0', '#9fdc6a', '#fde725'],
};
const SHAPES = ['circle', 'square', 'triangle', 'diamond', 'cross'];
const GOLDEN = 137.508; // degrees from one hue to the next
export const UNKNOWN = '#9aa3ad';
export const STEPS = 28; // colours of a scale

const night = matchMedia('(prefers-color-scheme: dark)');
const scheme = () => (night.matches ? 'dark' : 'light');

/** The colour of the `i`-th of `count` names. */
export function colourOf(i, count) {
  const known = COLOURS[scheme()];
  return count <= known.length ? known[i] : `hsl(${(i * GOLDEN) % 360} 60% ${35 + 15 * (i % 3)}%)`;
}

/** The shape of the `i`-th name: neighbours in the list never have the same. */
export function shapeOf(i) {
  return SHAPES[i % SHAPES.length];
}

/** The colour at a share of the scale's length. */
export function rampColour(share) {
  const ramp = RAMPS[scheme()];
  const place = Math.min(0.9999, Math.max(0, share)) * (ramp.length - 1);
  const low = Math.floor(place);
  const part = (hex, at) => parseInt(hex.slice(at, at + 2), 16);
  const mix = [1, 3, 5].map((at) => part(ramp[low], at) * (1 - place + low) + part(ramp[low + 1], at) * (place - low));
  return `#${mix.map((value) => Math.round(value).toString(16).padStart(2, '0')).join('')}`;
}

/** How far inside a shape (x, y) from its middle is, in pixels; negative if it is outside. */
export function depth(shape, size, x, y) {
  const [across, down] = [Math.abs(x), Math.abs(y)];
  if (shape === 'square') return size * 0.88 - Math.max(across, down);
  if (shape === 'diamond') return (size * 1.25 - across - down) * Math.SQRT1_2;
  if (shape === 'triangle') return Math.min(size * 0.75 - y, (y + size * 1.2 - across * 1.85) / 2.1);
  if (shape === 'cross') return size * 0.42 - Math.min(across, down) + Math.min(0, size * 1.15 - Math.max(across, down));
  return size - Math.hypot(x, y);
}
