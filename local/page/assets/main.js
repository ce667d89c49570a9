// The page: its data, live or of a report, the loop, the head of the page and the theme.

const data = JSON.parse($("data").textContent);
const page = { live: Boolean(data.token), data, running: true, busy: false, lost: false, state: data.state };

// ask asks the run. A failed request is an error with the text of the answer.
async function ask(path, parameters, options) {
  const query = new URLSearchParams(parameters || {}).toString();
  const answer = await fetch(`/api/${path}${query ? "?" + query : ""}`, { ...options,
    headers: { ...(options && options.headers), "X-Page-Token": data.token } });
  if (answer.status === 304) return null;
  if (!answer.ok) throw new Error((await answer.text()).trim() || `status ${answer.status}`);
  page.tag = answer.headers.get("ETag") || page.tag;
  return answer.json();
}

const liveSource = {
  letters: (group, after) => ask("letters", { stream: group.stream, stage: group.stage, reason: group.reason,
    kind: group.kind, after: String(after) }),
  files: (area, after) => ask("files", { area, after }),
  rows: (area, key, from) => ask("rows", { area, key, from: String(from) }),
  hasRows: () => true,
  event: (id) => ask("event", { id }),
  replay: (request) => ask("replay", null, { method: "POST", body: JSON.stringify(request),
    headers: { "Content-Type": "application/json" } }),
};

const reportPage = 20; // dead letters at once

const reportSource = {
  letters: async (group, after) => {
    const all = data.letters.find((each) => groupKey(each) === groupKey(group)) || { letters: [], total: 0 };
    const kept = all.letters || [];
    const letters = kept.slice(after, after + reportPage);
    const next = after + letters.length;
    return { letters, next: next < kept.length ? next : 0, note: all.total > kept.length
      ? `This report has the first ${number(kept.length)} of ${number(all.total)}; all are in ${data.lettersFile}` : "" };
  },
  files: async (area, after) => {
    const all = data.files[area] || { files: [] };
    return { files: after ? [] : all.files, more: false, note: all.more
      ? `This report has the first ${number(all.files.length)} files; all are in ${data.filesFolder}` : "" };
  },
  rows: async (area, key) => data.rows.find((each) => each.area === area && each.key === key),
  hasRows: (area, key) => data.rows.some((each) => each.area === area && each.key === key),
  event: async (id) => data.events[id] || { steps: [], notes: [] },
  replay: async () => { throw new Error("a report replays nothing"); },
};

page.source = page.live ? liveSource : reportSource;

// findEvent returns an event id as startFollowing takes it, "" when the event cannot be followed.
page.findEvent = (id) => {
  if (page.live || !id) return id;
  const at = data.events.findIndex((journey) => journey.id === id);
  return at < 0 ? "" : String(at);
};

const phases = { running: "Running", delivering: "Delivering what is buffered", ended: "Ended" };

function showHead(state) {
  const letters = state.queue.visible + state.queue.inFlight;
  const received = Math.max(0, ...state.streams.map((stream) => stream.received));
  const lost = page.lost && state.run.phase !== "ended";
  const phase = lost ? "No answer: the run was stopped" : phases[state.run.phase];
  say($("stack"), state.run.stack);
  say($("phase"), page.live ? phase : "Report of a run that has ended");
  $("phase").className = `phase ${lost ? "lost" : page.live ? state.run.phase : "ended"}`;
  const since = page.live && state.run.phase !== "ended" && !page.lost
    ? (Date.now() - Date.parse(state.run.started)) / 1000 : state.run.seconds;
  const pairs = [["Events", number(received)], ["Dead letters", number(letters)],
    ["Time", seconds(Math.max(0, since))]];
  if (state.run.speed > 1) pairs.push(["Speed", `${tenth.format(state.run.speed)} ×`]);
  const faults = Object.values(state.faults || {}).reduce((sum, n) => sum + n, 0);
  if (faults) pairs.push(["Injected faults", number(faults)]);
  if ($("summary").childElementCount !== pairs.length) {
    $("summary").replaceChildren(...pairs.map(([name]) => make("div", null, make("dt", null, name), make("dd"))));
  }
  pairs.forEach(([, value], i) => say($("summary").children[i].lastChild, value));
  const title = [page.live ? phase : "Report", count(received, "event"), count(letters, "dead letter"),
    "local pipeline"].join(" · ");
  if (document.title !== title) document.title = title;
  const written = page.live && state.run.phase === "ended" ? ", with this page as report.html" : "";
  say($("foot"), `Results: ${state.run.out}${written}. Times are UTC.`);
}

// summarise says the counts to screen readers, at most every 20 seconds and when they have changed.
let said = { at: performance.now(), text: "" };
function summarise(state) {
  const letters = state.queue.visible + state.queue.inFlight;
  const text = `${count(Math.max(0, ...state.streams.map((stream) => stream.received)), "event")} received, ` +
    count(letters, "dead letter");
  if (text === said.text || performance.now() - said.at < 20000) return;
  said = { at: performance.now(), text };
  announce(text);
}

function show(state) {
  page.running = page.live && state.run.phase !== "ended" && !page.lost;
  showHead(state);
  showFlow(state);
  showLetters(state);
  if (page.live) {
    refreshFiles(state);
    summarise(state);
  }
}

function showProblem(error) {
  announce(`This could not be read: ${error.message}`);
}

// poll asks for the state a few times a second while the page is visible; an unchanged one costs an empty answer.
let failures = 0;
async function poll() {
  if (!document.hidden) {
    try {
      const state = await ask("state", null, { headers: page.tag ? { "If-None-Match": page.tag } : {} });
      failures = 0;
      page.lost = false;
      if (state) page.state = state;
    } catch (error) {
      page.lost = ++failures > 2;
    }
    show(page.state);
  }
  if (page.lost && page.state.run.phase === "ended") return;
  page.timer = setTimeout(poll, page.lost ? 3000 : 500);
}
page.refresh = () => { clearTimeout(page.timer); poll(); };

function setTheme(theme) {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

function makeTheme() {
  let theme = "auto";
  try { theme = localStorage.getItem("theme") || "auto"; } catch { /* a file may have no storage */ }
  if (!["auto", "light", "dark"].includes(theme)) theme = "auto";
  $("theme").value = theme;
  setTheme(theme);
  $("theme").addEventListener("change", () => {
    setTheme($("theme").value);
    try { localStorage.setItem("theme", $("theme").value); } catch { /* then it lasts as long as the page */ }
  });
}

window.addEventListener("unhandledrejection", (event) => showProblem(event.reason));
makeTheme();
makeFiles();
makeFollow();
show(page.state);
openArea("lake");
if (page.live) {
  document.addEventListener("visibilitychange", () => { if (!document.hidden) page.refresh(); });
  page.timer = setTimeout(poll, 500);
}
