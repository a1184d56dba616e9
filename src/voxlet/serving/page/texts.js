// All texts of the page, in one table: a translation is one more entry, chosen by the browser's language.

const EN = {
  title: 'voxlet: a voice in your browser',
  skip: 'Skip to the page',
  views: 'Views',
  speak: 'Speak',
  scores: 'Scores',
  where: 'runs in this browser · nothing is sent',
  voice: 'Voice',

  loading: 'Loading the voice {name}: {done} of {total} MB',
  starting: 'Starting the voice {name} …',
  loaded: 'The voice {name} is ready.',
  retry: 'Try again',

  sayIt: 'Text to say',
  sayHint: 'digits or words of this voice, such as {example}',
  keys: 'Keys',
  key: 'say {label}',
  back: 'back',
  pause: 'pause',
  pauseKey: 'a pause',
  speakNow: 'Speak',
  stop: 'Stop',
  download: 'WAV',
  downloadName: 'Download what was said as a WAV file',
  link: 'Link',
  linkName: 'Copy a link to exactly this',
  linkCopied: 'A link to exactly this is in the clipboard.',
  linkShown: 'The address of this page is now a link to exactly this: copy it.',
  findWord: 'Find a word',
  moreWords: '{count} more words: write part of one to find it',
  noWord: 'this voice has no such word',

  who: 'Who speaks',
  planeHint: 'Drag the point: between two speakers is somebody who sounds like both.',
  planeHandle: 'Who speaks. Arrow keys move between the speakers',
  speaker: 'Speaker',
  alone: '{name}',
  between: 'between {names}',
  and: ' and ',
  someoneNew: 'somebody new',
  someoneLike: 'like {name}',
  ownStyle: 'a style of its own',
  anew: 'Somebody new',
  like: 'Like a recording …',
  likeHint: 'or drop one here: it stays in this browser',
  likeBusy: 'Listening to {name} …',
  likeDone: 'The voice is now like {name}.',

  speed: 'Speed',
  pitch: 'Pitch',
  clarity: 'Clarity',
  speedValue: '{value} ×',
  pitchValue: '{value} semitones',
  clarityValue: '{value} %',
  take: 'Another take',
  seed: 'Seed',

  sound: 'What was said',
  nothingYet: 'Press a key: its sound appears here.',
  picture: 'Waveform and spectrogram of: {words}',
  wordMark: 'hear {label} again, {start} to {end} seconds',
  command: 'The same in a terminal',
  said: 'Said: {words}',

  scoresOf: 'How good is {name}?',
  scoresNote: '{count} generated clips beside real takes that it was not trained on. Bars are 95 % confidence intervals.',
  generated: 'generated',
  real: 'real test takes',
  realTrain: 'real training takes',
  measure: 'measure',
  unreliable: 'On the real takes this classifier is too often wrong to be relied on.',
  higher: 'higher is better',
  lower: 'lower is better',
  likeReal: 'best near the real takes',
  card: 'About this voice',
  cardData: 'Data',
  cardLicence: 'Licence',
  cardCredit: 'Credit',
  cardMade: 'Made with',

  cannotSay: 'This voice cannot say “{quoted}” (character {character}).',
  cannotSayLine: 'This voice cannot say “{quoted}” (line {line}, character {character}).',
  cannotSayMinus: 'This voice has no word for the minus in “{quoted}” (character {character}).',
  canSay: 'It can say: {words}',
  digitsToo: 'digits',

  lost: 'The server does not answer. Check the connection, or start it again (voxlet serve), then try again.',
  missing: 'The voice is not on the server any more (status {detail}). Choose another voice, or write the page anew: voxlet page',
  damaged: 'The voice’s file is damaged: it is not the one that was put there. Reload the page; if that does not help, write the page anew: voxlet page',
  foreign: 'That file is no voxlet voice. Choose another voice.',
  newer: 'This voice needs a newer voxlet than this page is from ({detail}). Write the page anew with that one: voxlet page',
  noWebAssembly: 'This browser has no WebAssembly, or does not allow it, and the voice needs it. Open the page in a current Firefox, Chrome, Edge or Safari, or speak in a terminal: voxlet say 4091',
  noVoices: 'There is no voice beside this page. Write the page anew: voxlet page',
  noSpeech: 'That recording is too short or too quiet to tell who speaks. Give one with a word or more of speech in its first minute.',
  noSound: 'This browser cannot read that file as sound. Give a WAV, MP3, Ogg or FLAC file.',
  broken: 'Something went wrong in the voice: {detail}. Reload the page.',
};

const TABLE = { en: EN };

const language = navigator.languages.map((tag) => tag.split('-')[0]).find((tag) => tag in TABLE) ?? 'en';
document.documentElement.lang = language;

/** The text of a key, `{name}` replaced by the value of that name. */
export function t(key, values = {}) {
  const text = TABLE[language][key] ?? EN[key];
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? '');
}

/** A number as people of this language write it. */
export function number(value, digits = 0) {
  return value.toLocaleString(language, { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
