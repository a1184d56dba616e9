// A 16-bit WAV file that says that it is synthetic and how it was made, as `voxlet say` does.

export const SOFTWARE = 'voxlet 0.2.0';
const LONGEST_COMMENT = 2000; // characters: libsndfile does not read a longer comment back

/** JSON in ASCII alone, spaced as Python does. */
function json(value) {
  if (Array.isArray(value)) return `[${value.map(json).join(', ')}]`;
  if (value !== null && typeof value === 'object') {
    return `{${Object.entries(value).map(([key, one]) => `${json(key)}: ${json(one)}`).join(', ')}}`;
  }
  const escape = (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return JSON.stringify(value).replace(/[\x7f-\uffff]/g, escape);
}

/** The metadata as a file's comment, cut to fit. */
export function comment(metadata) {
  const kept = { synthetic: true, ...metadata };
  let text = json(kept);
  for (const key of ['text', 'style', 'speaker']) {
    let value = Array.from(typeof kept[key] === 'object' ? json(kept[key] ?? '') : String(kept[key] ?? ''));
    let cut = false;
    while (text.length > LONGEST_COMMENT && value.length > 0) {
      value = value.slice(0, Math.floor(value.length / 2));
      cut = true;
      text = json({ ...kept, [key]: `${value.join('')}…` });
    }
    if (cut) kept[key] = `${value.join('')}…`;
  }
  return text;
}

/** The bytes of a file of samples from -1 to 1; without metadata (for a recording), it has no comment. */
export function encodeWav(samples, rate, metadata = null) {
  const ascii = (text) => new TextEncoder().encode(text);
  const chunk = (name, body) => {
    const head = new Uint8Array(8);
    head.set(ascii(name));
    new DataView(head.buffer).setUint32(4, body.length, true);
    return [head, body, new Uint8Array(body.length % 2)];
  };
  const text = (name, value) => chunk(name, ascii(`${value}\0`));
  const format = new DataView(new ArrayBuffer(16));
  [1, 1].forEach((value, index) => format.setUint16(2 * index, value, true)); // PCM, one channel
  [rate, 2 * rate].forEach((value, index) => format.setUint32(4 + 4 * index, value, true));
  [2, 16].forEach((value, index) => format.setUint16(12 + 2 * index, value, true));
  const data = new DataView(new ArrayBuffer(2 * samples.length));
  samples.forEach((x, t) => {
    data.setInt16(2 * t, Math.max(-32768, Math.min(32767, Math.floor(x * 32768))), true); // as libsndfile does
  });
  const said = () => joined([ascii('INFO'), ...text('ISFT', SOFTWARE), ...text('ICMT', comment(metadata))]);
  const body = joined([
    ascii('WAVE'),
    ...chunk('fmt ', new Uint8Array(format.buffer)),
    ...(metadata ? chunk('LIST', said()) : []),
    ...chunk('data', new Uint8Array(data.buffer)),
  ]);
  return joined(chunk('RIFF', body));
}

function joined(parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let place = 0;
  for (const part of parts) {
    whole.set(part, place);
    place += part.length;
  }
  return whole;
}
