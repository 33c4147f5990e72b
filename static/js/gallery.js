// The colour that held a picture's place goes once the picture is there: it would shine through what is transparent.
function here(image) {
  if (image.complete && image.naturalWidth) image.parentElement.classList.add("here");
}
document.querySelectorAll(".picture > img").forEach(here);
document.addEventListener("load", (event) => event.target.matches?.(".picture > img") && here(event.target), true);

// The wall: what can be done with the ticked ones shows once something is ticked.

const selection = document.querySelector("[data-selection]");

function count() {
  const ticked = document.querySelectorAll("[form=selection]:checked").length;
  selection.classList.toggle("some", ticked > 0);
  const shown = selection.querySelector("[data-count-of]");
  if (shown) shown.textContent = ticked;
}

if (selection) {
  document.addEventListener("change", count);
  window.addEventListener("pageshow", count);
  count();
}

for (const choice of document.querySelectorAll("[data-submits]"))
  choice.addEventListener("change", (event) => event.target.form.requestSubmit());
