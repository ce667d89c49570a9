// Dead letters by reason: a row for each group, with its letters below it on demand, and the replay.

const groups = {}; // by key: the row of a group
const columns = ["Reason", "Stream", "Stage", "In the queue", "Replayed or deleted", "Explanation", "Actions"];
let groupBody = null;
let lastReplay = null;

const groupKey = (group) => JSON.stringify([group.stream, group.stage, group.reason, group.kind]);
const groupName = (group) => group.reason || "not a dead letter";

function makeLetters() {
  groupBody = make("tbody");
  const head = make("tr", null, ...columns.map((name, i) =>
    make("th", { scope: "col", class: i === 3 || i === 4 ? "number" : undefined }, name)));
  const scroll = $("letters-scroll");
  scroll.append(make("table", null, make("caption", { class: "hidden" }, "Dead letters by reason"),
    make("thead", null, head), groupBody));
  for (const [name, value] of [["tabindex", "0"], ["role", "group"], ["aria-label", "Table of dead letters"]]) {
    scroll.setAttribute(name, value);
  }
  $("replay-all").addEventListener("click", () => replay({ stream: "", stage: "", reason: "" }));
}

function makeGroup(group) {
  const row = { group, open: false, left: make("td", { class: "number" }), deleted: make("td", { class: "number" }) };
  const kind = group.kind && group.kind !== "record" ? ` (${group.kind})` : "";
  row.show = make("button", { type: "button", class: "small", "aria-expanded": "false", on: () => toggleGroup(row) },
    "Show", make("span", { class: "hidden" }, ` dead letters: ${groupName(group)}, ${group.stream}`));
  row.replay = make("button", { type: "button", class: "small", on: () => replay(group) },
    "Replay", make("span", { class: "hidden" }, `: ${groupName(group)}, ${group.stream}`));
  row.replay.hidden = !page.live || !group.kind;
  row.element = make("tr", null, make("th", { scope: "row" }, groupName(group) + kind), make("td", null, group.stream),
    make("td", null, group.stage), row.left, row.deleted, make("td", null, group.explanation),
    make("td", { class: "actions" }, row.show, " ", row.replay));
  row.box = make("td", { colspan: String(columns.length), class: "open" });
  row.below = make("tr", { hidden: true }, row.box);
  groupBody.append(row.element, row.below);
  return row;
}

function showLetters(state) {
  if (!groupBody) makeLetters();
  for (const group of state.letters) {
    const key = groupKey(group);
    const row = (groups[key] = groups[key] || makeGroup(group));
    say(row.left, number(group.sent - group.deleted));
    say(row.deleted, number(group.deleted));
  }
  $("letters-empty").hidden = state.letters.length > 0;
  $("letters-scroll").hidden = state.letters.length === 0;
  showReplay(state);
}

async function toggleGroup(row) {
  row.open = !row.open;
  row.show.setAttribute("aria-expanded", String(row.open));
  row.show.firstChild.textContent = row.open ? "Hide" : "Show";
  row.below.hidden = !row.open;
  if (row.open) await loadLetters(row, 0);
}

async function loadLetters(row, after) {
  const found = await page.source.letters(row.group, after);
  const list = make("ol", { class: "letters", start: "1" }, ...found.letters.map(showLetter));
  const more = found.next
    ? make("button", { type: "button", class: "small", on: () => loadLetters(row, found.next) },
      "Next dead letters") : null;
  const first = after
    ? make("button", { type: "button", class: "small", on: () => loadLetters(row, 0) }, "First dead letters") : null;
  row.box.replaceChildren(found.letters.length ? list : make("p", null, "None in the queue now."),
    found.note ? make("p", { class: "quiet" }, found.note) : "",
    make("div", { class: "row" }, ...[first, more].filter(Boolean)));
  announce(`${count(found.letters.length, "dead letter")} shown: ${groupName(row.group)}`);
  if (after) row.box.querySelector("summary")?.focus();
}

function showLetter(letter) {
  const title = [letter.eventId && `event ${letter.eventId}`, letter.code, letter.sent].filter(Boolean).join(" · ");
  const record = letter.record;
  const text = make("pre", { tabindex: "0", role: "group", "aria-label": "Failed record" });
  if (record) {
    text.append(record.before);
    if (record.offset !== undefined) {
      text.append(make("mark", null, record.at || "(end)"), record.after);
    }
  }
  const id = page.findEvent(letter.eventId);
  const follow = id ? make("button", { type: "button", class: "small", on: () => startFollowing(id) },
    "Follow this event") : null;
  const part = record && record.cut ? ", a part of it" : "";
  return make("li", null, make("details", null, make("summary", null, title || `message ${letter.sequence}`),
    facts([["Explanation", letter.explanation], ["Error message", letter.message],
      ["Byte of the fault", record && record.offset !== undefined ? number(record.offset) : ""],
      ["Attempts", letter.attempts ? String(letter.attempts) : ""], ["Arrived", letter.arrival],
      ["Error object", letter.place], ["Document", letter.document],
      ["Records", (letter.counts || []).map((each) => `${each.reason}: ${number(each.count)}`).join(", ")]]),
    record ? make("p", { class: "quiet" }, `Record of ${count(record.bytes, "byte")}${part}:`) : "",
    record ? text : "", follow));
}

// replay asks for a replay of a group, or of everything.
async function replay(group) {
  if (page.busy) return;
  try {
    await page.source.replay({ stream: group.stream, stage: group.stage, reason: group.reason,
      rejected: $("replay-rejected").checked, again: $("replay-again").checked });
    announce("The replay has begun.");
  } catch (error) {
    announce(`The replay was rejected: ${error.message}`);
    $("replay-result").replaceChildren(make("p", { class: "failed-text" }, error.message));
  }
  page.refresh();
}

function showReplay(state) {
  const latest = state.replay;
  const left = state.queue.visible + state.queue.inFlight;
  $("replay-row").hidden = !page.live || state.run.mode !== "served" || !state.letters.length;
  page.busy = Boolean(latest && latest.running) || !state.run.canReplay || !left;
  for (const button of [$("replay-all"), ...Object.values(groups).map((row) => row.replay)]) {
    button.setAttribute("aria-disabled", String(page.busy));
  }
  for (const row of Object.values(groups)) {
    row.replay.hidden = !page.live || state.run.mode !== "served" || !row.group.kind;
  }
  say($("replay-note"), replayNote(state));
  const key = JSON.stringify(latest || null);
  if (!latest || key === lastReplay) return;
  const finished = lastReplay !== null && !latest.running;
  lastReplay = key;
  const text = describeReplay(latest);
  $("replay-result").replaceChildren(make("p", latest.error ? { class: "failed-text" } : null, text),
    outcomes(latest.result));
  if (finished) announce(text);
}

function replayNote(state) {
  if (!page.live) return "A report replays nothing: pipeline local --serve shows this page with a replay at a click.";
  if (state.run.mode !== "served") return "A run from a file serves no API for a replay: use pipeline local --serve.";
  return state.letters.length ? "A replay puts the records to the stream whose destination lacks them, and deletes " +
    "the dead letters whose record the stream accepted. Fix the cause first." : "";
}

function describeReplay(latest) {
  const wanted = [latest.request.reason, latest.request.stream].filter(Boolean).join(", ") || "all dead letters";
  if (latest.running) return `Replay ${latest.number} of ${wanted}: at work.`;
  if (latest.error) return `Replay ${latest.number} of ${wanted} failed: ${latest.error}`;
  return `Replay ${latest.number} of ${wanted}: ${count(latest.result.put, "record")} accepted by the streams.`;
}

function outcomes(result) {
  if (!result || !result.outcomes) return "";
  return facts(result.outcomes.map((outcome) => [count(outcome.count, "dead letter"), outcome.text]));
}
