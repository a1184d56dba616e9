// Errors, each with the code of the text that says what to do.

export class Problem extends Error {
  constructor(code, detail = '') {
    super(`${code} ${detail}`.trim());
    Object.assign(this, { code, detail });
  }
}

/** The code and detail of any error. */
export function problemOf(error) {
  return { code: error.code ?? 'broken', detail: error.detail ?? String(error) };
}

/** Fetch an address; `missing`: the code if it is not there. */
export async function reach(address, missing) {
  const answer = await fetch(address).catch(() => {
    throw new Problem('lost');
  });
  if (!answer.ok) throw new Problem(missing, String(answer.status));
  return answer;
}
