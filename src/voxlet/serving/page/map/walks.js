// Walks over a map: places along a path, and the latent of each.

export const STEPS = 9;
export const PAUSE = 0.12; // seconds between the steps

/** The share of the path's length at which each corner is. */
function reached(corners) {
  const lengths = [0];
  for (let c = 1; c < corners.length; c += 1) {
    const [from, to] = [corners[c - 1].place, corners[c].place];
    lengths.push(lengths.at(-1) + Math.hypot(to[0] - from[0], to[1] - from[1]));
  }
  const whole = lengths.at(-1) || 1;
  return lengths.map((length) => length / whole);
}

/** Interpolate the values at `shares`; constant before the first and after the last. */
function mixed(shares, values, share) {
  const after = shares.findIndex((one) => one >= share);
  if (after <= 0) return after === 0 ? values[0] : values.at(-1);
  const part = (share - shares[after - 1]) / (shares[after] - shares[after - 1] || 1);
  return values[after - 1].map((value, axis) => value + part * (values[after][axis] - value));
}

/**
 * Equally spaced steps along corners `{ place, clip }`, where `clip` is a clip's index or null. The path begins,
 * turns and ends exactly at its clips: the parts of their latents outside the plane are interpolated between them.
 */
export function stepsOf(atlas, corners, count = STEPS) {
  const shares = reached(corners);
  const places = corners.map(({ place }) => place);
  const held = corners.map(({ clip }, c) => [shares[c], clip]).filter(([, clip]) => clip !== null);
  const beyond = atlas.isLive ? held.map(([, clip]) => atlas.beyond(clip)) : [];
  return Array.from({ length: count }, (_, step) => {
    const share = step / (count - 1);
    const place = mixed(shares, places, share);
    if (!atlas.isLive) return { place, latent: null, clip: atlas.nearest(place)[0] };
    const extra = beyond.length > 0 ? mixed(held.map(([at]) => at), beyond, share) : null;
    const latent = atlas.back(place).map((value, axis) => value + (extra ? extra[axis] : 0));
    return { place, latent, clip: atlas.nearest(place, latent)[0] };
  });
}
