// What goes wrong, by the code of the sentence that says what to do.

export class Problem extends Error {
  constructor(code, detail = '') {
    super(`${code} ${detail}`.trim());
    Object.assign(this, { code, detail });
  }
}

/** Of any error what its sentence needs. */
export function problemOf(error) {
  return { code: error.code ?? 'broken', detail: error.detail ?? String(error) };
}

/** What lies at an address; `missing`: the code where it is not there. */
export async function reach(address, missing) {
  const answer = await fetch(address).catch(() => {
    throw new Problem('lost');
  });
  if (!answer.ok) throw new Problem(missing, String(answer.status));
  return answer;
}
