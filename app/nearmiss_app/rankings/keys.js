// What each key does on the page of a query. Some work anywhere, others where a row or a point of the picture has the focus.

/** @type {Record<string, string>} */
const ANYWHERE = {
  1: "relevant", 2: "partial", 3: "not_relevant", 4: "unsure",
  d: "duplicate_of_positive", b: "bad_query", w: "wrong_positive", e: "too_easy",
  z: "undo", y: "redo", x: "compare", j: "next", k: "previous", m: "write_comment",
};
/** @type {Record<string, string>} */
const ON_ROW = { arrowdown: "next", arrowup: "previous", arrowright: "right", arrowleft: "left", " ": "choose", escape: "choose_none" };
/** @type {Record<string, string>} */
const ON_POINT = { arrowdown: "farther", arrowright: "farther", arrowup: "nearer", arrowleft: "nearer", enter: "read" };

/**
 * What a key asks for; undefined for nothing.
 * @param {string} key as the browser names it, in small letters
 * @param {"row" | "point" | ""} focused
 */
export function asked_by_key(key, focused) {
  return ANYWHERE[key] ?? (focused === "row" ? ON_ROW[key] : focused === "point" ? ON_POINT[key] : undefined);
}

/** The key that stands for a reason. @param {string} reason */
export function key_of_reason(reason) {
  return Object.keys(ANYWHERE).find((key) => ANYWHERE[key] === reason);
}
