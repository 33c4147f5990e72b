// The page of a job that waits or runs: previews cross-fade in the place of the photo, changes of state are said aloud, and the
// tab tells whoever looks at another one how far it is.

const { iconOf, titleOf } = globalThis.latent;
const said = document.querySelector("[data-announce]");
const icon = document.querySelector("link[rel=icon]");
const { named, done } = said.dataset;
const plain = icon.href;
const begun = document.querySelector("[data-job-status]")?.dataset.jobStatus;
let status = begun;
let shown = "";

async function showPreview() {
  const stage = document.querySelector("#stage[data-waiting]");
  const address = document.getElementById("live")?.dataset.preview;
  if (!stage || !address || address === shown) return;
  shown = address;
  const image = new Image();
  image.src = address;
  image.alt = stage.querySelector("[data-preview-alt]").textContent;
  try {
    await image.decode();
  } catch {
    return; // a newer one has taken its place
  }
  const plate = document.createElement("div");
  plate.className = "plate over";
  plate.append(image);
  const older = stage.querySelectorAll(".plate");
  stage.append(plate);
  plate.addEventListener("animationend", () => older.forEach((one) => one.remove()), { once: true });
}

function now() {
  const panel = document.querySelector("[data-job-status]");
  return document.getElementById("live")?.dataset.status ?? panel?.dataset.jobStatus;
}

function announce() {
  if (!now() || now() === status) return;
  status = now();
  said.textContent = document.querySelector("[data-job-status] .status-line")?.textContent ?? "";
  if (["succeeded", "failed"].includes(status)) notify();
}

function entitle() {
  if (begun === "succeeded") return; // that is how it was found
  const bar = document.querySelector("#live progress");
  const fraction = bar?.hasAttribute("value") ? bar.value : null;
  document.title = titleOf(named, now(), fraction, done) ?? document.title;
  icon.href = iconOf(now(), fraction) ?? plain;
}

// A notification, where the person has asked for it and looks elsewhere.

async function notify() {
  if (!document.hidden || globalThis.Notification?.permission !== "granted") return;
  const about = { body: said.textContent, icon: plain, tag: location.pathname, data: { url: location.href.split("#")[0] } };
  const worker = await navigator.serviceWorker?.getRegistration();
  if (worker) worker.showNotification(named, about);
  else new Notification(named, about);
}

function offerNotification() {
  const offer = document.querySelector("[data-notify]");
  if (offer) offer.hidden = globalThis.Notification?.permission !== "default" || !window.isSecureContext;
}

document.addEventListener("click", async (event) => {
  if (!event.target.closest("[data-notify]")) return;
  await Notification.requestPermission();
  offerNotification();
});

document.addEventListener("htmx:afterSettle", () => {
  showPreview();
  announce();
  entitle();
  offerNotification();
});
showPreview();
entitle();
offerNotification();
