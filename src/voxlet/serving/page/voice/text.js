// From text to labels and pauses, as in Python's `voxlet.speak.text`, whose first lines give the rules.

import {
  HYPHENS,
  MINUS,
  TRAILING_SPACE,
  characters,
  digitOf,
  flatten,
  fold,
  isDecimal,
  loosen,
  numberOf,
  spell,
} from './spelling.js';

/** What follows a word, weakest first. */
export const Pause = { WORD: 0, GROUP: 1, PHRASE: 2, LINE: 3 };

const QUOTED = 24; // characters of the text that an error quotes at most
const FEWEST_DIALLED = 7; // a line with this many digits is a telephone number, in which hyphens are not minus signs
const [DIGIT, LETTER, BLANK, UNKNOWN] = ['d', 'w', ' ', '?'];
const PAUSES = new Map([
  ...Array.from('-—+|)', (mark) => [mark, Pause.GROUP]),
  ...Array.from('.,', (mark) => [mark, Pause.PHRASE]),
]);
const SIGNS = { '.': ['point'], '+': ['plus'], '-': ['minus', 'negative'], [MINUS]: ['minus', 'negative'] };
const KINDS = new Map([
  ...Array.from('.٫', (mark) => [mark, '.']),
  ...Array.from(',;!?،؛؟٬。、…¡¿।', (mark) => [mark, ',']),
  ...Array.from('/\\\'":_·', (mark) => [mark, '|']),
  ['+', '+'],
  ...Array.from(HYPHENS, (mark) => [mark, '-']),
  [MINUS, MINUS],
]);
const CATEGORIES = [
  [/^\p{Pd}/u, '—'],
  [/^[\p{Ps}\p{Pi}\p{Pf}]/u, '|'],
  [/^\p{Pe}/u, ')'],
  [/^\p{Nd}/u, DIGIT],
  [/^[\p{Cf}\p{L}\p{M}\p{N}]/u, LETTER],
  [/^\p{Z}/u, BLANK],
];
const TOKEN = /[dw]+|./suy;
const POINT = /(?<!\.)\.(?=d)/uy;
const PLUS = /(?<![dw])\+(?=d)/uy;
const HYPHEN = new RegExp(`(?<![dw)—${MINUS}-])-(?=\\.?d)`, 'uy');
const LINE_END = /\r\n|[\n\r\v\f\x85\u2028\u2029]/g;

/** A text that cannot be said: which part, and where; `minus` if it is a minus sign without a word for it. */
export class TextError extends Error {
  constructor(quoted, line, character, minus) {
    super(`cannot say ${quoted}`);
    Object.assign(this, { quoted, line, character, minus });
  }
}

function kind(character) {
  if (KINDS.has(character)) return KINDS.get(character);
  if (/^[\t\n\r\v\f\x85]/.test(character)) return BLANK;
  return CATEGORIES.find(([pattern]) => pattern.test(character))?.[1] ?? UNKNOWN;
}

function matches(pattern, text, index) {
  pattern.lastIndex = index;
  return pattern.test(text);
}

/** The labels of a voice and their other spellings, ready to be found in text. */
export class Vocabulary {
  constructor(labels, spellings = {}) {
    this.words = new Map();
    for (const label of labels) this.add(fold(label), label);
    for (const [label, ways] of Object.entries(spellings)) for (const way of ways) this.add(fold(way), label);
    this.numbers = this.findNumbers();
    const marked = (word) => Array.from(word, kind).some((one) => one !== DIGIT && one !== LETTER);
    this.phrases = new Set([...this.words.keys()].filter(marked));
    this.flat = new Set([...this.phrases].map((word) => flatten(Array.from(word)).text.join('')));
    this.lengths = new Map(); // of phrases by their first character, the longest first
    for (const word of [...this.flat].map((one) => Array.from(one)).sort((a, b) => b.length - a.length)) {
      const known = this.lengths.get(word[0]) ?? [];
      if (!known.includes(word.length)) this.lengths.set(word[0], [...known, word.length]);
    }
  }

  add(word, label) {
    if (!this.words.has(word)) this.words.set(word, label);
  }

  /** The labels that are numbers, by number; also adds other ways to write labels to the words. */
  findNumbers() {
    const folded = [...this.words];
    const rows = folded.map(([word, label]) => [numberOf(word), word, label]).filter((row) => row[0] !== null);
    const rank = ([number, word]) => 2 * (word !== String(number)) + isDecimal(word);
    rows.sort((a, b) => rank(a) - rank(b));
    const found = new Map();
    for (const [number, , label] of rows) if (!found.has(number)) found.set(number, label);
    for (const [number, label] of found) if (spell(number)) this.add(spell(number), label);
    const another = [1, 2, 3, 4, 5, 6, 7, 8, 9].some((digit) => found.has(digit));
    if (found.has(0) && another && !this.words.has('o') && !this.words.has('oh')) {
      this.words.set('o', found.get(0)).set('oh', found.get(0));
    }
    const bare = new Map();
    for (const [word, label] of folded) bare.set(loosen(word), new Set(bare.get(loosen(word))).add(label));
    for (const [word, label] of folded) if (bare.get(loosen(word)).size === 1) this.add(loosen(word), label);
    return found;
  }

  /** The label of a folded word or phrase. */
  find(folded) {
    return this.words.get(folded) ?? this.words.get(loosen(folded));
  }

  sign(mark) {
    const word = SIGNS[mark].find((one) => this.words.has(one));
    return word && this.words.get(word);
  }

  /** The longest phrase that begins at `start`: its label and where it ends. */
  phraseAt(line, start) {
    for (const flat of line.flat) {
      const place = flat.origins.indexOf(start);
      if (place < 0) continue; // it is within a gap
      for (const length of this.lengths.get(flat.text[place]) ?? []) {
        const piece = flat.text.slice(place, place + length);
        if (!this.flat.has(piece.join(''))) continue;
        const stop = flat.origins[place + piece.length];
        const word = fold(line.folded.slice(start, stop).join(''));
        for (const found of [word, loosen(word)]) {
          if (this.phrases.has(found) && !isCut(line.kinds, start, stop)) {
            return { label: this.words.get(found), stop };
          }
        }
      }
    }
    return null;
  }

  /** Labels and their bounds in a run of letters and digits; undefined for a part that is no label. */
  *split(run, kinds, decimals) {
    const digitsFirst = decimals && kinds[0] === DIGIT;
    const whole = digitsFirst ? undefined : this.find(run.join(''));
    if (whole) {
      yield [whole, 0, run.length];
      return;
    }
    for (const piece of kinds.matchAll(/d+|w+/g)) {
      const [start, stop] = [piece.index, piece.index + piece[0].length];
      const part = run.slice(start, stop);
      const label = this.find(part.join(''));
      if (digitsFirst && start === 0) {
        yield* this.digits(part, 0);
      } else if (label) {
        yield [label, start, stop];
      } else if (kinds[start] === DIGIT) {
        yield* this.number(part, start);
      } else if (part.every((letter) => this.words.has(letter))) {
        for (const [index, letter] of part.entries()) {
          yield [this.words.get(letter), start + index, start + index + 1];
        }
      } else {
        yield [undefined, start, stop];
      }
    }
  }

  /** The same for a run of digits: a number, tens and a unit, or digit by digit. */
  *number(run, start) {
    const number = numberOf(run.join(''));
    const [tens, unit] = [Math.floor((number ?? 0) / 10), (number ?? 0) % 10];
    if (this.numbers.has(number)) {
      yield [this.numbers.get(number), start, start + run.length];
    } else if (tens >= 2 && tens < 10 && this.numbers.has(10 * tens) && this.numbers.has(unit)) {
      yield [this.numbers.get(10 * tens), start, start + 1];
      yield [this.numbers.get(unit), start + 1, start + 2];
    } else {
      yield* this.digits(run, start);
    }
  }

  *digits(run, start) {
    for (const [index, digit] of run.entries()) {
      const label = this.find(digit) ?? this.numbers.get(digitOf(digit));
      yield [label, start + index, start + index + 1];
    }
  }
}

/** Whether a word goes on before `start` or after `stop`; a dash at either end is part of the phrase. */
function isCut(kinds, start, stop) {
  const word = (index) => index >= 0 && index < kinds.length && 'dw'.includes(kinds[index]);
  const edge = (index) => `dw-—${MINUS}`.includes(kinds[index]);
  return (word(start - 1) && edge(start)) || (word(stop) && edge(stop - 1));
}

/** Whether the mark at `index` is a sign of the number that follows it. */
function isSign(kinds, index, dialled) {
  const mark = kinds[index];
  if (mark === '-') return !dialled && matches(HYPHEN, kinds, index);
  return mark === MINUS || matches(POINT, kinds, index) || matches(PLUS, kinds, index);
}

function readLine(line, phrases) {
  const { folded, positions } = characters(line);
  const flat = phrases ? [flatten(folded)] : [];
  if (phrases && loosen(folded.join('')) !== folded.join('')) flat.push(flatten(folded, true));
  return { folded, positions, flat, kinds: folded.map(kind).join('') };
}

/** Words `{label, at, single}` and pauses of one line in order; a space is `Pause.WORD`. */
function* lineWords(line, number, offset, vocabulary) {
  const read = readLine(line, vocabulary.phrases.size > 0);
  const { folded, kinds, positions } = read;
  const dialled = kinds.split(DIGIT).length - 1 >= FEWEST_DIALLED;
  const found = (label, index, single) => ({ label, at: offset + positions[index], single });
  const refusal = (start, stop, minus = false) => {
    const written = Array.from(line);
    const first = positions[start];
    const after = stop < positions.length ? positions[stop] : written.length;
    const part = written.slice(first, Math.max(after, first + 1)).join('').replace(TRAILING_SPACE, '');
    const quoted = Array.from(part || written[first]);
    const shown = quoted.length > QUOTED ? `${quoted.slice(0, QUOTED).join('')}…` : quoted.join('');
    return new TextError(shown, number, first + 1, minus);
  };
  let index = 0;
  while (index < folded.length) {
    const phrase = vocabulary.phraseAt(read, index);
    if (phrase) {
      yield found(phrase.label, index, true);
      index = phrase.stop;
      continue;
    }
    TOKEN.lastIndex = index;
    const stop = index + TOKEN.exec(kinds)[0].length;
    const mark = kinds[index];
    if (mark === DIGIT || mark === LETTER) {
      const decimals = index > 0 && matches(POINT, kinds, index - 1);
      let single = true;
      for (const [label, start, end] of vocabulary.split(
        folded.slice(index, stop),
        kinds.slice(index, stop),
        decimals,
      )) {
        single &&= end === stop - index;
        if (label === undefined) throw refusal(index + start, index + end);
        yield found(label, index + start, single);
      }
    } else if (mark === BLANK) {
      yield Pause.WORD;
    } else {
      const sign = isSign(kinds, index, dialled);
      const label = sign ? vocabulary.sign(mark) : undefined;
      if (label) yield found(label, index, true);
      else if (sign && (mark === '-' || mark === MINUS)) throw refusal(index, stop, true);
      else if (PAUSES.has(mark) && (sign || mark !== '+')) yield PAUSES.get(mark);
      else throw refusal(index, stop);
    }
    index = stop;
  }
}

function lines(text) {
  const ends = [...text.matchAll(LINE_END)].map((end) => end.index + end[0].length);
  return [0, ...ends].map((start, index) => text.slice(start, ends[index]));
}

/**
 * The words of `text`: label, position (in characters, from 0) and the pause after it. None for an
 * empty text.
 */
export function parse(text, vocabulary) {
  const spoken = [];
  let offset = 0;
  let last = null;
  for (const [index, line] of lines(text).entries()) {
    let pause = index > 0 ? Pause.LINE : Pause.WORD;
    let spaced = false;
    for (const found of lineWords(line, index + 1, offset, vocabulary)) {
      if (typeof found === 'number') {
        pause = Math.max(pause, found);
        spaced ||= found === Pause.WORD;
        continue;
      }
      if (last) {
        if (pause === Pause.WORD && spaced && !(last.single && found.single)) pause = Pause.GROUP;
        spoken.push({ label: last.label, at: last.at, pause });
      }
      last = found;
      pause = Pause.WORD;
      spaced = false;
    }
    offset += Array.from(line).length;
  }
  if (last) spoken.push({ label: last.label, at: last.at, pause: Pause.LINE });
  return spoken;
}
