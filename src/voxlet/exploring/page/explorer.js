"use strict";
// A map of clips that is heard while pointing. All it needs stands in the page; it asks no address for anything.
const data = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const COLOURS = ["#3b6ea5", "#d9822b", "#4f9d69", "#b0413e", "#7b5ea7", "#8c6d46", "#c45b8d", "#6b7280", "#a3a12c", "#2a9db3"];
const RAMP = ["#3d2a78", "#35609f", "#1f8f8c", "#58b368", "#d4c43a", "#f3923b", "#d6453a"];
const STEPS = 28, REACH = 16;
const SCALES = { length: ["seconds", (v) => v.toFixed(2) + " s"], pitch: ["pitch", (v) => Math.round(v) + " Hz"],
  loudness: ["level", (v) => v.toFixed(0) + " dB"], doubt: ["doubt", (v) => v.toFixed(2)] };
const KINDS = ["real", "generated"];

const models = data.models.map((model, number) => ({ ...model, number, n: model.x.length,
  view: { x: 0.5, y: 0.5, k: 1 }, buffers: new Array(model.parts.length).fill(null), ready: [],
  bySource: new Map(model.source.map((source, i) => [source, i])) }));
const FIRST = data.colour;
const state = { colour: FIRST, query: "", off: { label: new Set(), speaker: new Set(), kind: new Set() },
  picked: null, pins: [], density: true, beside: models.length > 1, mended: {} };
const offers = ["label", "speaker", "kind", ...Object.keys(SCALES).filter((name) =>
  models.some((model) => model[SCALES[name][0]].some((v) => v !== null)))];

// Colours and which clips are shown.
const category = (names, i) => names.length <= COLOURS.length ? COLOURS[i % COLOURS.length]
  : `hsl(${(i * 137.508) % 360} 55% 48%)`;
function rampColour(share) {
  const place = Math.min(0.9999, Math.max(0, share)) * (RAMP.length - 1), low = Math.floor(place);
  const part = (hex, at) => parseInt(hex.slice(at, at + 2), 16);
  const mix = [1, 3, 5].map((at) => Math.round(part(RAMP[low], at) * (1 - place + low) + part(RAMP[low + 1], at) * (place - low)));
  return `rgb(${mix.join(" ")})`;
}
function scaleOf(name) {
  const values = models.flatMap((model) => model[SCALES[name][0]]).filter((v) => v !== null).sort((a, b) => a - b);
  const at = (share) => values[Math.round(share * (values.length - 1))];
  return values.length ? [at(0.02), at(0.98)] : [0, 1];
}
function shade() { // of every clip: a number into its model's palette, -1 where it is filtered out
  const scale = SCALES[state.colour] && scaleOf(state.colour);
  for (const model of models) {
    const names = state.colour === "speaker" ? [...model.speakers, "new speakers"] : state.colour === "kind" ? KINDS : model.labels;
    model.palette = scale ? [...Array(STEPS).keys()].map((i) => rampColour(i / (STEPS - 1))).concat("#9aa3ad")
      : names.map((_, i) => category(names, i));
    model.names = scale ? null : names;
    model.shade = new Int16Array(model.n);
    model.found = 0;
    const query = state.query.trim().toLowerCase();
    for (let i = 0; i < model.n; i++) {
      const label = model.labels[model.label[i]], who = speaker(model, i), kind = KINDS[model.kind[i]];
      const shown = !state.off.label.has(label) && !state.off.speaker.has(who) && !state.off.kind.has(kind)
        && (!query || `${label} ${who} ${kind} ${model.source[i]}`.toLowerCase().includes(query));
      if (!shown) { model.shade[i] = -1; continue; }
      model.found++;
      if (scale) {
        const value = model[SCALES[state.colour][0]][i];
        model.shade[i] = value === null ? STEPS : Math.round(Math.min(1, Math.max(0, (value - scale[0]) / (scale[1] - scale[0] || 1))) * (STEPS - 1));
      } else model.shade[i] = state.colour === "speaker" ? (model.speaker[i] < 0 ? model.speakers.length : model.speaker[i])
        : state.colour === "kind" ? model.kind[i] : model.label[i];
    }
  }
}
const speaker = (model, i) => model.speaker[i] < 0 ? "new speakers" : model.speakers[model.speaker[i]];

// Places: of the map 0 to 1, of the canvas pixels.
function frame(model) {
  const { width, height } = model.canvas, size = Math.min(width, height) * model.view.k;
  return { size, left: width / 2 - model.view.x * size, top: height / 2 - (1 - model.view.y) * size };
}
const toX = (f, x) => f.left + x * f.size, toY = (f, y) => f.top + (1 - y) * f.size;
function stamp(radius, ring) { // how much of each pixel about a place a dot or a ring covers, 0 to 185 of 256
  const at = Math.ceil(radius + 1), side = 2 * at + 1, cover = new Uint8Array(side * side), inner = ring ? radius * 0.45 : -1;
  for (let y = -at; y <= at; y++) for (let x = -at; x <= at; x++) {
    const far = Math.hypot(x, y);
    cover[(y + at) * side + x + at] = 185 * Math.min(1, Math.max(0, radius + 0.5 - far)) * (ring ? Math.min(1, Math.max(0, far - inner + 0.5)) : 1);
  }
  return { at, side, cover };
}
function rgb(pen, colour) {
  pen.fillStyle = colour;
  return [1, 3, 5].map((from) => parseInt(pen.fillStyle.slice(from, from + 2), 16));
}
function dots(model, pixels, f, radius) { // drawn by hand: of 50,000 a canvas's own drawing takes seconds
  const { width, height, data: to } = pixels, colours = model.palette.map((colour) => rgb(model.pen, colour)), grey = rgb(model.pen, "#9aa3ad");
  const made = KINDS.map((_, kind) => stamp(radius, kind === 1));
  for (const shown of [false, true]) for (let i = 0; i < model.n; i++) {
    const hue = model.shade[i];
    if ((hue >= 0) !== shown) continue;
    const { at, side, cover } = made[model.kind[i]], left = Math.round(toX(f, model.x[i])) - at, top = Math.round(toY(f, model.y[i])) - at;
    if (left < 0 || top < 0 || left + side > width || top + side > height) continue;
    const [red, green, blue] = shown ? colours[hue] : grey, weight = shown ? 1 : 0.18;
    for (let y = 0, from = 0; y < side; y++) for (let x = 0, place = 4 * ((top + y) * width + left); x < side; x++, place += 4) {
      const share = cover[from++] * weight / 256;
      if (!share) continue;
      to[place] += (red - to[place]) * share; to[place + 1] += (green - to[place + 1]) * share; to[place + 2] += (blue - to[place + 2]) * share;
    }
  }
}
function draw(model) {
  const began = performance.now(), pen = model.pen, dpr = window.devicePixelRatio || 1;
  const box = model.canvas.getBoundingClientRect();
  const width = Math.max(1, Math.round(box.width * dpr)), height = Math.max(1, Math.round(box.height * dpr));
  if (model.canvas.width !== width || model.canvas.height !== height) { model.canvas.width = width; model.canvas.height = height; }
  const f = frame(model);
  pen.fillStyle = ink("--card");
  pen.fillRect(0, 0, width, height);
  if (state.density && model.clouds) { pen.imageSmoothingEnabled = true; pen.drawImage(model.clouds, f.left - f.size / 2, f.top - f.size / 2, 2 * f.size, 2 * f.size); }
  const radius = dpr * Math.min(7, Math.max(1.3, 62 / Math.sqrt(model.n) + 1.6) * Math.pow(model.view.k, 0.3));
  const pixels = pen.getImageData(0, 0, width, height);
  dots(model, pixels, f, radius);
  pen.putImageData(pixels, 0, 0);
  if (model.names) writeNames(model, f, dpr);
  for (const [number, i] of state.pins) if (number === model.number) mark(model, f, i, "--touch", radius, false);
  const picked = pickedIn(model);
  if (picked !== null) mark(model, f, picked, "--accent", radius, true);
  model.milliseconds = performance.now() - began;
  document.body.dataset.drawn = Math.max(...models.map((m) => m.milliseconds || 0)).toFixed(1);
}
const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
function mark(model, f, i, colour, radius, full) {
  const pen = model.pen, x = toX(f, model.x[i]), y = toY(f, model.y[i]);
  pen.beginPath(); pen.arc(x, y, radius + (full ? 5 : 4), 0, 7);
  pen.lineWidth = full ? 4 : 3; pen.strokeStyle = ink(colour); pen.stroke();
  if (full) { pen.beginPath(); pen.arc(x, y, radius, 0, 7); pen.fillStyle = ink(colour); pen.fill(); }
}
function writeNames(model, f, dpr) {
  if (model.names.length > 40) return;
  const pen = model.pen, placed = [];
  pen.font = `600 ${15 * dpr}px system-ui, sans-serif`; pen.textAlign = "center"; pen.textBaseline = "middle";
  pen.lineJoin = "round";
  const places = model.names.map(() => [[], []]), asked = Math.min(model.n, 6000); // enough for a median
  for (let turn = 0; turn < asked; turn++) {
    const i = asked < model.n ? (turn * 7919) % model.n : turn;
    if (model.shade[i] < 0) continue;
    places[model.shade[i]][0].push(model.x[i]); places[model.shade[i]][1].push(model.y[i]);
  }
  model.names.forEach((name, hue) => {
    const [xs, ys] = places[hue];
    if (xs.length < 3) return;
    const middle = (values) => values.sort((a, b) => a - b)[values.length >> 1];
    let x = toX(f, middle(xs)), y = toY(f, middle(ys));
    const high = 19 * dpr, wide = pen.measureText(name).width + 8 * dpr;
    for (let turn = 0; turn < 24 && placed.some((p) => Math.abs(p[0] - x) < (p[2] + wide) / 2 && Math.abs(p[1] - y) < high); turn++)
      y += (turn % 2 ? 1 : -1) * (turn + 1) * high * 0.55;
    placed.push([x, y, wide]);
    pen.lineWidth = 5 * dpr; pen.strokeStyle = ink("--card"); pen.strokeText(name, x, y);
    pen.fillStyle = ink("--ink"); pen.fillText(name, x, y);
  });
}
function clouds(model) { // the prior's density as a picture
  if (!model.density.length) return null;
  const side = Math.sqrt(model.density.length), picture = document.createElement("canvas");
  picture.width = picture.height = side;
  const pen = picture.getContext("2d"), pixels = pen.createImageData(side, side);
  model.density.forEach((value, at) => {
    const to = 4 * ((side - 1 - Math.floor(at / side)) * side + (at % side));
    pixels.data.set([20, 125, 122, Math.round(value * 0.3)], to);
  });
  pen.putImageData(pixels, 0, 0);
  return picture;
}
let asked = 0;
function redraw() { if (!asked) asked = requestAnimationFrame(() => { asked = 0; models.filter((m) => !m.figure.hidden).forEach(draw); }); }

// Sound. Files are decoded at the clips' own rate, the one that is asked for first.
let player = null, sounding = null;
function decoded(model, part) {
  model.buffers[part] ??= (async () => {
    const bytes = Uint8Array.from(atob(model.parts[part]), (c) => c.charCodeAt(0));
    const buffer = await new OfflineAudioContext(1, 1, model.rate).decodeAudioData(bytes.buffer);
    model.parts[part] = ""; // the text of it is not needed any more
    return (model.ready[part] = buffer);
  })();
  return model.buffers[part];
}
async function decodeAll() {
  const began = performance.now();
  let done = 0;
  const total = models.reduce((sum, model) => sum + model.buffers.length, 0);
  try {
    for (const model of models) for (let part = 0; part < model.buffers.length; part++) {
      await decoded(model, part);
      $("state").textContent = `${Math.round(100 * ++done / total)} % of the sounds are ready`;
    }
    $("state").textContent = `${models.reduce((sum, m) => sum + m.n, 0).toLocaleString("en")} clips, all in this page`;
    document.body.dataset.ready = Math.round(performance.now() - began);
  } catch { $("state").textContent = "this browser cannot decode Opus: the map is silent"; }
}
async function play(model, i) {
  const asked = performance.now();
  const [part, start, seconds] = model.places[i];
  let buffer = model.ready[part];
  if (!buffer) {
    try { buffer = await decoded(model, part); } catch { return; }
    if (state.picked?.[0] !== model.number || state.picked[1] !== i) return;
  }
  if (player?.state === "running") { // sound first, pictures after
    sounding?.stop();
    sounding = player.createBufferSource();
    sounding.buffer = buffer;
    sounding.connect(player.destination);
    sounding.start(0, start, seconds);
    document.body.dataset.latency = (performance.now() - asked).toFixed(1);
  }
  setTimeout(() => { if (state.picked?.[0] === model.number && state.picked[1] === i) show(model, i, buffer); });
}
function unlock() {
  player ??= new AudioContext({ latencyHint: "interactive" });
  player.resume().then(() => { $("hint").hidden = true; });
}
addEventListener("pointerdown", unlock); addEventListener("keydown", unlock);

// What is shown of the clip under the pointer.
function pick(model, i, heard = true) {
  state.picked = [model.number, i];
  const facts = [speaker(model, i), KINDS[model.kind[i]], model.source[i]];
  $("label").textContent = model.labels[model.label[i]];
  $("about").textContent = facts.join(" · ");
  $("figures").textContent = Object.entries(SCALES).map(([name, [key, say]]) =>
    model[key][i] === null ? "" : `${name} ${say(model[key][i])}`).filter(Boolean).join(" · ");
  if (heard) play(model, i);
  remember(); redraw();
}
function pickedIn(model) {
  if (!state.picked) return null;
  const [number, i] = state.picked;
  if (number === model.number) return i;
  return models[number].kind[i] ? null : model.bySource.get(models[number].source[i]) ?? null; // the same recording
}
function show(model, i, buffer) {
  const [, start, seconds] = model.places[i], rate = buffer.sampleRate;
  const samples = buffer.getChannelData(0).subarray(Math.round(start * rate), Math.round((start + seconds) * rate));
  const wave = $("wave"), pen = wave.getContext("2d"), middle = wave.height / 2;
  let top = 1e-6;
  for (const v of samples) top = Math.max(top, Math.abs(v));
  pen.clearRect(0, 0, wave.width, wave.height);
  pen.fillStyle = ink("--touch");
  for (let x = 0; x < wave.width; x += 3) {
    let peak = 0;
    for (let t = Math.floor(x / wave.width * samples.length), end = (x + 3) / wave.width * samples.length; t < end; t++) peak = Math.max(peak, Math.abs(samples[t] || 0));
    const high = Math.max(1, middle * 0.95 * peak / top);
    pen.fillRect(x, middle - high, 2, 2 * high);
  }
  paint($("picture"), samples, rate);
}
function paint(canvas, samples, rate) { // a spectrogram, 0 Hz to half the rate, 60 dB deep
  const size = rate > 12000 ? 512 : 256, columns = 160, bands = size / 2;
  const values = [], window = Float32Array.from({ length: size }, (_, t) => 0.5 - 0.5 * Math.cos(2 * Math.PI * t / size));
  let top = -200;
  for (let column = 0; column < columns; column++) {
    const from = Math.round(column / (columns - 1) * samples.length - size / 2), re = new Float32Array(size), im = new Float32Array(size);
    for (let t = 0; t < size; t++) re[t] = (samples[from + t] || 0) * window[t];
    fft(re, im);
    for (let band = 0; band < bands; band++) { const db = 10 * Math.log10(re[band] ** 2 + im[band] ** 2 + 1e-12); values.push(db); top = Math.max(top, db); }
  }
  const small = document.createElement("canvas");
  small.width = columns; small.height = bands;
  const pen = small.getContext("2d"), pixels = pen.createImageData(columns, bands);
  values.forEach((db, at) => {
    const shade = Math.max(0, 1 + (db - top) / 60), x = Math.floor(at / bands), y = bands - 1 - at % bands;
    pixels.data.set([20, 125, 122, Math.round(255 * shade ** 1.6)], 4 * (y * columns + x));
  });
  pen.putImageData(pixels, 0, 0);
  const big = canvas.getContext("2d");
  big.clearRect(0, 0, canvas.width, canvas.height);
  big.drawImage(small, 0, 0, canvas.width, canvas.height);
}
const turns = new Map(); // cosines and sines of a whole turn, by their number
function turn(n) {
  if (!turns.has(n)) turns.set(n, [Float32Array.from({ length: n }, (_, k) => Math.cos(2 * Math.PI * k / n)), Float32Array.from({ length: n }, (_, k) => -Math.sin(2 * Math.PI * k / n))]);
  return turns.get(n);
}
function fft(re, im) { // in place, of a power of two
  const n = re.length, [cosines, sines] = turn(n);
  for (let i = 1, j = 0; i < n; i++) {
    let bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) { [re[i], re[j]] = [re[j], re[i]]; [im[i], im[j]] = [im[j], im[i]]; }
  }
  for (let span = 2; span <= n; span *= 2) for (let at = 0; at < n; at += span) for (let k = 0; k < span / 2; k++) {
    const c = cosines[k * n / span], s = sines[k * n / span], a = at + k, b = a + span / 2;
    const x = re[b] * c - im[b] * s, y = re[b] * s + im[b] * c;
    re[b] = re[a] - x; im[b] = im[a] - y; re[a] += x; im[a] += y;
  }
}

// Lists beside the map.
function entry(model, i, note, extra) {
  const row = document.createElement("li"), button = document.createElement("button"), text = document.createElement("span"), small = document.createElement("small");
  button.textContent = "▶"; button.setAttribute("aria-label", `play ${model.source[i]}`);
  button.onclick = () => pick(model, i);
  text.textContent = model.labels[model.label[i]]; small.textContent = note; text.append(small);
  row.append(button, text, ...extra);
  return row;
}
function listPins() {
  $("pins").replaceChildren(...state.pins.map(([number, i], at) => {
    const away = document.createElement("button");
    away.textContent = "×"; away.setAttribute("aria-label", "unpin");
    away.onclick = () => { state.pins.splice(at, 1); listPins(); remember(); redraw(); };
    return entry(models[number], i, `${speaker(models[number], i)} · ${models[number].source[i]}`, [away]);
  }));
  $("nopins").hidden = state.pins.length > 0;
}
function pin(model, i) {
  const at = state.pins.findIndex((p) => p[0] === model.number && p[1] === i);
  if (at < 0) state.pins.push([model.number, i]); else state.pins.splice(at, 1);
  listPins(); remember(); redraw();
}
function legend() {
  const parts = [];
  if (SCALES[state.colour]) {
    const [low, high] = scaleOf(state.colour), say = SCALES[state.colour][1];
    const ramp = document.createElement("div"), ends = document.createElement("div");
    ramp.id = "ramp"; ramp.style.background = `linear-gradient(90deg, ${RAMP.join(",")})`;
    ends.className = "ends"; ends.append(...[say(low), say(high)].map((t) => Object.assign(document.createElement("span"), { textContent: t })));
    parts.push(ramp, ends);
  }
  const groups = { label: [...new Set(models.flatMap((m) => m.labels))], speaker: [...new Set(models.flatMap((m) => m.speakers))], kind: KINDS };
  if (models.some((m) => m.speaker.some((s) => s < 0)) && groups.speaker.length) groups.speaker.push("new speakers");
  for (const [group, names] of Object.entries(groups)) {
    if (names.length < 2) continue;
    parts.push(Object.assign(document.createElement("h3"), { textContent: group }));
    names.forEach((name, i) => {
      const button = document.createElement("button"), dot = document.createElement("i");
      if (group === "kind" && state.colour !== "kind") dot.className = i ? "ring" : "dot";
      else if (group === state.colour) dot.style.background = category(models[0].names, i);
      if (dot.className || dot.style.background) button.append(dot);
      button.append(name);
      button.setAttribute("aria-pressed", !state.off[group].has(name));
      button.title = "click: on or off; double click: this one alone";
      button.onclick = () => { state.off[group].has(name) ? state.off[group].delete(name) : state.off[group].add(name); changed(); };
      button.ondblclick = () => { state.off[group] = new Set(names.filter((other) => other !== name)); changed(); };
      parts.push(button);
    });
  }
  $("legend").replaceChildren(...parts);
}
function listDoubts() {
  const model = models.find((m) => m.doubtful.length);
  if (!model || !data.table) return;
  $("doubts").hidden = false;
  $("doubtful").replaceChildren(...model.doubtful.map(({ i, reason }) => {
    const choice = document.createElement("select"), source = model.source[i];
    choice.setAttribute("aria-label", `label of ${source}`);
    for (const [value, text] of [["", "is right"], ...model.labels.map((l) => [l, `is ${l}`]), ["-", "leave out"]]) choice.append(new Option(text, value));
    choice.value = state.mended[source] || "";
    choice.onchange = () => { state.mended[source] = choice.value; };
    return entry(model, i, `${reason} · ${source}`, [choice]);
  }));
}
function saveTable() { // the manifest: path, label, speaker
  const cell = (text) => /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  const rows = data.table.filter(([path]) => state.mended[path] !== "-").map(([path, label, who]) => [path, state.mended[path] || label, who].map(cell).join(","));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(["path,label,speaker\n" + rows.join("\n") + "\n"], { type: "text/csv" }));
  link.download = "corrected.csv"; link.click();
}

// A view that is found again: all of it stands behind the #.
let noting = 0;
function remember() { clearTimeout(noting); noting = setTimeout(note, 150); } // browsers do not like it often
function note() {
  const parts = new URLSearchParams();
  if (state.colour !== FIRST) parts.set("colour", state.colour);
  if (state.query) parts.set("find", state.query);
  if (state.picked) parts.set("clip", state.picked.join("."));
  if (state.pins.length) parts.set("pins", state.pins.map((p) => p.join(".")).join("-"));
  for (const model of models) { const { x, y, k } = model.view; if (k !== 1 || x !== 0.5 || y !== 0.5) parts.set(`view${model.number}`, [x, y, k].map((v) => +v.toFixed(4)).join("_")); }
  for (const [group, names] of Object.entries(state.off)) if (names.size) parts.set(`no-${group}`, [...names].join("|"));
  if (!state.density) parts.set("density", "off");
  if (models.length > 1 && !state.beside) parts.set("beside", "off");
  history.replaceState(null, "", `#${parts}`);
}
function restore() {
  const parts = new URLSearchParams(location.hash.slice(1));
  const clip = (text) => { const [number, i] = text.split(".").map(Number); return models[number] && i >= 0 && i < models[number].n ? [number, i] : null; };
  state.colour = offers.includes(parts.get("colour")) ? parts.get("colour") : FIRST;
  state.query = parts.get("find") || "";
  state.pins = (parts.get("pins") || "").split("-").map(clip).filter(Boolean);
  for (const group of Object.keys(state.off)) state.off[group] = new Set((parts.get(`no-${group}`) || "").split("|").filter(Boolean));
  for (const model of models) { const [x, y, k] = (parts.get(`view${model.number}`) || "").split("_").map(Number); if (k > 0 && isFinite(x) && isFinite(y)) model.view = { x, y, k }; }
  state.density = parts.get("density") !== "off";
  state.beside = models.length > 1 && parts.get("beside") !== "off";
  state.picked = parts.has("clip") ? clip(parts.get("clip")) : null;
  $("colour").value = state.colour; $("search").value = state.query;
  changed(false); listPins();
  if (state.picked) pick(models[state.picked[0]], state.picked[1]);
}
function changed(noted = true) {
  shade(); legend();
  $("density").setAttribute("aria-pressed", state.density); $("beside").setAttribute("aria-pressed", state.beside);
  for (const model of models) {
    model.figure.hidden = model.number > 0 && !state.beside;
    model.caption.textContent = `${model.name}: ${model.found.toLocaleString("en")} of ${model.n.toLocaleString("en")} clips · → ${model.axes[0]}${model.axes[1] ? " · ↑ " + model.axes[1] : ""}`;
  }
  if (noted) remember();
  redraw();
}

// Hands on the map.
function nearest(model, px, py, reach) {
  const f = frame(model); let best = null, least = reach * reach;
  for (let i = 0; i < model.n; i++) {
    if (model.shade[i] < 0) continue;
    const dx = toX(f, model.x[i]) - px, dy = toY(f, model.y[i]) - py, d = dx * dx + dy * dy;
    if (d < least) { least = d; best = i; }
  }
  return best;
}
function zoom(model, factor, px, py) {
  const f = frame(model), x = (px - f.left) / f.size, y = 1 - (py - f.top) / f.size;
  const k = Math.min(200, Math.max(0.5, model.view.k * factor)), real = k / model.view.k;
  model.view = { k, x: x + (model.view.x - x) / real, y: y + (model.view.y - y) / real };
  remember(); redraw();
}
function whole() { for (const model of models) model.view = { x: 0.5, y: 0.5, k: 1 }; remember(); redraw(); }
function handle(model) {
  let held = null;
  const at = (event) => { const box = model.canvas.getBoundingClientRect(), s = model.canvas.width / box.width; return [(event.clientX - box.left) * s, (event.clientY - box.top) * s]; };
  const reach = () => REACH * (window.devicePixelRatio || 1);
  model.canvas.onpointerdown = (event) => { held = { at: at(event), view: { ...model.view }, moved: false }; model.canvas.setPointerCapture(event.pointerId); };
  model.canvas.onpointermove = (event) => {
    const [px, py] = at(event);
    if (held) {
      const dx = px - held.at[0], dy = py - held.at[1];
      held.moved ||= dx * dx + dy * dy > 30;
      if (held.moved) { const { size } = frame(model); model.view = { ...held.view, x: held.view.x - dx / size, y: held.view.y + dy / size }; redraw(); }
      return;
    }
    const i = nearest(model, px, py, reach());
    if (i !== null && !(state.picked && state.picked[0] === model.number && state.picked[1] === i)) pick(model, i);
  };
  model.canvas.onpointerup = (event) => {
    const was = held; held = null;
    if (was?.moved) return remember();
    const i = nearest(model, ...at(event), reach() * 1.5);
    if (i !== null) { pick(model, i); pin(model, i); }
  };
  model.canvas.addEventListener("wheel", (event) => { event.preventDefault(); zoom(model, Math.exp(-event.deltaY * 0.0015), ...at(event)); }, { passive: false });
}
function step(dx, dy) { // to the nearest clip in that direction
  const [number, from] = state.picked || [0, 0], model = models[number];
  let best = null, least = Infinity;
  for (let i = 0; i < model.n; i++) {
    if (i === from || model.shade[i] < 0) continue;
    const x = model.x[i] - model.x[from], y = model.y[i] - model.y[from], along = x * dx + y * dy, aside = Math.abs(x * dy - y * dx);
    if (along <= 1e-6 || aside > along) continue;
    const cost = Math.hypot(x, y) + aside;
    if (cost < least) { least = cost; best = i; }
  }
  if (best !== null) pick(model, best);
}
addEventListener("keydown", (event) => {
  if (/^(INPUT|SELECT|BUTTON)$/.test(event.target.tagName)) { if (event.key === "Escape") event.target.blur(); return; }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const model = models[state.picked?.[0] ?? 0], ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  const acts = { " ": () => state.picked && play(model, state.picked[1]), Enter: () => state.picked && pin(model, state.picked[1]),
    "/": () => $("search").focus(), 0: whole, "+": () => zoom(model, 1.3, model.canvas.width / 2, model.canvas.height / 2),
    "-": () => zoom(model, 1 / 1.3, model.canvas.width / 2, model.canvas.height / 2),
    c: () => { state.colour = offers[(offers.indexOf(state.colour) + 1) % offers.length]; $("colour").value = state.colour; changed(); },
    Escape: () => { state.picked = null; state.query = ""; $("search").value = ""; changed(); } };
  if (ways[event.key]) step(...ways[event.key]); else if (acts[event.key]) acts[event.key](); else return;
  event.preventDefault();
});

// The page.
for (const model of models) {
  model.figure = document.createElement("figure"); model.canvas = document.createElement("canvas"); model.caption = document.createElement("figcaption");
  model.canvas.tabIndex = 0; model.canvas.setAttribute("role", "img"); model.canvas.setAttribute("aria-label", `map of ${model.n} clips; arrow keys go from clip to clip`);
  model.figure.append(model.canvas, model.caption); $("models").append(model.figure);
  model.pen = model.canvas.getContext("2d", { willReadFrequently: true }); model.clouds = clouds(model);
  handle(model);
}
$("subject").textContent = `map of ${models.map((m) => m.name).join(" and ")}`;
$("credit").textContent = [...new Set(models.map((m) => m.credit))].map((credit) => `Recordings: ${credit}`).join(" · ");
offers.forEach((name) => $("colour").append(new Option(name, name)));
$("colour").onchange = () => { state.colour = $("colour").value; changed(); };
$("search").oninput = () => { state.query = $("search").value; changed(); };
$("whole").onclick = whole; $("save").onclick = saveTable;
$("density").hidden = !models.some((m) => m.clouds);
$("density").onclick = () => { state.density = !state.density; changed(); };
$("beside").hidden = models.length < 2;
$("beside").onclick = () => { state.beside = !state.beside; changed(); };
$("all").onclick = () => { for (const names of Object.values(state.off)) names.clear(); changed(); };
$("link").onclick = async () => { note(); try { await navigator.clipboard.writeText(location.href); $("link").textContent = "copied"; } catch { $("link").textContent = "see the address"; } };
new ResizeObserver(redraw).observe($("models"));
addEventListener("hashchange", restore);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
listDoubts(); restore(); decodeAll();
