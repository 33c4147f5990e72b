// The page of a job that waits or runs: previews cross-fade in the place of the photo, changes of state are said aloud.

let status = document.querySelector("[data-job-status]")?.dataset.jobStatus;
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

function announce() {
  const live = document.getElementById("live");
  const panel = document.querySelector("[data-job-status]");
  const now = live?.dataset.status ?? panel?.dataset.jobStatus;
  if (!now || now === status) return;
  status = now;
  const words = panel.querySelector(".status-line")?.textContent ?? "";
  document.querySelector("[data-announce]").textContent = words;
}

// The tab says how far the job is, for whoever looks at another one.
const named = document.title;
function entitle() {
  const bar = document.querySelector("#live progress");
  if (bar?.hasAttribute("value")) document.title = `${Math.round(100 * bar.value)} % · ${named}`;
}

document.addEventListener("htmx:afterSettle", () => {
  showPreview();
  announce();
  entitle();
});
showPreview();
entitle();
