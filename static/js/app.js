// What every page does: the service worker, which keeps static files and nothing of anybody.

if (navigator.serviceWorker && window.isSecureContext) navigator.serviceWorker.register("/service-worker.js").catch(() => {});
