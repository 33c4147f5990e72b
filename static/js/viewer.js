// A result on its stage: original and result with a split between them, zoom and pan that stay when switching.

const { areAlike, between, percentAt, placed, stepOf, zoomedAround } = globalThis.latent;
const calm = matchMedia("(prefers-reduced-motion: reduce)");

class Viewer {
  constructor(stage) {
    this.stage = stage;
    this.box = stage.querySelector(".viewer");
    this.split = stage.querySelector(".split");
    this.before = stage.querySelector(".layer.before");
    this.afters = [...stage.querySelectorAll(".layer.after")];
    this.mode = this.before ? stage.dataset.begins : "after";
    this.value = 50;
    this.zoom = 1;
    this.x = this.y = 0; // of the picture's centre from the box's, in CSS pixels
    this.pointers = new Map();
    stage.dataset.ready = "";
    this.box.addEventListener("pointerdown", (event) => this.press(event));
    this.box.addEventListener("pointermove", (event) => this.move(event));
    for (const name of ["pointerup", "pointercancel"])
      this.box.addEventListener(name, (event) => this.release(event));
    this.box.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.box.addEventListener("dblclick", (event) => this.doubleClick(event));
    this.box.addEventListener("keydown", (event) => this.key(event));
    stage.addEventListener("click", (event) => this.click(event));
    new ResizeObserver(() => this.layout()).observe(this.box);
    this.choose(this.afters[0]);
    if ("arrives" in stage.dataset) this.develop();
  }

  // Which picture

  choose(layer) {
    this.after = layer;
    for (const one of this.afters) one.classList.toggle("off", one !== layer);
    for (const button of this.stage.querySelectorAll("[data-pick]"))
      button.setAttribute("aria-pressed", button.dataset.pick === layer.dataset.output);
    const video = layer.querySelector("video");
    for (const one of this.stage.querySelectorAll("video")) if (one !== video) one.pause();
    this.comparable = Boolean(this.before) && !video && this.alike();
    if (this.mode === "compare" && !this.comparable) this.show("after");
    else this.show(this.mode === "after" && this.comparable && this.wanted === "compare" ? "compare" : this.mode);
    const field = document.querySelector("[data-chosen-output]");
    if (field) field.value = layer.dataset.output;
  }

  alike() {
    return areAlike(this.image(this.after), this.image(this.before));
  }

  image(layer) {
    const image = layer.querySelector("img");
    return { width: Number(image?.getAttribute("width")) || 16, height: Number(image?.getAttribute("height")) || 9 };
  }

  show(mode) {
    this.mode = mode;
    this.stage.dataset.mode = mode;
    for (const button of this.stage.querySelectorAll("[data-show]")) {
      button.setAttribute("aria-pressed", button.dataset.show === mode);
      if (button.dataset.show === "compare") button.hidden = !this.comparable;
    }
    this.layout();
  }

  // Where it is

  layout() {
    const { clientWidth: width, clientHeight: height } = this.box;
    if (!width || !height) return;
    const picture = this.image(this.mode === "before" ? this.before : this.after);
    const place = placed({ width, height }, picture, this);
    for (const name of ["fit", "deepest", "zoom", "x", "y"]) this[name] = place[name];
    this.seen = [place.seenLeft, place.seenRight];
    const set = (name, value) => this.box.style.setProperty(name, `${value}px`);
    set("--w", place.width);
    set("--h", place.height);
    set("--x", place.left);
    set("--y", place.top);
    set("--seen-left", place.seenLeft);
    set("--seen-right", width - place.seenRight);
    set("--seen-top", place.seenTop);
    set("--seen-height", place.seenBottom - place.seenTop);
    this.box.classList.toggle("zoomed", this.zoom > 1.001);
    this.box.classList.toggle("grains", this.fit * this.zoom > 3);
    this.place();
    this.sharpen(place.width);
  }

  place() {
    const [left, right] = this.seen;
    this.box.style.setProperty("--split", `${left + ((right - left) * this.value) / 100}px`);
    if (!this.split) return;
    const count = Math.round(this.value);
    this.split.setAttribute("aria-valuenow", count);
    this.split.setAttribute("aria-valuetext", this.split.dataset.text.replace("{count}", count));
  }

  // The full file, once the copy shown has fewer pixels than the screen.
  sharpen(width) {
    for (const layer of [this.after, this.before]) {
      const image = layer?.querySelector("img");
      if (!image?.complete || image.naturalWidth === 0 || image.getAttribute("src") === image.dataset.full) continue;
      if (image.naturalWidth < width * devicePixelRatio) image.src = image.dataset.full;
    }
  }

  to(value) {
    this.value = between(0, value, 100);
    this.place();
  }

  // Zooms while what is under a point of the page stays there.
  zoomTo(zoom, at) {
    const box = this.box.getBoundingClientRect();
    const point = at ? [at.x - box.left - box.width / 2, at.y - box.top - box.height / 2] : [0, 0];
    Object.assign(this, zoomedAround(this, zoom, this.deepest, point));
    this.layout();
  }

  full() {
    return 1 / (this.fit * devicePixelRatio);
  }

  // Pointers

  press(event) {
    if (event.button || event.target.closest("video")) return;
    this.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    this.box.setPointerCapture(event.pointerId);
    const onSplit = event.target.closest(".split");
    const compares = this.mode === "compare";
    this.gesture = this.pointers.size > 1 ? "pinch" : onSplit || (compares && this.zoom <= 1.001) ? "split" : "pan";
    if (this.gesture === "split") {
      this.split.focus({ preventScroll: true, focusVisible: false });
      this.follow(event);
    }
    this.stopSettling();
  }

  move(event) {
    const last = this.pointers.get(event.pointerId);
    if (!last) return;
    const now = { x: event.clientX, y: event.clientY };
    if (this.gesture === "pinch") {
      const [other] = [...this.pointers].filter(([id]) => id !== event.pointerId).map(([, point]) => point);
      if (other) {
        const distance = (point) => Math.hypot(point.x - other.x, point.y - other.y) || 1;
        this.zoomTo((this.zoom * distance(now)) / distance(last), {
          x: (now.x + other.x) / 2,
          y: (now.y + other.y) / 2,
        });
      }
    } else if (this.gesture === "split") {
      this.follow(event);
    } else {
      this.x += now.x - last.x;
      this.y += now.y - last.y;
      this.layout();
    }
    this.pointers.set(event.pointerId, now);
  }

  release(event) {
    this.pointers.delete(event.pointerId);
    if (this.pointers.size === 0) this.gesture = null;
    else this.gesture = "pan";
  }

  follow(event) {
    this.to(percentAt(event.clientX - this.box.getBoundingClientRect().left, this.seen));
  }

  wheel(event) {
    if (!event.ctrlKey && !event.metaKey) return; // without a key it scrolls the page
    event.preventDefault();
    this.zoomTo(this.zoom * Math.exp(-event.deltaY / 200), { x: event.clientX, y: event.clientY });
  }

  doubleClick(event) {
    if (event.target.closest(".split, video")) return;
    const close = Math.max(2, this.full());
    this.zoomTo(this.zoom > 1.001 ? 1 : close, { x: event.clientX, y: event.clientY });
  }

  key(event) {
    if (event.target !== this.split || event.altKey || event.ctrlKey || event.metaKey) return;
    const step = stepOf(event.key);
    if (event.shiftKey && this.zoom > 1.001 && event.key.startsWith("Arrow")) {
      this.x += { ArrowLeft: 60, ArrowRight: -60 }[event.key] ?? 0;
      this.y += { ArrowUp: 60, ArrowDown: -60 }[event.key] ?? 0;
      this.layout();
    } else if (step) this.to(this.value + step);
    else if (event.key === "Home") this.to(0);
    else if (event.key === "End") this.to(100);
    else if (event.key === "+" || event.key === "=") this.zoomTo(this.zoom * 1.5);
    else if (event.key === "-") this.zoomTo(this.zoom / 1.5);
    else if (event.key === "0") this.zoomTo(1);
    else return;
    this.stopSettling();
    event.preventDefault();
  }

  click(event) {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.pick)
      this.choose(this.afters.find((layer) => layer.dataset.output === button.dataset.pick));
    if (button.dataset.show) {
      this.wanted = button.dataset.show;
      this.show(button.dataset.show);
    }
    const zoom = { in: this.zoom * 1.5, out: this.zoom / 1.5, fit: 1, full: this.full() }[button.dataset.zoom];
    if (zoom) this.zoomTo(zoom);
  }

  // The moment when it arrives

  async develop() {
    const image = this.after.querySelector("img");
    if (calm.matches || !image) return;
    this.stage.classList.add("arriving");
    try {
      await image.decode();
    } catch {
      // It is shown as soon as it is there.
    }
    this.stage.classList.replace("arriving", "developing");
    image.addEventListener("animationend", () => {
      this.stage.classList.remove("developing");
      if (this.mode === "compare") this.settle();
    }, { once: true });
  }

  settle() {
    const begun = performance.now();
    const step = (now) => {
      const t = Math.min(1, (now - begun) / 500);
      this.to(50 * (1 - (1 - t) ** 3));
      if (t < 1) this.settling = requestAnimationFrame(step);
    };
    this.to(0);
    this.settling = requestAnimationFrame(step);
  }

  stopSettling() {
    cancelAnimationFrame(this.settling);
  }
}

function begin() {
  for (const stage of document.querySelectorAll("[data-viewer]:not([data-ready])"))
    if (stage.querySelector(".viewer")) new Viewer(stage);
}

document.addEventListener("htmx:afterSettle", begin);
document.addEventListener("htmx:oobAfterSwap", begin);
begin();
