// Values of settings as texts: which stop a value is, and whether a setting does anything.

/**
 * The stop that a value is, or comes nearest to.
 * @param {string[]} stops
 * @param {string} value
 */
export function nearest(stops, value) {
  const exact = stops.indexOf(value);
  if (exact >= 0) return exact;
  const wanted = Number(value);
  if (Number.isNaN(wanted)) return Math.max(0, stops.indexOf("none"));
  let best = -1;
  stops.forEach((stop, place) => {
    if (stop !== "none" && (best < 0 || Math.abs(Number(stop) - wanted) < Math.abs(Number(stops[best]) - wanted))) best = place;
  });
  return best;
}

/** Whether a setting does anything at this value. */
export function is_set(setting, value) {
  if (setting.unavailable || setting.kind === "number") return false;
  if (Array.isArray(value)) return value.length > 0;
  return !["none", "off", "0", setting.choices[0]].includes(value);
}

/** A value as a reader sees it in the summary of a group. */
export function in_words(value) {
  return Array.isArray(value) ? value.join(" ") : value === "on" ? "" : value;
}

/** What was typed, as the server spells it. */
export function as_typed(typed) {
  return ["", "off"].includes(typed.trim().toLowerCase()) ? "none" : typed.trim();
}
