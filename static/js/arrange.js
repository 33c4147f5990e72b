// The order of an album: by dragging, by the buttons, and by arrow keys on them. The page moves at once, the site is told.

const { neighbour } = globalThis.latent;
const row = document.querySelector("[data-arranged]");
const said = document.querySelector("[data-said]");
let dragged = null;

const items = () => [...row.children];

async function tell(item, fields) {
  const body = new FormData(item.querySelector("form"));
  for (const [name, value] of Object.entries(fields)) body.set(name, value);
  const answer = await fetch(item.querySelector("form").action, { method: "POST", body, redirect: "manual" });
  if (answer.type !== "opaqueredirect") location.reload(); // it was not taken
}

function announce(item) {
  const number = items().indexOf(item) + 1;
  said.textContent = said.dataset.said.replace("{number}", number).replace("{count}", items().length);
}

function step(item, way, focused) {
  const other = items()[neighbour(items().indexOf(item), items().length, way)];
  if (!other) return false;
  if (way === "later") other.after(item);
  else other.before(item);
  focused.focus();
  announce(item);
  tell(item, { do: way });
  return true;
}

row.addEventListener("submit", (event) => {
  const item = event.target.closest("[data-photo]");
  // At the end of what is shown there may be more on the next page: that step the site makes.
  if (step(item, event.submitter.value, event.submitter)) event.preventDefault();
});

row.addEventListener("keydown", (event) => {
  const way = { ArrowLeft: "earlier", ArrowUp: "earlier", ArrowRight: "later", ArrowDown: "later" }[event.key];
  if (!way || !event.target.matches("button")) return;
  event.preventDefault();
  step(event.target.closest("[data-photo]"), way, event.target);
});

row.addEventListener("dragstart", (event) => {
  dragged = event.target.closest("[data-photo]");
  event.dataTransfer.effectAllowed = "move";
  dragged.classList.add("dragged");
});
row.addEventListener("dragover", (event) => {
  const over = event.target.closest("[data-photo]");
  if (!dragged) return;
  event.preventDefault();
  if (!over || over === dragged) return;
  const box = over.getBoundingClientRect();
  if (event.clientX > (box.left + box.right) / 2) over.after(dragged);
  else over.before(dragged);
});
row.addEventListener("drop", (event) => event.preventDefault());
row.addEventListener("dragend", () => {
  dragged.classList.remove("dragged");
  announce(dragged);
  tell(dragged, { do: "place", before: dragged.nextElementSibling?.dataset.photo ?? "" });
  dragged = null;
});
