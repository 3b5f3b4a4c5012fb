// Where the signs and names of a picture go, in pixels from its middle. Works without a page.

/** @typedef {[x: number, y: number]} Spot */
/** @typedef {[left: number, top: number, right: number, bottom: number]} Box */

const APART = 11; // pixels between two signs, if turning them a little can bring it about
const TURN = 0.04, MOST_TURNS = 14; // radians
const NEAREST = 3; // pixels from the middle
const WIDE = 6.2, HIGH = 15; // pixels of a letter of a name

/**
 * True radii. Angles are turned a little where two signs would cover each other, the nearest first.
 * @param {number[]} order places, the nearest first
 * @param {(place: number) => number} radius_of pixels
 * @param {number[]} angles by place
 * @returns {Map<number, Spot>}
 */
export function spread(order, radius_of, angles) {
  /** @type {Spot[]} */
  const taken = [[0, 0]];
  const spots = new Map();
  for (const place of order) {
    const radius = Math.max(radius_of(place), NEAREST);
    /** @returns {Spot} */
    const spot = (turn) => [radius * Math.cos(angles[place] + turn), -radius * Math.sin(angles[place] + turn)];
    const free = ([x, y]) => taken.every(([a, b]) => Math.hypot(a - x, b - y) >= APART);
    let found = spot(0);
    for (let turns = 1; turns <= MOST_TURNS && !free(found); turns += 1) {
      const [left, right] = [spot(turns * TURN), spot(-turns * TURN)];
      if (free(left)) found = left;
      else if (free(right)) found = right;
    }
    taken.push(found);
    spots.set(place, found);
  }
  return spots;
}

/**
 * Where there is room for the name of each place, in this order; a name without room is left out.
 * @param {[place: number, name: string][]} names
 * @param {Map<number, Spot>} spots of all signs
 * @param {number} width @param {number} height of the picture
 * @param {Box[]} words that stand there already
 * @returns {[name: string, left: number, top: number][]}
 */
export function room_for_names(names, spots, width, height, words = []) {
  /** @type {Box[]} */
  const taken = [[-9, -9, 9, 9], ...words, ...[...spots.values()].map(([x, y]) => /** @type {Box} */ ([x - 6, y - 6, x + 6, y + 6]))];
  const inside = ([left, top, right, bottom]) => left > -width / 2 && right < width / 2 && top > -height / 2 && bottom < height / 2;
  const free = (box) => inside(box) && taken.every((other) => box[2] < other[0] || box[0] > other[2] || box[3] < other[1] || box[1] > other[3]);
  return names.flatMap(([place, name]) => {
    const long = name.length * WIDE;
    const box = corners(spots.get(place), long).map(([left, top]) => /** @type {Box} */ ([left, top, left + long, top + HIGH])).find(free);
    if (!box) return [];
    taken.push(box);
    return [/** @type {[string, number, number]} */ ([name, box[0], box[1]])];
  });
}

/** Where words lie whose middle is above or below that of the picture. @param {string} words @param {number} y of their line @returns {Box} */
export function box_of_words(words, y) {
  const half = (words.length * WIDE) / 2;
  return [-half, y - HIGH + 3, half, y + 3];
}

/** Left upper corners that a name may have: beside its sign, then below and above. @param {Spot} spot @returns {Spot[]} */
function corners([x, y], long) {
  const sides = [y - 8, y + 5, y - 21].flatMap((top) => /** @type {Spot[]} */ ([[x + 11, top], [x - 11 - long, top]]));
  return [...sides, [x - long / 2, y + 10], [x - long / 2, y - 26]];
}
