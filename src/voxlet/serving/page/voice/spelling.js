// Which spellings are one word, and which words are numbers, as in Python's `voxlet.words`, which has the reasons.
// Texts are arrays of characters (code points), in which positions are counted.

import { ARABIC_LETTER, OTHER_MEANING, VIRAMA } from './unicode.js';

const APOSTROPHES = new Set("'`´‘’‛ʹʻʼʽˈ′‵＇՚׳᾽᾿Ꞌꞌ");
export const HYPHENS = '-‐‑‒–֊־᐀᠆⁃﹣－';
const DASHES = '—―⸗⸚⸺⸻⹀⹝〜〰゠︱︲﹘\u{10ead}';
export const MINUS = '−';
const IGNORED = /^[\u034f\u0640\u180b-\u180d\u180f\ufe00-\ufe0f\u{e0100}-\u{e01ef}\p{Cf}]/u;
const NON_JOINER = '\u200c';
const JOINER = '\u200d';
const SPACE = '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
const GAP = `[${SPACE}_${DASHES}${MINUS}${HYPHENS.slice(1)}-]`;
const IS_GAP = new RegExp(`^${GAP}`, 'u');
const GAPS = new RegExp(`${GAP}+`, 'gu');
const SPACES = new RegExp(`^[${SPACE}_]*$`, 'u');
export const TRAILING_SPACE = new RegExp(`[${SPACE}]+$`, 'u');
const OPTIONAL =
  /[\u200c\u200d\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u064b-\u0652\u0656-\u065f\u0670\u06d6-\u06dc]/gu;
const IS_OPTIONAL = new RegExp(`^${OPTIONAL.source}`, 'u');
const ASCII = /^[\0-\x7f]*$/;

/** The form that all spellings of a word share, its parts with one space between them. */
export function fold(word) {
  const text = characters(word).folded;
  let start = 0;
  let stop = text.length;
  while (start < stop && isGap(text[start])) start += 1;
  while (start < stop && isGap(text[stop - 1])) stop -= 1;
  const hyphen = (part) => (SPACES.test(part.join('')) ? '' : '-');
  if (start === stop) return hyphen(text) || text.join('') || word;
  const inner = text.slice(start, stop).join('').replace(GAPS, ' ');
  return hyphen(text.slice(0, start)) + inner + hyphen(text.slice(stop));
}

/** A folded word without the vowel marks and joiners that most people do not write. */
export function loosen(folded) {
  return folded.replace(OPTIONAL, '');
}

/** A folded text with one space for each gap, and the index of each character; last, the text's length. */
export function flatten(folded, loose = false) {
  const text = [];
  const origins = [];
  let afterGap = false;
  folded.forEach((character, index) => {
    const gap = isGap(character);
    if (!(gap && afterGap) && !(loose && IS_OPTIONAL.test(character))) {
      text.push(gap ? ' ' : character);
      origins.push(index);
    }
    afterGap = gap;
  });
  origins.push(folded.length);
  return { text, origins };
}

/** The folded characters of a text, gaps unchanged, and the position that each comes from. */
export function characters(text) {
  const folded = [];
  const positions = [];
  for (const [start, cluster] of clusters(Array.from(text))) {
    for (const character of foldCluster(cluster)) {
      folded.push(character);
      positions.push(start);
    }
  }
  return { folded, positions };
}

function isGap(character) {
  return IS_GAP.test(character);
}

/** Characters with their marks, or the parts of a Hangul syllable, each with its position. */
function* clusters(text) {
  let start = 0;
  let cluster = '';
  let last = '';
  for (const [index, character] of text.entries()) {
    const plain = ASCII.test(character);
    if (!plain && IGNORED.test(character) && !joins(text, index)) continue;
    const mark = /^\p{M}/u.test(character);
    const hangul = character >= '\u1160' && character <= '\u11ff' && last >= '\u1100' && last <= '\ud7a3';
    if (cluster && !plain && (mark || (hangul && last.length === 1))) {
      cluster += character;
    } else {
      if (cluster) yield [start, cluster];
      start = index;
      cluster = character;
    }
    last = character;
  }
  if (cluster) yield [start, cluster];
}

/** Whether the character at `index` is a joiner that tells words apart. */
function joins(text, index) {
  const joiner = text[index];
  if ((joiner !== NON_JOINER && joiner !== JOINER) || index === 0 || index === text.length - 1) return false;
  const arabic = joiner === NON_JOINER && ARABIC_LETTER.test(text[index - 1]);
  return (arabic || VIRAMA.test(text[index - 1])) && /^\p{L}/u.test(text[index + 1]);
}

function foldCluster(cluster) {
  if (APOSTROPHES.has(cluster)) return "'";
  if (OTHER_MEANING.test(cluster)) return cluster;
  const cased = Array.from(cluster.normalize('NFKC'), foldCase).join('');
  const folded = cased.normalize('NFKC').replaceAll('i\u0307', 'i');
  return Array.from(folded, (one) => (APOSTROPHES.has(one) ? "'" : one)).join('');
}

/** Unicode's full case folding of one character. */
function foldCase(character) {
  if (character === 'ı') return character;
  if (/\p{Script=Cherokee}/u.test(character)) return character.toUpperCase();
  return Array.from(character.toLowerCase().toUpperCase(), (one) => one.toLowerCase()).join('');
}

// Numbers

const UNITS = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'];
const TEENS =
  'ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(' ');
const TENS = 'twenty thirty forty fifty sixty seventy eighty ninety'.split(' ');
const MOST_DIGITS = 9; // nobody reads a longer run as a number

const NUMBERS = new Map([
  ...[...UNITS, ...TEENS].map((word, number) => [word, number]),
  ...TENS.map((word, number) => [word, 10 * (number + 2)]),
  ...TENS.flatMap((tens, number) =>
    UNITS.slice(1).map((unit, digit) => [`${tens} ${unit}`, 10 * (number + 2) + digit + 1]),
  ),
  ['hundred', 100],
  ['one hundred', 100],
  ['thousand', 1000],
  ['one thousand', 1000],
]);
const WORDS = new Map([...NUMBERS].reverse().map(([word, number]) => [number, word]));

/** The value of one decimal digit of any script. */
export function digitOf(character) {
  // The digits of a script are consecutive in Unicode, and those of two scripts never adjoin.
  let value = 0;
  let code = character.codePointAt(0);
  while (value < 9 && isDecimal(String.fromCodePoint(code - 1))) {
    code -= 1;
    value += 1;
  }
  return value;
}

export function isDecimal(text) {
  return /^\p{Nd}+$/u.test(text);
}

/** The number that a folded word means, in digits of any script or in English, or null. */
export function numberOf(word) {
  const digits = Array.from(word);
  if (digits.length <= MOST_DIGITS && isDecimal(word)) {
    const number = digits.reduce((sum, digit) => 10 * sum + digitOf(digit), 0);
    return String(number).length === digits.length ? number : null;
  }
  return NUMBERS.get(word) ?? null;
}

/** A number's English word, if there is one. */
export function spell(number) {
  return WORDS.get(number);
}
