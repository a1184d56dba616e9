// ONNX Runtime, and fetching files with progress, for threads.

import { Problem, reach } from '../problem.js';

const WASM = new URL('../vendor/onnxruntime.wasm.gz', import.meta.url);
const GZIP = [0x1f, 0x8b];
const MOST_BYTES = 256 * 2 ** 20;

export let runtime; // set once it is loaded

/** Fetch all bytes of a file; `tell` gets the bytes so far and `size`. */
export async function fetched(url, size, tell) {
  const parts = [];
  let done = 0;
  const reader = (await reach(url, 'missing')).body.getReader();
  for (;;) {
    const { value, done: ended } = await reader.read().catch(() => {
      throw new Problem('lost');
    });
    if (ended) break;
    parts.push(value);
    done += value.length;
    if (done > MOST_BYTES) throw new Problem('damaged');
    tell(done, size);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

async function unpacked(bytes) {
  if (bytes[0] !== GZIP[0] || bytes[1] !== GZIP[1]) return bytes; // the server has unpacked it
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Load ONNX Runtime once. */
export async function startRuntime(tell) {
  if (runtime) return runtime;
  if (typeof WebAssembly === 'undefined') throw new Problem('noWebAssembly');
  const [ort, wasm] = await Promise.all([
    import('../vendor/onnxruntime.js'),
    fetched(WASM, null, tell).then(unpacked),
  ]);
  ort.env.wasm.wasmBinary = wasm;
  ort.env.wasm.numThreads = 1; // fastest for words, and needs no special HTTP headers
  ort.env.logLevel = 'error';
  runtime = ort;
  return ort;
}

/** Open a session with a model's bytes. */
export async function openSession(model) {
  const options = { executionProviders: ['wasm'], graphOptimizationLevel: 'basic', logSeverityLevel: 4 };
  try {
    return await runtime.InferenceSession.create(model, options);
  } catch (error) {
    // A browser that forbids or lacks what ONNX Runtime needs fails before it looks at the model.
    throw new Problem(/backend|wasm/i.test(String(error)) ? 'noWebAssembly' : 'damaged');
  }
}
