// The flow: nodes that are made once, and numbers that change.

const rates = {}; // by name: samples of [time, count]

// rate returns the increase of a count in a second, over the last seconds; in a report over the whole run.
function rate(name, value, state) {
  if (!page.live || state.run.phase === "ended") {
    return state.run.seconds > 0 ? value / state.run.seconds : 0;
  }
  const now = performance.now() / 1000;
  const samples = (rates[name] = rates[name] || []);
  samples.push([now, value]);
  while (samples.length > 2 && now - samples[0][0] > 4) samples.shift();
  const [since, before] = samples[0];
  return now > since ? (value - before) / (now - since) : 0;
}

const perSecond = (n) => (n >= 0.05 ? ` · ${n < 10 ? tenth.format(n) : number(Math.round(n))}/s` : "");

// node returns a node of the flow with a title, a large number and facts, by name.
function node(id, title, style) {
  const big = make("span");
  const small = make("small");
  const element = make("li", { class: `node ${style || ""}`, id: `node-${id}` },
    make("h3", null, title), make("p", { class: "big" }, big, " ", small));
  return { element, big, small, facts: {}, buffers: {} };
}

function setFact(node, name, text, bad) {
  if (!node.facts[name]) {
    if (!text) return;
    node.facts[name] = make("p", { class: bad ? "fact bad" : "fact" });
    node.element.append(node.facts[name]);
  }
  say(node.facts[name], text);
  node.facts[name].hidden = !text;
}

// setBuffer shows the fill level of a buffer: by size, and by time.
function setBuffer(node, name, label, buffer) {
  let view = node.buffers[name];
  if (!view) {
    view = node.buffers[name] = { size: make("i"), time: make("i"), left: make("span"), right: make("span") };
    view.meter = make("div", { class: "bar", role: "meter", "aria-label": `${label}, size`, "aria-valuemin": "0" },
      view.size);
    view.clock = make("div", { class: "bar time", "aria-hidden": "true" }, view.time);
    view.meter.setAttribute("aria-valuemax", String(buffer.limit));
    node.element.append(make("div", { class: "buffer" }, make("p", null, view.left, view.right), view.meter,
      view.clock));
  }
  const text = `${bytes(buffer.bytes)} of ${bytes(buffer.limit)}`;
  say(view.left, buffer.records ? `${label}: ${count(buffer.records, "record")}` : `${label}: empty`);
  say(view.right, buffer.records ? `${seconds(buffer.age)} of ${seconds(buffer.interval)}` : "");
  view.meter.setAttribute("aria-valuenow", String(Math.min(buffer.bytes, buffer.limit)));
  view.meter.setAttribute("aria-valuetext", text);
  view.size.style.setProperty("--part", String(Math.min(1, buffer.bytes / buffer.limit)));
  view.time.style.setProperty("--part", String(buffer.interval ? Math.min(1, buffer.age / buffer.interval) : 0));
  if (view.flushes !== undefined && view.flushes !== buffer.flushes) {
    view.meter.classList.remove("flushed");
    void view.meter.offsetWidth; // the animation begins anew
    view.meter.classList.add("flushed");
  }
  view.flushes = buffer.flushes;
}

const nodes = {};

function lane(title, list) {
  return make("div", { class: "lane", role: "group", "aria-label": title },
    make("ol", null, ...list.map((each) => each.element)));
}

function makeFlow(state) {
  nodes.producers = node("producers", "Producers");
  const producers = make("div", { class: "node", id: "node-producers" }, ...nodes.producers.element.childNodes);
  nodes.producers.element = producers;
  $("flow").append(producers);
  for (const stream of state.streams) {
    const kind = stream.kind;
    const of = (id, title) => (nodes[`${kind}-${id}`] = node(`${kind}-${id}`, title, kind));
    $("flow").append(lane(`The ${kind} stream`, [
      of("stream", kind === "lake" ? "Lake stream" : "Search stream"),
      of("transform", stream.hasFunction ? "Transform" : "No transform"),
      of("delivery", "Delivery buffer"),
      of("store", kind === "lake" ? `Lake: ${stream.format} in S3` : "OpenSearch index")]));
  }
  nodes.replay = node("replay", "Replay", "bad");
  nodes.queue = node("queue", "Dead-letter queue", "bad");
  nodes.handler = node("handler", "Error handler", "bad");
  nodes.errors = node("errors", "Error objects in S3", "bad");
  $("flow").append(lane("Failed records", [nodes.replay, nodes.queue, nodes.handler, nodes.errors]));
  makeEdges(state);
}

function showStream(stream, state) {
  const kind = stream.kind;
  const own = (id) => nodes[`${kind}-${id}`];
  say(own("stream").big, number(stream.received));
  const puts = rate(`${kind}-put`, stream.received, state);
  say(own("stream").small, `records${perSecond(puts)}`);
  say(own("transform").big, number(stream.transformed));
  say(own("transform").small, "out");
  for (const buffer of stream.buffers) {
    if (buffer.name === "transform") setBuffer(own("transform"), "transform", "Buffer", buffer);
    else if (buffer.name === "delivery") setBuffer(own("delivery"), "delivery", "Buffer", buffer);
    else if (buffer.name === "backup") setBuffer(own("store"), "backup", "Copy as received", buffer);
  }
  const delivery = stream.buffers.find((buffer) => buffer.name === "delivery");
  if (stream.hasFunction) setFact(own("transform"), "calls", count(stream.invocations, "invocation"));
  setFact(own("transform"), "failed", stream.failedCalls ? `${number(stream.failedCalls)} failed` : "", true);
  setFact(own("transform"), "dropped", stream.dropped ? `${number(stream.dropped)} dropped by rule` : "");
  say(own("delivery").big, delivery ? number(delivery.flushes) : "0");
  say(own("delivery").small, "flushed");
  say(own("store").big, number(stream.delivered));
  const delivered = rate(`${kind}-delivered`, stream.delivered, state);
  say(own("store").small, (kind === "lake" ? "rows" : "documents") + perSecond(delivered));
  setFact(own("store"), "failed", stream.failed ? `${number(stream.failed)} failed` : "", true);
  setFact(own("store"), "lost", stream.lost ? `${number(stream.lost)} lost: S3 rejected them for 24 h` : "", true);
  setEdge(`${kind}-put`, puts > 0);
  setEdge(`${kind}-transform`, puts > 0);
  setEdge(`${kind}-deliver`, puts > 0);
  setEdge(`${kind}-store`, delivered > 0);
  setEdge(`${kind}-fail`, rate(`${kind}-failed`, stream.failed, state) > 0);
}

function showFlow(state) {
  if (!nodes.producers) makeFlow(state);
  const received = Math.max(0, ...state.streams.map((stream) => stream.received));
  say(nodes.producers.big, number(received));
  say(nodes.producers.small, "events");
  setFact(nodes.producers, "how",
    state.run.mode === "served" ? "put to the served APIs" : "from a file, to each stream");
  for (const stream of state.streams) showStream(stream, state);
  const objects = (area) => state.objects[area] || { count: 0, bytes: 0 };
  if (nodes["lake-store"]) {
    setFact(nodes["lake-store"], "objects",
      `${count(objects("lake").count, "object")}, ${bytes(objects("lake").bytes)}`);
    setFact(nodes["lake-store"], "source", objects("source").count
      ? `${count(objects("source").count, "copy object")} as received` : "");
  }
  if (nodes["search-store"]) {
    setFact(nodes["search-store"], "indices", state.indices.map((index) => index.name).slice(0, 3).join(", ") +
      (state.indices.length > 3 ? ` and ${state.indices.length - 3} more` : ""));
  }
  showFailures(state, objects("errors"));
}

function showFailures(state, errors) {
  say(nodes.errors.big, number(errors.count));
  say(nodes.errors.small, errors.count === 1 ? "object" : "objects");
  const failed = state.streams.reduce((sum, stream) => sum + stream.failed, 0);
  setFact(nodes.errors, "failed", failed ? `${count(failed, "failed record")}` : "", true);
  for (const stream of state.streams) {
    for (const buffer of stream.buffers) {
      const name = `${stream.kind}-${buffer.name}`;
      const known = nodes.errors.buffers[name];
      if (["transform", "delivery", "backup"].includes(buffer.name) || !(known || buffer.records)) continue;
      setBuffer(nodes.errors, name, `${stream.kind} ${buffer.name.replace("-failed", "")}`, buffer);
    }
  }
  say(nodes.handler.big, number(state.handler.handled));
  say(nodes.handler.small, "handled");
  setFact(nodes.handler, "waiting", state.handler.running || state.handler.waiting
    ? `${state.handler.running ? "at work, " : ""}${number(state.handler.waiting)} waiting` : "");
  const { failed: lost, retried } = state.handler;
  setFact(nodes.handler, "failed", lost || retried
    ? `${number(lost)} failed, ${count(retried, "retry", "retries")}` : "", true);
  say(nodes.queue.big, number(state.queue.visible + state.queue.inFlight));
  say(nodes.queue.small, "dead letters");
  setFact(nodes.queue, "flight", state.queue.inFlight ? `${number(state.queue.inFlight)} in flight` : "");
  say(nodes.replay.big, number(state.deleted));
  say(nodes.replay.small, "replayed or deleted");
  const replaying = Boolean(state.replay && state.replay.running);
  setFact(nodes.replay, "work", replaying ? "at work" : "");
  setEdge("errors-handler", state.handler.running);
  setEdge("handler-queue", state.handler.running);
  setEdge("queue-replay", replaying);
  setEdge("replay-search", replaying);
  setEdge("replay-lake", replaying);
}
