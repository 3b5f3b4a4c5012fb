// The histogram under a slider: how many candidates change their status where it passes each stop, and, darker, by how
// many the kept become more or fewer there.

import { drawn, NUMBER } from "./plain_elements.js";

const BINS = 60; // bars at most: thinner ones could not be seen

/**
 * @typedef {{moved: number[], kept: number[], each: number}} Bins each bar holds `each` steps
 */

/** An empty picture; its height is set by the style. */
export function histogram() {
  const box = drawn("svg", { class: "curve", role: "img", preserveAspectRatio: "none" });
  box.append(drawn("path", { class: "moved" }), drawn("path", { class: "kept" }), drawn("title"));
  return box;
}

/**
 * How many candidates each step of the slider moves, in bars.
 * @param {{rule: string, along: {status: Record<string, number[]>} | null}} setting
 * @returns {Bins | null} null where the slider moves nothing
 */
export function bins_of(setting) {
  const status = setting.along && setting.along.status;
  const counts = status && (status[setting.rule] || status.kept);
  if (!counts || counts.length < 2) return null;
  const each = Math.ceil((counts.length - 1) / BINS);
  const kept = status.kept || counts.map(() => 0);
  return { moved: by_step(counts, each), kept: by_step(kept, each), each };
}

function by_step(counts, each) {
  const bars = [];
  for (let at = 0; at < counts.length - 1; at += each) {
    bars.push(Math.abs(counts[Math.min(at + each, counts.length - 1)] - counts[at]));
  }
  return bars;
}

/** Draw it for a setting; what it cannot know yet stays empty. */
export function draw_histogram(box, setting) {
  const found = bins_of(setting);
  box.classList.toggle("flat", !found);
  const [moved, kept, title] = box.children;
  if (!found) {
    moved.setAttribute("d", "");
    kept.setAttribute("d", "");
    return;
  }
  const last = setting.stops.length - 1;
  const most = Math.max(1, ...found.moved);
  box.setAttribute("viewBox", `0 0 ${last} 1`);
  moved.setAttribute("d", bars_of(found.moved, found.each, last, most));
  kept.setAttribute("d", bars_of(found.kept, found.each, last, most));
  const all = found.moved.reduce((sum, count) => sum + count, 0);
  title.textContent = `Moved along this slider: ${NUMBER.format(all)} candidates, at most ${NUMBER.format(most)} in one bar`;
}

// The root, since a few steps move most of all, and the others would not be seen.
function bars_of(counts, each, last, most) {
  return counts
    .map((count, place) => {
      if (!count) return "";
      const left = place * each + 0.08 * each;
      const right = Math.min((place + 1) * each, last) - 0.08 * each;
      return `M${left.toFixed(2)},1V${(1 - Math.sqrt(count / most)).toFixed(3)}H${right.toFixed(2)}V1Z`;
    })
    .join("");
}
