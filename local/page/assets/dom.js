// Elements and numbers. Every text of data becomes text of a node: nothing here, or in the other files, parses markup.

const $ = (id) => document.getElementById(id);

// make returns an element with these properties and children, which are nodes or texts.
function make(name, properties, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties || {})) {
    if (key === "class") element.className = value;
    else if (key === "on") element.addEventListener("click", value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value !== undefined) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

// say sets the text of an element when it has changed.
function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

const whole = new Intl.NumberFormat("en-GB");
const tenth = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 1 });

const number = (n) => whole.format(n);
const count = (n, one, more) => `${number(n)} ${n === 1 ? one : more || one + "s"}`;

function bytes(n) {
  for (const unit of ["bytes", "KiB", "MiB"]) {
    if (n < 1024) return `${unit === "bytes" ? n : tenth.format(n)} ${unit}`;
    n /= 1024;
  }
  return `${tenth.format(n)} GiB`;
}

function seconds(s) {
  if (s < 10) return `${tenth.format(s)} s`;
  if (s < 120) return `${Math.round(s)} s`;
  const rest = Math.round(s) % 60;
  return `${Math.floor(Math.round(s) / 60)} min${rest ? ` ${rest} s` : ""}`;
}

// facts returns a list of names and values, without those that have none.
function facts(pairs) {
  const list = make("dl", { class: "facts" });
  for (const [name, value] of pairs) {
    if (value) list.append(make("dt", null, name), make("dd", null, value));
  }
  return list;
}

// scrolling returns a box that scrolls sideways and can be reached by keyboard.
function scrolling(label, child) {
  return make("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": label }, child);
}

// announce says something to screen readers, politely.
function announce(text) {
  say($("announce"), text);
}
