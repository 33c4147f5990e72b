// The library by keyboard, and many photos chosen at once: by Shift from one to another, all, none.

const { nextOnWall } = globalThis.latent;
const selection = document.querySelector("[data-selection]");
const help = document.getElementById("help");
let last = null; // the tick that was changed last

const tiles = () => [...document.querySelectorAll(".tile.photo")];
const tick = (tile) => tile.querySelector("[name=photo]");
const here = () => document.activeElement?.closest(".tile.photo");

function changed() {
  const count = document.querySelectorAll("[form=selection]:checked").length;
  const said = selection.querySelector("[data-count]");
  const [one, many] = said.dataset.count.split("|");
  said.textContent = count === 0 ? "" : count === 1 ? one : many.replace("{count}", count);
}

function choose(box, on) {
  box.checked = on;
  box.dispatchEvent(new Event("change", { bubbles: true }));
}

function chooseBetween(box) {
  const boxes = tiles().map(tick);
  const [from, to] = [boxes.indexOf(last), boxes.indexOf(box)].sort((a, b) => a - b);
  if (from >= 0) for (const one of boxes.slice(from, to + 1)) one.checked = box.checked;
  changed();
}

function send(tile, what) {
  if (!document.querySelector("[form=selection]:checked")) choose(tick(tile), true);
  selection.querySelector(`[name=do][value="${what}"]`)?.click();
}

const KEYS = {
  x: (tile, event) => {
    const box = tick(tile);
    choose(box, !box.checked);
    if (event.shiftKey && last) chooseBetween(box);
    last = box;
  },
  f: (tile) => send(tile, "favourite"),
  Delete: (tile) => send(tile, "trash"),
};

function move(key) {
  const all = tiles();
  const boxes = all.map((tile) => tile.getBoundingClientRect());
  const next = nextOnWall(boxes, all.indexOf(here()), key);
  if (next === null) return false;
  all[next].querySelector("a").focus();
  return true;
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input:not([type=checkbox]), select, textarea, dialog")) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (key === "?" && help) help.showModal();
  else if (key === "Escape") for (const box of tiles().map(tick)) choose(box, false);
  else if (key.startsWith("Arrow") && move(key)) event.preventDefault();
  else if (KEYS[key] && here()) {
    event.preventDefault();
    KEYS[key](here(), event);
  }
}

if (selection) {
  document.addEventListener("keydown", pressed);
  document.addEventListener("click", (event) => {
    const box = event.target.closest?.(".tile.photo [name=photo]");
    if (!box) return;
    if (event.shiftKey && last) chooseBetween(box);
    last = box;
  });
  document.addEventListener("change", changed);
  window.addEventListener("pageshow", changed);
  const all = (on) => tiles().forEach((tile) => choose(tick(tile), on));
  selection.querySelector("[data-all]").addEventListener("click", () => all(true));
  selection.querySelector("[data-none]").addEventListener("click", () => all(false));
  changed();
}
