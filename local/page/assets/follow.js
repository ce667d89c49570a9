// One event, from put to row, document or dead letter.

const stageNames = { put: "Put", source: "Copied as received", transform: "Transform", delivery: "Delivery buffer",
  lake: "Row in the lake", index: "Document in the index", errorObject: "Failed: error object",
  deadLetter: "Dead letter" };
const following = { id: "", timer: 0, last: "", busy: false };

function makeFollow() {
  $("follow-form").addEventListener("submit", (event) => {
    event.preventDefault();
    startFollowing($("follow-id").value.trim());
  });
  $("follow-stop").addEventListener("click", stopFollowing);
  if (page.live) {
    say($("follow-hint"), "Searches the results, and watches for events with this id that are put from now on.");
    return;
  }
  const events = page.data.events;
  say($("follow-hint"), events.length ? "This report has the way of these events. The page of a run that is at work " +
    "follows any event." : "This report has no event to follow.");
  const choices = events.map((journey, i) => make("option", { value: String(i) }, journey.id));
  const list = make("select", { id: "follow-id" }, ...choices);
  $("follow-id").replaceWith(list);
}

function startFollowing(id) {
  if (!id) {
    announce("Type an event id first.");
    $("follow-id").focus();
    return;
  }
  if (page.live) $("follow-id").value = id;
  else $("follow-id").value = id;
  Object.assign(following, { id, last: "" });
  $("follow-stop").hidden = !page.live;
  followOnce(true);
  $("follow-result").scrollIntoView({ block: "nearest" });
}

function stopFollowing() {
  clearTimeout(following.timer);
  following.id = "";
  $("follow-stop").hidden = true;
  $("follow-id").focus();
  announce("Not following any more.");
}

async function followOnce(loud) {
  clearTimeout(following.timer);
  const id = following.id;
  if (!id || following.busy) return;
  following.busy = true;
  try {
    const journey = await page.source.event(id);
    if (id === following.id) showJourney(journey, loud);
  } catch (error) {
    showProblem(error);
  }
  following.busy = false;
  if (!page.running || !following.id) return;
  following.timer = setTimeout(() => followOnce(id !== following.id), 1500);
}

function showJourney(journey, loud) {
  const key = JSON.stringify(journey);
  if (key === following.last) return;
  const open = new Set([...$("follow-result").querySelectorAll("details[open]")].map((each) => each.dataset.place));
  const first = following.last === "";
  following.last = key;
  const streams = [...new Set(journey.steps.map((step) => step.stream))];
  const lists = streams.map((stream) => make("div", null, make("h3", null, `${stream} stream`),
    stepList(journey.steps.filter((step) => step.stream === stream), open)));
  const none = make("p", null, page.live && page.running
    ? "Not found yet. Buffers hide an event until they are delivered; it appears here when it is put or has arrived."
    : "Not found in the results.");
  $("follow-result").replaceChildren(make("p", { id: "followed" }, "Event ", make("b", null, journey.id)), make("div", { class: "journey" }, ...(lists.length ? lists : [none])),
    ...(journey.notes || []).map((note) => make("p", { class: "quiet" }, note)));
  const places = new Set(journey.steps.map((step) => `${step.stream}: ${stageNames[step.stage] || step.stage}`));
  if (loud || !first) announce(places.size ? `Event found: ${[...places].join(", ")}` : "Event not found yet.");
}

const stepList = (steps, open) => make("ol", { class: "steps" }, ...steps.map((step) => showStep(step, open)));

function showStep(step, open) {
  const replayed = step.state === "replayed";
  const title = replayed ? "Dead letter, deleted by a replay or consumer" : stageNames[step.stage] || step.stage;
  const content = [];
  if (step.fields) content.push(facts(step.fields.map((field) => [field.name, field.value])));
  if (step.text) {
    content.push(make("pre", { tabindex: "0", role: "group", "aria-label": `${title}, content` }, step.text));
  }
  const place = `${step.stage} ${step.place}`;
  const details = content.length ? make("details", { "data-place": place, open: open.has(place) },
    make("summary", null, "Content"), ...content) : "";
  const style = step.state === "failed" ? "failed-text" : undefined;
  return make("li", { class: step.state }, make("b", { class: style }, title),
    step.time ? make("span", { class: "quiet" }, step.time + " ") : "",
    step.place ? make("span", { class: "quiet place" }, step.place) : "",
    step.note ? make("p", null, step.note) : "", details);
}
