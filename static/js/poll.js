// Asks for what has a data-poll again after so many milliseconds, and at once when the tab is back. While it is hidden only
// what has a data-poll-hidden is asked for, seldom.

const { FIRST, delayBeforeAsking } = globalThis.latent;
const timers = new Map();
let failures = 0;

function ask(id) {
  timers.delete(id);
  const element = document.getElementById(id);
  if (element && (!document.hidden || "pollHidden" in element.dataset)) window.htmx.trigger(element, "poll");
}

function schedule(element, delay) {
  clearTimeout(timers.get(element.id));
  timers.set(element.id, setTimeout(ask, delayBeforeAsking(delay, failures, document.hidden), element.id));
}

function polled(root) {
  return [...(root.matches?.("[data-poll]") ? [root] : []), ...root.querySelectorAll("[data-poll]")];
}

function askAll() {
  if (document.hidden) {
    for (const element of polled(document)) schedule(element, Number(element.dataset.poll));
    return;
  }
  failures = 0;
  for (const element of polled(document)) ask(element.id);
}

document.addEventListener("htmx:load", (event) => {
  for (const element of polled(event.detail.elt)) schedule(element, FIRST);
});

document.addEventListener("htmx:afterRequest", (event) => {
  if (!event.detail.elt.matches?.("[data-poll]")) return;
  if (event.detail.xhr.status === 404) {
    location.reload(); // it was deleted elsewhere
    return;
  }
  failures = event.detail.successful ? 0 : failures + 1;
  // What was swapped has gone from the page; what took its place carries the same id.
  const element = document.getElementById(event.detail.elt.id);
  if (element?.matches("[data-poll]")) schedule(element, Number(element.dataset.poll));
});

document.addEventListener("visibilitychange", askAll);
window.addEventListener("online", askAll);
window.addEventListener("pageshow", (event) => event.persisted && askAll());
