// The random numbers of NumPy, so that the same seed makes the same sound as in Python:
// SeedSequence with spawn keys, PCG64, and the float32 ziggurat for the standard normal.

export const NOISE_KEY = 0;
export const STYLE_KEY = 1;
export const TAKE_KEY = 7;
const POOL = 4;
const MASK = (1n << 128n) - 1n;
const MULTIPLIER = 0x2360ed051fc65da44385df649fccf645n;

/** The 32-bit words of a non-negative integer, the lowest first. */
function wordsOf(number) {
  const found = [];
  let rest = BigInt(number);
  do {
    found.push(Number(rest & 0xffffffffn));
    rest >>= 32n;
  } while (rest > 0n);
  return found;
}

/** A hash whose constant changes from call to call. */
function hasher(constant, multiplier) {
  let hash = constant;
  return (value) => {
    const mixed = value ^ hash;
    hash = Math.imul(hash, multiplier);
    const product = Math.imul(mixed, hash);
    return (product ^ (product >>> 16)) >>> 0;
  };
}

function mix(x, y) {
  const result = Math.imul(0xca01f9dd, x) - Math.imul(0x4973f715, y);
  return (result ^ (result >>> 16)) >>> 0;
}

/** Four 64-bit numbers that depend on a seed and a key alone (NumPy's SeedSequence). */
function seedState(seed, key) {
  const entropy = wordsOf(seed);
  while (entropy.length < POOL) entropy.push(0);
  entropy.push(...key.flatMap(wordsOf));
  const hash = hasher(0x43b0d7e5, 0x931e8875);
  const pool = entropy.slice(0, POOL).map(hash);
  for (let from = 0; from < POOL; from += 1) {
    for (let to = 0; to < POOL; to += 1) if (from !== to) pool[to] = mix(pool[to], hash(pool[from]));
  }
  for (const word of entropy.slice(POOL)) {
    for (let to = 0; to < POOL; to += 1) pool[to] = mix(pool[to], hash(word));
  }
  const output = hasher(0x8b51f9dd, 0x58f38ded);
  const words = Array.from({ length: 8 }, (_, index) => BigInt(output(pool[index % POOL])));
  return [0, 2, 4, 6].map((index) => words[index] | (words[index + 1] << 32n));
}

/** PCG64 (XSL-RR 128/64): 32 random bits at a time, the lower half of each output first. */
function bits(seed, key) {
  const [high, low, incrementHigh, incrementLow] = seedState(seed, key);
  const increment = ((((incrementHigh << 64n) | incrementLow) << 1n) | 1n) & MASK;
  let state = (increment + ((high << 64n) | low)) & MASK;
  state = (state * MULTIPLIER + increment) & MASK;
  let kept = -1;
  return () => {
    if (kept >= 0) {
      const upper = kept;
      kept = -1;
      return upper;
    }
    state = (state * MULTIPLIER + increment) & MASK;
    const folded = BigInt.asUintN(64, (state >> 64n) ^ state);
    const turn = state >> 122n;
    const output = BigInt.asUintN(64, (folded >> turn) | (folded << ((64n - turn) & 63n)));
    kept = Number(output >> 32n);
    return Number(output & 0xffffffffn);
  };
}

const { fround } = Math;
const TAIL = 3.6541528853610088; // where the lowest of the ziggurat's 256 layers of equal area ends
const TAIL_F = fround(TAIL);
const INVERSE_TAIL_F = fround(1 / TAIL);

/** The ziggurat's tables (Marsaglia and Tsang, 2000) for 23 bits and a sign. */
function ziggurat() {
  const area = 0.00492867323399;
  const density = (x) => Math.exp(-0.5 * x * x);
  const edge = new Float64Array(256);
  edge[255] = TAIL;
  for (let i = 254; i > 0; i -= 1) edge[i] = Math.sqrt(-2 * Math.log(area / edge[i + 1] + density(edge[i + 1])));
  const base = area / density(TAIL);
  const inside = new Uint32Array(256);
  const scale = new Float32Array(256);
  const height = new Float32Array(256);
  for (let i = 0; i < 256; i += 1) {
    scale[i] = (i === 0 ? base : edge[i]) / 2 ** 23;
    height[i] = i === 0 ? 1 : density(edge[i]);
    inside[i] = Math.round((i === 0 ? TAIL / base : edge[i - 1] / edge[i]) * 2 ** 23);
  }
  inside[1] = 0;
  return { inside, scale, height };
}

const LAYERS = ziggurat();

/** `count` standard normal float32 numbers that depend on a seed and a key alone. */
export function standardNormal(seed, key, count) {
  const next = bits(seed, key);
  return Float32Array.from({ length: count }, () => draw(next));
}

function draw(next) {
  const uniform = () => fround((next() >>> 8) * fround(1 / 16777216));
  for (;;) {
    const word = next();
    const layer = word & 0xff;
    const size = (word >>> 9) & 0x7fffff;
    const across = fround(size * LAYERS.scale[layer]);
    const x = (word >>> 8) & 1 ? -across : across;
    if (size < LAYERS.inside[layer]) return x;
    if (layer === 0) return tail(uniform, (size >>> 8) & 1);
    const { height } = LAYERS;
    const up = fround(fround(fround(height[layer - 1] - height[layer]) * uniform()) + height[layer]);
    if (up < Math.exp(-0.5 * x * x)) return x;
  }
}

function tail(uniform, negative) {
  for (;;) {
    const x = fround(-INVERSE_TAIL_F * fround(Math.log1p(-uniform())));
    const y = fround(-Math.log1p(-uniform()));
    if (fround(y + y) > fround(x * x)) return negative ? -fround(TAIL_F + x) : fround(TAIL_F + x);
  }
}
