// What the settings come to: the harm first, then the counts, then why the others are not kept.

import { change, make, NUMBER, percent, put } from "./plain_elements.js";

const SPOKEN_PAUSE = 500; // milliseconds of rest after which a screen reader is told

/**
 * @typedef {Object} Counts
 * @property {Record<string, number>} status candidates by status
 * @property {number} short queries with fewer negatives than wanted
 * @property {number} empty queries with none
 * @property {Harm | null} harm null while it is not known
 * @property {boolean} exact false where only bounds are known
 * @property {boolean} [waiting] the server has not counted yet
 *
 * @typedef {Object} Harm
 * @property {number | null} estimated the share of answers among the kept
 * @property {number} others kept, but not by the policy in force
 * @property {[number, number, number] | null} measured the same share by random judgements, and its band
 */

/**
 * What the settings come to at the stop under the hand: the decision's own counts, and over them those along the slider.
 * @returns {Counts}
 */
export function counts_at(data, held, values, settings) {
  const base = data.now;
  if (!held || !settings[held.name].counts) return { ...base, exact: true };
  const { along, harm, measured } = settings[held.name];
  const others_changed = Object.keys(values).some(
    (name) => name !== held.name && String(values[name]) !== String(data.values[name]),
  );
  if (!along || others_changed) return { ...base, exact: true, waiting: true };
  const status = { ...base.status };
  for (const [name, counts] of Object.entries(along.status)) status[name] = counts[held.stop];
  const found = harm && {
    estimated: harm.estimated[held.stop],
    others: harm.others[held.stop],
    measured: measured ? measured[held.stop] : null,
  };
  return { status, short: along.short[held.stop], empty: along.empty[held.stop], harm: found, exact: data.exact };
}

export class CountsView {
  /** @param {(name: string) => any} part finds an element of the page by its class */
  constructor(part) {
    this.part = part;
  }

  /** @param {Counts} counts */
  show(data, counts) {
    const saved = data.saved;
    this.part("counts").classList.toggle("waiting", Boolean(counts.waiting));
    const most = counts.exact ? "" : "at most ", least = counts.exact ? "" : "at least ";
    this.show_harm(counts, saved, data.looks);
    this.tile("kept", "kept", most + NUMBER.format(counts.status.kept), change(counts.status.kept, saved.status.kept));
    const short = `queries with fewer than ${NUMBER.format(data.wanted)}`;
    this.tile("short", short, least + NUMBER.format(counts.short), change(counts.short, saved.short));
    this.tile("empty", "queries with none", least + NUMBER.format(counts.empty), change(counts.empty, saved.empty));
    this.show_reasons(data, counts, saved);
    put(this.part("note"), note_of(counts));
    this.speak(counts, most, least);
  }

  show_harm(counts, saved, looks) {
    const harm = counts.harm, before = saved.harm;
    const tile = this.tile(
      "harm",
      harm ? "of the kept are answers, estimated" : "of the kept are answers: estimated on release",
      harm ? percent(harm.estimated) : "…",
      harm && before && percent(harm.estimated) !== percent(before.estimated) ? `was ${percent(before.estimated)}` : "",
    );
    tile.style.setProperty("--look", looks.too_close.colour);
    const measured = harm && harm.measured;
    const band = measured ? `${percent(measured[1])} to ${percent(measured[2])}` : "";
    this.tile("measured", "measured, by random judgements", measured ? percent(measured[0]) : "", band).hidden = !measured;
    const others = this.tile("others", "others than in force", harm ? NUMBER.format(harm.others) : "…", "");
    others.title = "Negatives that the policy in force does not keep";
  }

  tile(name, word, number, beside) {
    let tile = this.part("main").querySelector(`.tile.${name}`);
    if (!tile) {
      tile = make("div", `tile ${name}`, [make("span", "number"), make("span", "change"), make("span", "word")]);
      this.part("main").append(tile);
    }
    put(tile.querySelector(".number"), number);
    put(tile.querySelector(".change"), beside);
    put(tile.querySelector(".word"), word);
    return tile;
  }

  show_reasons(data, counts, saved) {
    const names = data.reasons, body = this.part("refused").tBodies[0];
    if (body.dataset.names !== names.join()) {
      body.dataset.names = names.join();
      body.replaceChildren(...names.map((name) => reason(data.looks[name])));
    }
    names.forEach((name, place) => {
      const row = body.rows[place], now = counts.status[name] || 0;
      row.classList.toggle("none", !now);
      put(row.cells[1], NUMBER.format(now));
      put(row.cells[2], change(now, saved.status[name] || 0));
    });
  }

  speak(counts, most, least) {
    this.quiet();
    if (counts.waiting) return;
    const answers = counts.harm ? `, ${percent(counts.harm.estimated)} of them answers by estimate` : "";
    const said = `${most}${NUMBER.format(counts.status.kept)} kept${answers}, ${least}${NUMBER.format(counts.short)} queries short`;
    this.speech = setTimeout(() => put(this.part("spoken"), said), SPOKEN_PAUSE);
  }

  /** Say nothing more. */
  quiet() {
    clearTimeout(this.speech);
  }
}

function note_of(counts) {
  if (counts.waiting) return "Counting ...";
  return counts.exact ? "" : "Bounds: what is exact comes on release.";
}

function reason(look) {
  const sign = make("span", "sign", look.sign);
  sign.style.color = look.colour;
  sign.setAttribute("aria-hidden", "true");
  const head = make("th", "", [sign, look.word]);
  head.scope = "row";
  head.title = look.says;
  return make("tr", "", [head, make("td", "number"), make("td", "change")]);
}
