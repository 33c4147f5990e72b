// The form of an operation: sliders and their numbers move together, what does not matter is put away, the cost is kept true.

const { isMet, jobsOf } = globalThis.latent;
const form = document.querySelector("[data-job-form]");
const start = form.querySelector("[data-start]");
let timer;

function tellCost() {
  clearTimeout(timer);
  timer = setTimeout(() => window.htmx.trigger("#cost", "cost"), 250);
}

function value(name) {
  const field = form.elements[name];
  return field instanceof RadioNodeList ? field.value : field?.type === "checkbox" ? String(field.checked) : field?.value;
}

function putAway() {
  for (const field of form.querySelectorAll("[data-when]")) {
    const matters = isMet(field.dataset.when, value);
    field.hidden = !matters;
    for (const control of field.querySelectorAll("input, select")) control.disabled = !matters;
  }
}

function countJobs() {
  const slot = form.querySelector("[data-main]");
  const photos = slot?.querySelectorAll("[data-photo]").length ?? 0;
  const jobs = jobsOf(photos, !slot || "many" in slot.dataset);
  if (start.dataset.one) start.textContent = jobs > 1 ? start.dataset.several.replace("{count}", jobs) : start.dataset.one;
}

form.addEventListener("input", (event) => {
  const slider = event.target.closest("[data-field]")?.querySelector("[data-slider]");
  const number = event.target.closest("[data-field]")?.querySelector(".number");
  if (slider && event.target === slider) number.value = slider.value;
  else if (slider && number.value !== "") slider.value = number.value;
  putAway();
  tellCost();
});

form.addEventListener("photos", () => {
  countJobs();
  tellCost();
});

form.addEventListener("submit", () => {
  // After the form has been read: a disabled button would not hinder it, but a second press must not send it twice.
  setTimeout(() => (start.disabled = true));
});
window.addEventListener("pageshow", () => (start.disabled = "barred" in start.dataset));

putAway();
