// Requests to the server: takes, jobs, runs. A refusal is an error with the `code` of a text.

import { Problem } from '../problem.js';

async function ask(method, path, { json, body, type } = {}) {
  const headers = json || type ? { 'content-type': json ? 'application/json' : type } : {};
  const answer = await fetch(path, { method, headers, body: json ? JSON.stringify(json) : body }).catch(() => {
    throw new Problem('lostMaking');
  });
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => null);
  const detail = problem?.error?.message ?? String(answer.status);
  throw new Problem(answer.status === 507 ? 'notKept' : 'refusedByServer', detail);
}

async function read(method, path, options) {
  return (await ask(method, path, options)).json();
}

const safe = encodeURIComponent;

export const server = {
  sets: async () => (await read('GET', 'takes')).names,
  want: (name, wanted) => read('PUT', `takes/${safe(name)}`, { json: wanted }),
  takes: (name) => read('GET', `takes/${safe(name)}`),
  addTake: (name, word, body) => read('POST', `takes/${safe(name)}?word=${safe(word)}`, { body, type: 'audio/wav' }),
  removeTake: (name, file) => read('DELETE', `takes/${safe(name)}/${safe(file)}`),
  take: async (name, file) => (await ask('GET', `takes/${safe(name)}/${safe(file)}`)).blob(),
  jobs: async () => (await read('GET', 'jobs')).jobs,
  begin: (asked) => read('POST', 'jobs', { json: asked }),
  cancel: (number) => read('DELETE', `jobs/${number}`),
  runs: async () => (await read('GET', 'runs')).runs,
  sample: async (name, file) => (await ask('GET', `runs/${safe(name)}/samples/${safe(file)}`)).blob(),
  voice: (name) => `runs/${safe(name)}/voice`,
  events: (name) => new EventSource(`runs/${safe(name)}/events`),
};
