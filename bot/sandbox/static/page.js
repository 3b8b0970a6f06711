// Keeps the page as the server draws it: asks twice a second, changes only what is different, and sends
// what people do without leaving the page. Focus, typed text and scrolling stay where they are.
"use strict";

const PACE = 500;
let version = "", busy = 0, asked = 0, opener = null;

// -- drawing

function same(a, b) {
  return a.nodeType === b.nodeType && a.nodeName === b.nodeName && (a.id || "") === (b.id || "");
}

function morph(old, fresh) {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
    return;
  }
  if (old.hasAttribute("data-keep")) return;
  const typed = "value" in old && old.defaultValue !== undefined && old.value !== old.defaultValue;
  const kept = old.getAttribute("role") === "combobox" ? ["aria-expanded", "aria-activedescendant"] : [];
  for (const { name } of [...old.attributes])
    if (!fresh.hasAttribute(name) && !kept.includes(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes)
    if (old.getAttribute(name) !== value && !kept.includes(name)) old.setAttribute(name, value);
  if (old.nodeName === "TEXTAREA") {
    if (old.defaultValue !== fresh.defaultValue) old.defaultValue = fresh.defaultValue;
    if (!typed && old.value !== fresh.value) old.value = fresh.value;
    return;
  }
  children(old, fresh);
  if (old === document.activeElement || typed) return;
  if ((old.nodeName === "INPUT" || old.nodeName === "SELECT") && old.value !== fresh.value) old.value = fresh.value;
}

function children(old, fresh) {
  const wanted = [...fresh.childNodes], stay = new Set(wanted.map((each) => each.id).filter(Boolean));
  let at = old.firstChild;
  for (const each of wanted) {
    const found = each.id ? [...old.children].find((one) => same(one, each)) : at && same(at, each) ? at : null;
    if (!found) { old.insertBefore(each, at); continue; }
    // What goes is taken out, rather than what stays moved before it: a moved field loses the focus.
    while (found !== at && at && !stay.has(at.id)) { const next = at.nextSibling; at.remove(); at = next; }
    if (found === at) at = at.nextSibling;
    else old.insertBefore(found, at);
    morph(found, each);
  }
  while (at) { const next = at.nextSibling; at.remove(); at = next; }
}

function draw(text) {
  const fresh = new DOMParser().parseFromString(text, "text/html");
  const lists = [...document.querySelectorAll("[data-stick]")];
  const focused = document.activeElement;
  const near = focused.closest("[role=log], .home") || focused.closest("section")?.querySelector("[role=log]");
  const low = new Set(lists.filter((each) => each.scrollHeight - each.scrollTop - each.clientHeight < 60)
    .map((each) => each.dataset.stick));
  const had = new Set(lists.map((each) => each.dataset.stick));
  document.title = fresh.title;
  morph(document.querySelector(".top"), fresh.querySelector(".top"));
  morph(document.querySelector("main"), fresh.querySelector("main"));
  for (const each of document.querySelectorAll("[data-stick]"))
    if (low.has(each.dataset.stick) || !had.has(each.dataset.stick)) each.scrollTop = each.scrollHeight;
  windows();
  news();
  if (!focused.isConnected && document.activeElement === document.body) // what was pressed is gone: nearby, then
    (document.querySelector("dialog") ? first(document.querySelector("dialog")) : near)?.focus();
}

const first = (dialog) =>
  dialog.querySelector(".fill input, .fill textarea, .fill select") || dialog.querySelector("footer button");

function windows() {
  if (opener && !document.querySelector("dialog")) { // a window that is gone gives the focus back
    if (opener.isConnected) opener.focus();
    opener = null;
  }
  for (const each of document.querySelectorAll("dialog:not(:modal)")) {
    opener ??= document.activeElement;
    each.close();
    each.showModal();
    each.addEventListener("cancel", (event) => { event.preventDefault(); each.querySelector("button.close").click(); });
    first(each).focus();
  }
}

function news() { // a dot where direct messages came that this tab has not shown
  const shown = document.querySelector(".slack [data-news][aria-current]");
  if (shown) sessionStorage.setItem(shown.dataset.news, shown.dataset.count);
  for (const each of document.querySelectorAll("[data-news]"))
    each.classList.toggle("news", Number(each.dataset.count) > Number(sessionStorage.getItem(each.dataset.news) || 0));
}

// -- asking

async function refresh(url = location.href, options = {}) {
  const mine = ++asked;
  try {
    const answer = await fetch(url, { ...options, headers: { "X-Version": version } });
    if (!answer.ok) throw new Error(answer.status);
    document.querySelector("#gone").hidden = true;
    if (answer.status === 204 || mine !== asked) return;
    const text = await answer.text();
    if (mine !== asked) return;
    version = answer.headers.get("X-Version");
    if (answer.url !== location.href) history.replaceState(null, "", answer.url);
    draw(text);
  } catch (fault) {
    document.querySelector("#gone").hidden = false;
  }
}

// What was submitted and is not answered yet is not submitted again: what is drawn may be gone behind it.
const waiting = (form) => form.querySelector("button[name=submit].primary");

async function send(form, more) {
  const body = new URLSearchParams(new FormData(form));
  for (const [name, value] of more) body.append(name, value);
  busy += 1;
  if (body.has("submit")) waiting(form)?.setAttribute("aria-busy", "true");
  try { await refresh(form.action, { method: "POST", body }); } finally { busy -= 1; version = ""; }
  if (body.has("submit")) document.querySelector(".wrong :is(input, textarea, select)")?.focus();
}

setInterval(() => { if (!busy && !document.hidden) refresh(); }, PACE);

// -- what people do

document.addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.target, by = event.submitter;
  if (by && by.name === "submit" && waiting(form)?.ariaBusy) return;
  send(form, by && by.name ? [[by.name, by.value]] : []);
  if (form.classList.contains("composer")) for (const each of form.querySelectorAll("input:not([type=hidden])")) each.value = "";
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("a");
  if (!link) return;
  if (link.dataset.press) send(link.closest("form"), [["press", link.dataset.press]]);
  else if (link.getAttribute("href").startsWith("?") && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    history.pushState(null, "", link.href);
    version = "";
    refresh();
  }
});

addEventListener("popstate", () => { version = ""; refresh(); });

document.addEventListener("change", (event) => {
  const field = event.target;
  if ("choose" in field.dataset) send(field.form, [["choose", field.name], ["kind", field.dataset.choose]]);
});

document.addEventListener("keydown", (event) => {
  const field = event.target;
  if (event.key === "Enter" && "enter" in field.dataset) {
    event.preventDefault();
    send(field.form, [["enter", field.name]]);
  } else if (field.getAttribute && field.getAttribute("role") === "combobox") steer(event, field);
});

// -- selects whose options come from the bot

const listOf = (field) => document.getElementById(field.getAttribute("aria-controls"));

function open(field, is) {
  listOf(field).hidden = !is;
  field.setAttribute("aria-expanded", is);
  if (!is) field.removeAttribute("aria-activedescendant");
}

async function offer(field) {
  const typed = field.value === field.defaultValue ? "" : field.value;
  const mine = ++offers;
  if (typed.length < Number(field.dataset.least)) return open(field, false);
  const body = new URLSearchParams({ in: field.form.elements.in.value, field: field.id, typed });
  const answer = await fetch(field.form.action.replace(/do(\?|$)/, "search$1"), { method: "POST", body });
  const found = new DOMParser().parseFromString(answer.ok ? await answer.text() : "", "text/html");
  if (mine !== offers || field !== document.activeElement) return;
  listOf(field).replaceChildren(...found.body.children);
  open(field, true);
  mark(field, listOf(field).querySelector("[role=option]"));
}

function mark(field, option) {
  for (const each of listOf(field).querySelectorAll("[role=option]")) each.setAttribute("aria-selected", each === option);
  if (!option) return;
  field.setAttribute("aria-activedescendant", option.id);
  option.scrollIntoView({ block: "nearest" });
}

function steer(event, field) {
  const options = [...listOf(field).querySelectorAll("[role=option]")];
  const at = options.findIndex((each) => each.getAttribute("aria-selected") === "true");
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    if (listOf(field).hidden) return offer(field);
    mark(field, options[(at + (event.key === "ArrowDown" ? 1 : -1) + options.length) % options.length]);
  } else if (event.key === "Enter") {
    event.preventDefault();
    if (options[at] && !listOf(field).hidden) pick(field, options[at]);
  } else if (event.key === "Escape" && !listOf(field).hidden) {
    event.preventDefault();
    event.stopPropagation();
    open(field, false);
  }
}

function pick(field, option) {
  offers += 1;
  clearTimeout(typing);
  open(field, false);
  field.value = field.defaultValue = option.querySelector("b").textContent;
  send(field.form, [["choose", field.id], [field.id, option.dataset.value]]);
}

let typing = 0, offers = 0;
const isCombo = (node) => node.getAttribute && node.getAttribute("role") === "combobox";
document.addEventListener("input", (event) => {
  if (!isCombo(event.target)) return;
  offers += 1; // what was found for other letters is nothing to choose from any more
  open(event.target, false);
  clearTimeout(typing);
  typing = setTimeout(() => offer(event.target), 150);
});
document.addEventListener("focusin", (event) => { if (isCombo(event.target) && !event.target.value) offer(event.target); });
document.addEventListener("focusout", (event) => {
  if (!isCombo(event.target)) return;
  open(event.target, false);
  event.target.value = event.target.defaultValue; // what is chosen, not what was looked for
});
document.addEventListener("mousedown", (event) => {
  const option = event.target.closest("[role=option]");
  if (!option) return;
  event.preventDefault();
  pick(option.closest(".combo").querySelector("input"), option);
});

for (const each of document.querySelectorAll("[data-stick]")) each.scrollTop = each.scrollHeight;
windows();
news();
