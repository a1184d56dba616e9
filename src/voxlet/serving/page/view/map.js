// The map as a view of the page: stored maps, and one of the voice, made on demand.

import { Atlas } from '../map/atlas.js';
import { connect } from '../map/networks.js';
import { offer, offered, tell } from '../map/state.js';
import { MapView } from '../map/view.js';
import { reach } from '../problem.js';
import { chosen, plane, sampleAt, styleIn, voice } from '../state.js';
import { number, t } from '../texts.js';
import { useEffect } from '../vendor/preact-hooks.js';
import { randomStyle } from '../voice/styles.js';
import { html } from './html.js';

const NEW = 300; // random speakers in a voice's map
const FEWEST = 3; // speakers that a plane needs

/** The centre and directions of a voice's plane. */
function planeOf(info) {
  if (plane.value.names.length >= FEWEST) return { centre: plane.value.middle, directions: plane.value.axes };
  const axis = (at) => Array.from({ length: info.styleSize }, (_, i) => Number(i === at));
  return { centre: new Array(info.styleSize).fill(0), directions: [axis(0), axis(1)] };
}

/** A map of the voice: its speakers and random ones, each with a word, made here when it is played. */
function ofVoice() {
  const info = voice.value;
  const speakers = Object.keys(info.speakers);
  const styles = [...Object.values(info.speakers), ...Array.from({ length: NEW }, (_, seed) => randomStyle(seed, info))];
  const { centre, directions } = planeOf(info);
  const places = styles.map((style) => directions.map((d) => d.reduce((sum, x, i) => sum + x * (style[i] - centre[i]), 0)));
  const [low, high] = [Math.min, Math.max].map((most) => [0, 1].map((axis) => most(...places.map((at) => at[axis]))));
  const span = 1.06 * Math.max(high[0] - low[0], high[1] - low[1]);
  const start = [0, 1].map((axis) => (low[axis] + high[axis] - span) / 2);
  const every = (value) => styles.map((_, i) => value(i));
  const atlas = new Atlas({
    name: t('mapVoice', { name: info.name }), axes: ['', ''], labels: info.labels, speakers, colour: 'speaker',
    x: places.map((at) => (at[0] - start[0]) / span), y: places.map((at) => (at[1] - start[1]) / span),
    label: every((i) => i % info.labels.length), speaker: every((i) => (i < speakers.length ? i : -1)), kind: every(() => 1),
    seconds: every(() => null), pitch: every(() => null), level: every(() => null), doubt: every(() => null),
    source: every((i) => (i < speakers.length ? speakers[i] : `random, seed ${i - speakers.length}`)),
    density: [], doubtful: [], credit: String(info.card.credit ?? info.name), rate: info.rate, parts: [], places: [],
    plane: { centre, directions, low: start, span }, memory: Float32Array.from(styles.flat()),
  });
  return withVoice(atlas);
}

function withVoice(atlas) {
  atlas.decode = sampleAt;
  if (voice.value.canResemble) atlas.encode = styleIn;
  return atlas;
}

async function fetchedMap({ file }) {
  const address = new URL(file, document.baseURI);
  const atlas = new Atlas(await (await reach(address, 'mapMissing')).json(), address);
  if (atlas.voice && atlas.voice === chosen.value.sha256) return withVoice(atlas);
  connect(atlas, {
    loading: ({ done }) => tell(t('mapLoading', { megabytes: number(done / 1e6, 1) })),
    loaded: () => tell(''),
  });
  return atlas;
}

async function begin() {
  const answer = await fetch('maps.json').catch(() => null);
  const stored = answer?.ok ? (await answer.json()).maps : [];
  const own = { name: t('mapVoice', { name: voice.value.name }), open: async () => ofVoice() };
  await offer([...stored.map((one) => ({ name: one.name, open: () => fetchedMap(one) })), own]);
}

export function MapOfPage() {
  useEffect(() => {
    begin();
  }, [voice.value]);
  return offered.value.length > 0 && html`<${MapView} />`;
}
