// The files of the run, with their first rows.

const areas = [["lake", "Lake"], ["source", "As received"], ["errors", "Errors"], ["index", "Index documents"]];
const view = { area: "", after: [""], more: false };

function makeFiles() {
  for (const [area, title] of areas) {
    $("areas").append(make("button", { type: "button", "aria-pressed": "false", id: `area-${area}`,
      on: () => openArea(area) }, title));
  }
}

async function openArea(area) {
  view.area = area;
  view.after = [""];
  for (const [name] of areas) $(`area-${name}`).setAttribute("aria-pressed", String(name === area));
  $("rows").replaceChildren();
  await listArea(true);
}

const areaTitle = () => areas.find(([name]) => name === view.area)[1];

// listArea shows the page of files that view.after ends in.
async function listArea(loud) {
  const area = view.area;
  const found = await page.source.files(area, view.after[view.after.length - 1]);
  if (area !== view.area) return; // another one was opened meanwhile
  const body = make("tbody", null, ...found.files.map((file) => make("tr", null,
    make("td", { class: "key" }, file.shown), make("td", { class: "number" }, bytes(file.size)),
    make("td", null, file.modified || ""),
    make("td", null, rowsButton(area, file)))));
  const table = make("table", null, make("caption", null, `${areaTitle()}: ${count(found.files.length, "file")} here`),
    make("thead", null, make("tr", null, make("th", { scope: "col" }, "Name"),
      make("th", { scope: "col", class: "number" }, "Size"), make("th", { scope: "col" }, "Written"),
      make("th", { scope: "col" }, "Content"))), body);
  const turn = (label, step) => make("button", { type: "button", class: "small", on: step }, label);
  const pager = make("div", { class: "row" });
  if (view.after.length > 1) {
    pager.append(turn("Previous files", () => { view.after.pop(); listArea(true); }));
  }
  if (found.more) {
    const last = found.files[found.files.length - 1].key;
    pager.append(turn("Next files", () => { view.after.push(last); listArea(true); }));
  }
  $("files").replaceChildren(found.files.length ? scrolling(`Files: ${areaTitle()}`, table)
    : make("p", { class: "quiet" }, "No files yet: buffers are delivered when they are full or their time is over."),
  found.note ? make("p", { class: "quiet" }, found.note) : "", pager);
  if (loud) announce(`${areaTitle()}: ${count(found.files.length, "file")}`);
}

function rowsButton(area, file) {
  if (!page.source.hasRows(area, file.key)) return "";
  return make("button", { type: "button", class: "small", on: () => openRows(area, file, 0) }, "Rows",
    make("span", { class: "hidden" }, ` of ${file.shown}`));
}

// refreshFiles lists the open area again when it has changed, unless somebody is at work in the list.
let shownObjects = "";
function refreshFiles(state) {
  const now = JSON.stringify([state.objects, state.indices.length]);
  const inUse = view.after.length > 1 || $("files").contains(document.activeElement);
  if (!view.area || now === shownObjects || inUse) return;
  shownObjects = now;
  listArea(false).catch(showProblem);
}

async function openRows(area, file, from) {
  const found = await page.source.rows(area, file.key, from);
  const title = make("h3", { tabindex: "-1" }, file.shown);
  const last = from + (found.rows || found.lines || []).length;
  const pager = make("div", { class: "row" });
  const turn = (label, to) => pager.append(make("button", { type: "button", class: "small",
    on: () => openRows(area, file, to) }, label));
  if (from > 0) turn("First rows", 0);
  if (found.more && page.live) turn("Next rows", last);
  const content = found.columns ? rowTable(found, file.shown) : lineList(found);
  $("rows").replaceChildren(title, make("p", { class: "quiet" },
    last > from ? `Rows ${number(from + 1)} to ${number(last)}${found.more ? ", of more" : ""}` : "No rows"),
  content, pager);
  title.focus();
}

function rowTable(found, name) {
  const head = make("tr", null, ...found.columns.map((column) => make("th", { scope: "col" }, column.name,
    make("br"), make("span", { class: "quiet" }, column.type))));
  const cells = (row) => row.map((text) => make("td", { class: "cell" }, text));
  const rows = (found.rows || []).map((row) => make("tr", null, ...cells(row)));
  return scrolling(`Rows of ${name}`, make("table", null, make("caption", { class: "hidden" }, `Rows of ${name}`),
    make("thead", null, head), make("tbody", null, ...rows)));
}

function lineList(found) {
  return make("ol", { class: "letters", start: String(found.from + 1) }, ...(found.lines || []).map((line) =>
    make("li", null, make("code", null, line))));
}
