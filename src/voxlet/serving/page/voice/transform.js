// The Fourier transform of real numbers, for lengths that are powers of two.

const TABLES = new Map();

function tables(size) {
  if (!TABLES.has(size)) {
    const turns = new Float64Array(size);
    for (let i = 0; i < size / 2; i += 1) {
      turns[2 * i] = Math.cos((2 * Math.PI * i) / size);
      turns[2 * i + 1] = -Math.sin((2 * Math.PI * i) / size);
    }
    TABLES.set(size, turns);
  }
  return TABLES.get(size);
}

/** Transform `real + i imaginary` in place. */
export function transform(real, imaginary) {
  const size = real.length;
  for (let i = 1, j = 0; i < size; i += 1) {
    let bit = size >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      [real[i], real[j]] = [real[j], real[i]];
      [imaginary[i], imaginary[j]] = [imaginary[j], imaginary[i]];
    }
  }
  const turns = tables(size);
  for (let half = 1; half < size; half *= 2) {
    const stride = size / (2 * half);
    for (let start = 0; start < size; start += 2 * half) {
      for (let k = 0; k < half; k += 1) {
        const a = start + k;
        const b = a + half;
        const c = turns[2 * k * stride];
        const s = turns[2 * k * stride + 1];
        const x = real[b] * c - imaginary[b] * s;
        const y = real[b] * s + imaginary[b] * c;
        real[b] = real[a] - x;
        imaginary[b] = imaginary[a] - y;
        real[a] += x;
        imaginary[a] += y;
      }
    }
  }
}

/** The power spectrum, `size / 2 + 1` numbers, of samples that are padded with zeros to `size`. */
export function powerSpectrum(samples, size) {
  const real = new Float64Array(size);
  real.set(samples);
  const imaginary = new Float64Array(size);
  transform(real, imaginary);
  const power = new Float64Array(size / 2 + 1); // filled in a loop: `from` takes longer than the transform
  for (let k = 0; k < power.length; k += 1) power[k] = real[k] ** 2 + imaginary[k] ** 2;
  return power;
}

/** Samples filtered with a gain for each frequency (`size / 2 + 1` numbers): no delay, no change of length. */
export function filtered(samples, gains) {
  const size = 2 * (gains.length - 1);
  const real = new Float64Array(size);
  real.set(samples);
  const imaginary = new Float64Array(size);
  transform(real, imaginary);
  for (let k = 0; k < size; k += 1) {
    const gain = gains[Math.min(k, size - k)];
    real[k] *= gain;
    imaginary[k] *= -gain; // conjugate: its transform is the inverse transform
  }
  transform(real, imaginary);
  return Float32Array.from(samples, (_, t) => real[t] / size);
}

/** The inverse transform of a power spectrum: the first `count` numbers of the autocorrelation. */
export function autocorrelation(power, count) {
  const size = 2 * (power.length - 1);
  const real = Float64Array.from({ length: size }, (_, k) => power[Math.min(k, size - k)] / size);
  transform(real, new Float64Array(size));
  return real.subarray(0, count);
}

/** The smallest power of two that is no less than a whole number. */
export function powerOfTwo(number) {
  return 2 ** Math.ceil(Math.log2(Math.max(1, number)));
}
