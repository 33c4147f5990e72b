// Links: copied, sent by the phone's own share sheet, and selected as soon as they are made.

async function copy(field) {
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    return true;
  } catch {
    return document.execCommand("copy"); // where there is no https there is no clipboard
  }
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy], [data-send]");
  if (!button) return;
  const field = document.getElementById(button.dataset.copy ?? button.dataset.send);
  if (button.dataset.send) {
    navigator.share({ url: field.value, title: button.dataset.title }).catch(() => {}); // put away unsent
    return;
  }
  if (await copy(field)) button.textContent = button.dataset.copied;
});

// Only where the device can; what is swapped in is looked at again.
async function ready() {
  for (const button of document.querySelectorAll("[data-send]")) button.hidden = !navigator.share;
  const made = document.querySelector("[data-just-made]");
  if (!made) return;
  made.removeAttribute("data-just-made");
  const button = document.querySelector(`[data-copy="${made.id}"]`);
  if (await copy(made)) button.textContent = button.dataset.copied;
}

document.addEventListener("htmx:afterSettle", ready);
ready();
