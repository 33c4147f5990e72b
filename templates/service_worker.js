{% load static %}// Keeps the files that are the same for everybody, and a page for when there is no network: never a picture of somebody,
// nor a page that shows one.

const KEPT = "latent-1";
const OFFLINE = "{% url 'offline' %}";
const STATIC = "{% get_static_prefix %}";

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(KEPT).then((cache) => cache.add(OFFLINE)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const old = caches.keys().then((names) => Promise.all(names.filter((name) => name !== KEPT).map((name) => caches.delete(name))));
  event.waitUntil(old.then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const { method, mode, url } = event.request;
  const { origin, pathname } = new URL(url);
  if (method !== "GET" || origin !== location.origin) return;
  if (pathname.startsWith(STATIC)) event.respondWith(kept(event.request));
  else if (mode === "navigate") event.respondWith(fetch(event.request).catch(() => caches.match(OFFLINE)));
});

// Static files have a digest in their names: what is kept of one is that one.
async function kept(request) {
  const cache = await caches.open(KEPT);
  const found = await cache.match(request);
  if (found) return found;
  const answer = await fetch(request);
  if (answer.ok && answer.status === 200) cache.put(request, answer.clone());
  return answer;
}

// A tap on “it is done” leads to the tab of the job.
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const { url } = event.notification.data;
  event.waitUntil(
    self.clients.matchAll({ type: "window" }).then((tabs) => {
      const tab = tabs.find((one) => one.url.split("#")[0] === url);
      return tab ? tab.focus() : self.clients.openWindow(url);
    }),
  );
});
