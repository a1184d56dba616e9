// Both ends of a worker thread: requests go in, answers and progress come out.

import { Problem, problemOf } from '../problem.js';

/** The page's end of a worker. */
export class Thread {
  constructor(url) {
    this.waiting = new Map();
    this.number = 0;
    this.worker = new Worker(url, { type: 'module' });
    this.worker.onmessage = ({ data }) => this.receive(data);
    this.worker.onerror = () => {
      for (const { reject } of this.waiting.values()) reject(new Problem('broken'));
      this.waiting.clear();
    };
  }

  /** End the worker; requests that it has not answered fail. */
  end() {
    this.worker.terminate();
    this.worker.onerror();
  }

  receive({ id, progress, result, failure }) {
    const asked = this.waiting.get(id);
    if (!asked) return;
    if (progress) {
      asked.tell?.(progress);
      return;
    }
    this.waiting.delete(id);
    if (failure) asked.reject(new Problem(failure.code, failure.detail));
    else asked.resolve(result);
  }

  ask(ask, given, tell) {
    this.number += 1;
    const id = this.number;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject, tell });
      this.worker.postMessage({ id, ask, ...given });
    });
  }
}

/** The worker's end: the function of the requested name answers, one request at a time. */
export function answerWith(functions) {
  let last = Promise.resolve(); // the runtime has one thread
  self.onmessage = ({ data: { id, ask, ...given } }) => {
    const tell = (done, total) => self.postMessage({ id, progress: { done, total } });
    last = last
      .then(() => functions[ask](given, tell))
      .then((result) => self.postMessage({ id, result }))
      .catch((error) => {
        self.postMessage({ id, failure: problemOf(error) });
      });
  };
}
