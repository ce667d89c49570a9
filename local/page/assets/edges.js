// The lines between the nodes: drawn from the places where the nodes are, again whenever these change.

const edges = {};
const svgName = "http://www.w3.org/2000/svg";
let drawing = null;

function makeEdges(state) {
  drawing = document.createElementNS(svgName, "svg");
  drawing.setAttribute("aria-hidden", "true");
  drawing.setAttribute("focusable", "false");
  $("flow").prepend(drawing);
  const add = (name, from, to, way, bad) => {
    if (!nodes[from] || !nodes[to]) return;
    const line = document.createElementNS(svgName, "path");
    const head = document.createElementNS(svgName, "path");
    line.setAttribute("class", bad ? "bad idle" : "idle");
    head.setAttribute("class", bad ? "head bad" : "head");
    drawing.append(line, head);
    edges[name] = { from, to, way, bad, line, head, active: false };
  };
  for (const stream of state.streams) {
    const kind = stream.kind;
    add(`${kind}-put`, "producers", `${kind}-stream`, "put");
    add(`${kind}-transform`, `${kind}-stream`, `${kind}-transform`, "right");
    add(`${kind}-deliver`, `${kind}-transform`, `${kind}-delivery`, "right");
    add(`${kind}-store`, `${kind}-delivery`, `${kind}-store`, "right");
    const above = kind === "lake" && state.streams.length > 1; // the other stream's lane is between
    add(`${kind}-fail`, `${kind}-store`, "errors", above ? "around" : "down", true);
    add(`replay-${kind}`, "replay", `${kind}-stream`, above ? "back" : "up");
  }
  add("errors-handler", "errors", "handler", "left", true);
  add("handler-queue", "handler", "queue", "left", true);
  add("queue-replay", "queue", "replay", "left");
  new ResizeObserver(drawEdges).observe($("flow"));
  drawEdges();
}

// setEdge shows whether something goes along an edge now.
function setEdge(name, active) {
  const edge = edges[name];
  active = active && page.running;
  if (!edge || edge.active === active) return;
  edge.active = active;
  edge.line.setAttribute("class", `${edge.bad ? "bad " : ""}${active ? "active" : "idle"}`);
}

function drawEdges() {
  const origin = $("flow").getBoundingClientRect();
  const place = (name) => {
    const box = nodes[name].element.getBoundingClientRect();
    return { left: box.left - origin.left, right: box.right - origin.left, top: box.top - origin.top,
      bottom: box.bottom - origin.top, x: box.left - origin.left + box.width / 2,
      y: box.top - origin.top + box.height / 2 };
  };
  for (const edge of Object.values(edges)) {
    const points = route(edge.way, place(edge.from), place(edge.to));
    edge.line.setAttribute("d", "M" + points.map((point) => point.join(" ")).join("L"));
    edge.head.setAttribute("d", arrow(points[points.length - 2], points[points.length - 1]));
  }
}

// route returns the points of an edge.
function route(way, from, to) {
  switch (way) {
    case "put": {
      const y = Math.min(Math.max(to.y, from.top + 14), from.bottom - 14);
      const middle = (from.right + to.left) / 2;
      return y === to.y ? [[from.right, y], [to.left, y]]
        : [[from.right, y], [middle, y], [middle, to.y], [to.left, to.y]];
    }
    case "right": return [[from.right, from.y], [to.left, from.y]];
    case "left": return [[from.left, from.y], [to.right, from.y]];
    case "down": return [[from.x, from.bottom], [from.x, to.top]];
    case "up": return [[from.x + 30, from.top], [from.x + 30, to.bottom]];
    case "around": {
      const x = from.right + 16;
      return [[from.right, from.y], [x, from.y], [x, to.y], [to.right, to.y]];
    }
    default: {
      const x = from.left - 16;
      return [[from.left, from.y], [x, from.y], [x, to.y + 16], [to.left, to.y + 16]];
    }
  }
}

// arrow returns the head at the end of a line.
function arrow([fromX, fromY], [x, y]) {
  const length = Math.hypot(x - fromX, y - fromY) || 1;
  const [dx, dy] = [(x - fromX) / length, (y - fromY) / length];
  const back = [x - 8 * dx, y - 8 * dy];
  return `M${x} ${y}L${back[0] - 4 * dy} ${back[1] + 4 * dx}L${back[0] + 4 * dy} ${back[1] - 4 * dx}Z`;
}
