// Photos by choosing, dropping anywhere or pasting. Each is sent at once, with a progress of its own.

const { addressAfter, filesTaken, isOfFolder, isTiny, isTooLarge, secondsUntilAgain, slotFor } = globalThis.latent;
const AT_ONCE = 3;
const form = document.querySelector("[data-drop], [data-job-form]");
const text = form.dataset;

// Sending

function send(file, onProgress, times = 0) {
  return new Promise((resolve, reject) => {
    if (isTooLarge(file.size, text.mostBytes)) return reject(new Error(text.textTooLarge));
    const request = new XMLHttpRequest(); // fetch does not tell how much of an upload has gone
    const body = new FormData();
    body.append("file", file, file.name || "pasted");
    request.open("POST", text.upload);
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("X-CSRFToken", form.querySelector("[name=csrfmiddlewaretoken]").value);
    request.responseType = "json";
    request.upload.onprogress = (event) => onProgress(event.loaded / (event.total || 1));
    request.onerror = request.onabort = () => reject(new Error(text.textLost));
    request.onload = () => {
      if (request.status === 201 && request.response) return resolve(request.response);
      const seconds = secondsUntilAgain(request.status, request.getResponseHeader("Retry-After"), times);
      if (seconds === null) return reject(new Error(request.response?.detail ?? text.textLost));
      setTimeout(() => send(file, onProgress, times + 1).then(resolve, reject), 1000 * seconds);
    };
    request.send(body);
  });
}

function row(list, file) {
  const item = document.querySelector("[data-upload-row]").content.cloneNode(true).firstElementChild;
  const said = item.querySelector(".upload-said");
  const bar = item.querySelector("progress");
  item.querySelector(".upload-name").textContent = file.name || "";
  bar.setAttribute("aria-label", `${said.textContent} ${file.name}`);
  list.append(item);
  return {
    item,
    progress(fraction) {
      bar.value = fraction;
      if (fraction === 1) said.textContent = text.textReading;
    },
    done() {
      said.textContent = text.textReady;
      bar.remove();
    },
    fail(sentence) {
      item.classList.add("failed");
      item.setAttribute("role", "alert");
      said.textContent = sentence;
      bar.remove();
    },
  };
}

// Sends files, a few at a time; what came of each, in their order, with null for one that failed.
async function sendAll(files, list) {
  const waiting = [...files].map((file, index) => ({ file, index, row: row(list, file) }));
  const received = new Array(waiting.length).fill(null);
  async function work(most = Infinity) {
    for (let done = 0, next; done < most && (next = waiting.shift()); done += 1) {
      try {
        received[next.index] = await send(next.file, next.row.progress);
        next.row.done();
      } catch (error) {
        next.row.fail(error.message);
      }
    }
  }
  document.body.classList.add("uploading");
  if ("stranger" in text && waiting.length > 1) {
    // The first answer brings the session: sent side by side, each photo would belong to a visitor of its own.
    delete text.stranger;
    await work(1);
  }
  await Promise.all(Array.from({ length: AT_ONCE }, () => work()));
  document.body.classList.remove("uploading");
  return received;
}

// Home: on to the question what should happen to them

async function start(files) {
  const list = form.querySelector("[data-uploads]");
  list.replaceChildren();
  const received = await sendAll(files, list);
  const photos = received.filter(Boolean);
  if (!photos.length) return;
  if (photos.length === received.length) goOn(photos);
  else {
    const on = document.createElement("button");
    on.type = "button";
    on.className = "button primary";
    on.textContent = text.textGoOn;
    on.addEventListener("click", () => goOn(photos));
    const item = document.createElement("li");
    item.append(on);
    list.append(item);
  }
}

// Any number of photos goes with a form, since an address holds only some.
function goOn(photos) {
  if (photos.length === 1 && !text.draft) {
    location.assign(addressAfter(photos[0], text.choose));
    return;
  }
  const chosen = document.createElement("form");
  chosen.method = "post";
  chosen.action = text.choose;
  chosen.hidden = true;
  chosen.append(form.querySelector("[name=csrfmiddlewaretoken]").cloneNode());
  const fields = photos.map((photo) => ["photo", photo.id]);
  if (text.draft) fields.push(["draft", text.draft]);
  for (const [name, value] of fields) {
    const input = document.createElement("input");
    input.name = name;
    input.value = value;
    chosen.append(input);
  }
  document.body.append(chosen);
  chosen.submit();
}

// A form: into a slot

async function fill(slot, files) {
  const list = slot.querySelector("[data-uploads]");
  const photos = slot.querySelector("[data-photos]");
  const [many, main] = ["many" in slot.dataset, "main" in slot.dataset];
  slot.querySelector("[data-slot-error]").textContent = "";
  list.replaceChildren();
  const received = (await sendAll(filesTaken(files, { many, main }), list)).filter(Boolean);
  for (const item of list.querySelectorAll(".upload:not(.failed)")) item.remove();
  if (!received.length) return;
  if (!many) photos.replaceChildren();
  photos.append(...received.map((photo) => photoElement(slot.dataset.slot, photo)));
  slot.classList.add("filled");
  changed();
}

function photoElement(name, photo) {
  const element = form.querySelector("[data-slot-photo]").content.cloneNode(true).firstElementChild;
  const input = element.querySelector("input");
  input.name = `slot-${name}`;
  input.value = photo.id;
  const kind = !photo.width ? "file" : photo.video ? "video" : "picture";
  for (const one of element.querySelectorAll("[data-shows]")) if (one.dataset.shows !== kind) one.remove();
  if (kind === "file") {
    element.querySelector("[data-shows]").textContent = photo.name;
    return element;
  }
  const shown = element.querySelector("video, img");
  shown.src = photo.url;
  shown.width = photo.width;
  shown.height = photo.height;
  if (kind === "picture") {
    shown.alt = photo.name;
    shown.parentElement.classList.toggle("tiny", isTiny(photo.width, photo.height));
  }
  return element;
}

function changed() {
  form.dispatchEvent(new CustomEvent("photos", { bubbles: true }));
}

function receive(files, target) {
  if (!files.length) return;
  if (text.choose) start(files);
  else {
    const slots = [...form.querySelectorAll("[data-slot]")].map((element) => ({
      element,
      name: element.dataset.slot,
      main: "main" in element.dataset,
      accept: element.querySelector("input[type=file]").accept,
    }));
    const slot = slotFor(files[0].name, slots, target?.closest?.("[data-slot]")?.dataset.slot);
    if (slot) fill(slot.element, files);
  }
}

// Choosing

form.addEventListener("change", (event) => {
  if (event.target.type !== "file") return;
  const files = [...event.target.files].filter((file) => isOfFolder(file.name));
  event.target.value = ""; // sent here, so not once more with the form
  receive(files, event.target);
});

form.addEventListener("click", (event) => {
  const button = event.target.closest("[data-clear]");
  if (!button) return;
  const slot = button.closest("[data-slot]");
  slot.querySelector("[data-photos]").replaceChildren();
  slot.classList.remove("filled");
  slot.querySelector("input[type=file]").focus();
  changed();
});

// Dropping: the whole window takes it

const veil = document.createElement("div");
veil.className = "veil";
veil.textContent = text.textDrop;
veil.setAttribute("aria-hidden", "true");
let depth = 0;

const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
const lower = () => {
  depth = 0;
  veil.remove();
};

window.addEventListener("dragenter", (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  depth += 1;
  if (depth === 1) document.body.append(veil);
});
window.addEventListener("dragleave", (event) => {
  if (carriesFiles(event) && --depth <= 0) lower();
});
window.addEventListener("dragover", (event) => {
  if (carriesFiles(event)) event.preventDefault();
});
window.addEventListener("drop", (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  lower();
  const under = document.elementFromPoint(event.clientX, event.clientY);
  filesOf(event.dataTransfer).then((files) => receive(files, under));
});

// What was dropped, folders with all that is in them. Entries are asked for at once: they are gone when the event is over.
async function filesOf(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some((entry) => entry.isDirectory)) return [...transfer.files];
  const found = (await Promise.all(entries.map(filesIn))).flat();
  return found.filter((file) => isOfFolder(file.name));
}

async function filesIn(entry) {
  if (entry.isFile) return [await new Promise((resolve, reject) => entry.file(resolve, reject))];
  const reader = entry.createReader();
  const found = [];
  for (let some; (some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject))).length; ) found.push(...some);
  return (await Promise.all(found.map(filesIn))).flat();
}

// Pasting

window.addEventListener("paste", (event) => {
  const files = [...(event.clipboardData?.files ?? [])];
  if (!files.length) return;
  event.preventDefault();
  receive(files, document.activeElement);
});
