// Any two pictures of a stage against each other: a slider, side by side, in turns, their difference; zoom and pan are one's
// for both. Left is called before and right after in the stylesheet.

const {
  between, centredOn, isEnlargement, modeOf, modesFor, panesOf, partSeen, percentAt, percentOf, pixelAt, placed, sidesAfter,
  sizeOf, zoomOfDetail, zoomedAround,
} = globalThis.latent;
const { colorAt, detailOf } = globalThis.latentPixels;
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const TURN = 700; // milliseconds of each picture: slower than what may harm (three flashes a second)

class Viewer {
  constructor(stage) {
    this.stage = stage;
    this.box = stage.querySelector(".viewer");
    this.split = stage.querySelector(".split");
    this.overview = stage.querySelector("[data-overview]");
    this.layers = new Map([...stage.querySelectorAll(".layer")].map((layer) => [layer.dataset.picture, layer]));
    this.sides = { left: stage.dataset.left, right: stage.dataset.right };
    this.value = 50;
    this.zoom = 1;
    this.x = this.y = 0; // of the picture's centre from the pane's, in CSS pixels
    this.films = stage.querySelector("video") ? globalThis.latentFilms(stage) : null;
    stage.dataset.ready = "";
    this.listen();
    this.see();
    this.openOnDetail();
    if ("arrives" in stage.dataset) this.develop();
  }

  listen() {
    globalThis.latentHand(this);
    this.stage.addEventListener("click", (event) => this.click(event));
    this.stage.addEventListener("change", (event) => this.changed(event));
    document.addEventListener("fullscreenchange", () => this.screenChanged());
    for (const name of ["pointerdown", "pointermove"]) this.overview.addEventListener(name, (event) => this.goTo(event));
    new ResizeObserver(() => this.layout()).observe(this.box);
  }

  // Which pictures

  get before() {
    return this.layers.get(this.sides.left);
  }

  get after() {
    return this.layers.get(this.sides.right);
  }

  choose(side, id) {
    this.sides = sidesAfter(this.sides, side, id);
    this.see();
  }

  see() {
    for (const layer of this.layers.values()) {
      layer.classList.toggle("before", layer === this.before);
      layer.classList.toggle("after", layer === this.after);
      layer.classList.toggle("off", layer !== this.before && layer !== this.after);
      for (const image of layer.querySelectorAll("img"))
        if (!layer.classList.contains("off")) image.loading = "eager";
    }
    this.nameSide("left", "before", this.before);
    this.nameSide("right", "after", this.after);
    for (const button of this.stage.querySelectorAll("[data-pick]"))
      button.setAttribute("aria-pressed", button.dataset.pick === this.sides.right);
    const chosen = document.querySelector("[data-chosen-output]");
    if (chosen && this.after.dataset.shows) chosen.value = this.sides.right;
    this.overview.querySelector("img").src = this.after.dataset.small;
    this.modes = modesFor(this.before && this.facts(this.before), this.facts(this.after));
    this.films?.(this.film(this.before), this.film(this.after));
    this.show(modeOf(this.modes, this.wanted));
  }

  // In its corner, where it is chosen, and on what shows it alone.
  nameSide(side, mode, layer) {
    if (!layer) return;
    const title = layer.dataset.title;
    const select = this.stage.querySelector(`[data-side=${side}]`);
    if (select) select.value = layer.dataset.picture;
    else this.stage.querySelector(`[data-side-name=${side}]`).textContent = title;
    if (this.layers.size > 2) return; // there titles are long, and the corner has them
    for (const control of this.stage.querySelectorAll(`[data-show=${mode}], [data-modes] [value=${mode}]`))
      control.textContent = title;
  }

  picture(layer) {
    return layer.querySelector("img, video");
  }

  film(layer) {
    return layer?.querySelector("video") ?? null;
  }

  facts(layer) {
    const [width, height] = ["width", "height"].map((name) => Number(this.picture(layer).getAttribute(name)));
    return { width, height, film: Boolean(this.film(layer)), shows: layer.dataset.shows };
  }

  // How

  show(mode) {
    this.mode = mode;
    this.stage.dataset.mode = mode;
    const alone = this.modes.length === 1;
    for (const button of this.stage.querySelectorAll("[data-show]")) {
      button.hidden = alone || !this.modes.includes(button.dataset.show);
      button.setAttribute("aria-pressed", button.dataset.show === mode && !(mode === "marks" && this.unmarked));
    }
    const select = this.stage.querySelector("[data-modes]");
    select.parentElement.hidden = alone;
    this.stage.classList.toggle("annotated", this.modes[0] === "marks");
    for (const option of select.options) option.hidden = option.disabled = !this.modes.includes(option.value);
    select.value = mode;
    this.split.hidden = mode !== "compare";
    clearInterval(this.turning);
    if (mode === "flicker" && !calm.matches) this.turning = setInterval(() => this.turn(), TURN);
    this.stage.classList.toggle("turned", mode === "marks" && Boolean(this.unmarked));
    this.layout();
  }

  turn() {
    if (!this.stage.isConnected) clearInterval(this.turning);
    this.stage.classList.toggle("turned");
  }

  ask(mode) {
    if (mode === "marks") this.unmarked = this.mode === "marks" && !this.unmarked;
    this.wanted = mode;
    this.show(mode);
    if (mode === "flicker" && calm.matches) this.turn();
  }

  // Where

  layout() {
    const { clientWidth: width, clientHeight: height } = this.box;
    if (!width || !height) return;
    const leading = this.mode === "before" ? this.before : this.after;
    this.panes = panesOf({ width, height }, this.facts(leading), this.mode);
    const place = placed(this.panes[1], this.facts(leading), this);
    for (const name of ["fit", "deepest", "zoom", "x", "y"]) this[name] = place[name];
    this.place = place;
    this.put(this.before, this.panes[0]);
    this.put(this.after, this.panes[1]);
    this.seen = [this.panes[1].left + place.seenLeft, this.panes[1].left + place.seenRight];
    this.set(this.box, {
      "--seen-left": this.panes[0].left + place.seenLeft, "--seen-right": width - this.seen[1],
      "--seen-top": place.seenTop, "--seen-height": place.seenBottom - place.seenTop, "--lower": this.panes[1].top + place.seenTop,
    });
    this.box.classList.toggle("zoomed", this.zoom > 1.001);
    this.box.classList.toggle("grains", this.fit * this.zoom > 3);
    this.moveSplit();
    this.showOverview();
    this.tellZoom();
  }

  set(element, values) {
    for (const [name, value] of Object.entries(values)) element.style.setProperty(name, `${value}px`);
  }

  put(layer, pane) {
    if (!layer) return;
    const place = placed(pane, this.facts(layer), this);
    const { clientWidth: width, clientHeight: height } = this.box;
    this.set(layer, {
      "--w": place.width, "--h": place.height, "--x": pane.left + place.left, "--y": pane.top + place.top,
      "--cut-left": pane.left, "--cut-top": pane.top,
      "--cut-right": width - pane.left - pane.width, "--cut-bottom": height - pane.top - pane.height,
    });
    this.sharpen(layer, place.width);
  }

  // The full file, once the copy shown has fewer pixels than the screen.
  sharpen(layer, width) {
    const image = layer.querySelector("img");
    if (!image?.complete || image.naturalWidth === 0 || image.getAttribute("src") === image.dataset.full) return;
    if (image.naturalWidth < width * devicePixelRatio) image.src = image.dataset.full;
  }

  moveSplit() {
    const [left, right] = this.seen;
    this.box.style.setProperty("--split", `${left + ((right - left) * this.value) / 100}px`);
    const count = Math.round(this.value);
    this.split.setAttribute("aria-valuenow", count);
    this.split.setAttribute("aria-valuetext", this.split.dataset.text.replace("{count}", count));
  }

  to(value) {
    this.value = between(0, value, 100);
    this.moveSplit();
  }

  // Zooms while what is under a point of the page stays there.
  zoomTo(zoom, at) {
    Object.assign(this, zoomedAround(this, zoom, this.deepest, at ? this.fromCentre(at) : [0, 0]));
    this.layout();
  }

  // Of the pane that a point of the page is in.
  fromCentre({ x, y }) {
    const box = this.box.getBoundingClientRect();
    const [px, py] = [x - box.left, y - box.top];
    const inRight = px >= this.panes[1].left && py >= this.panes[1].top;
    const pane = inRight ? this.panes[1] : this.panes[0];
    return [px - pane.left - pane.width / 2, py - pane.top - pane.height / 2];
  }

  full() {
    return 1 / (this.fit * devicePixelRatio);
  }

  tellZoom() {
    this.stage.querySelector("[data-percent]").textContent = `${percentOf(this.fit, this.zoom, devicePixelRatio)} %`;
    const size = sizeOf(this.zoom, this.full());
    for (const name of ["fit", "full"])
      this.stage.querySelector(`[data-zoom=${name}]`).setAttribute("aria-pressed", size === name);
  }

  // An enlargement is opened where there is most to be seen.
  async openOnDetail() {
    if (!this.before || !isEnlargement(this.facts(this.before), this.facts(this.after))) return;
    const image = this.picture(this.after);
    try {
      await image.decode();
    } catch {
      return; // it is shown as soon as it is there
    }
    if (this.zoom > 1.001 || this.touched) return;
    this.zoom = between(1, zoomOfDetail(this.full()), this.deepest);
    Object.assign(this, centredOn(this.panes[1], this.facts(this.after), this.zoom, detailOf(image)));
    this.layout();
  }

  showOverview() {
    this.overview.hidden = this.zoom <= 1.001 || Boolean(this.film(this.after));
    if (this.overview.hidden) return;
    const { width, height } = this.facts(this.after);
    const side = Math.min(132, this.box.clientWidth / 4) / Math.max(width, height);
    const part = partSeen(this.place);
    this.set(this.overview, {
      "--overview-width": width * side, "--overview-height": height * side, "--part-left": part.left * width * side,
      "--part-top": part.top * height * side, "--part-width": part.width * width * side,
      "--part-height": part.height * height * side,
    });
  }

  goTo(event) {
    event.stopPropagation();
    if (event.type === "pointermove" && !event.buttons) return;
    const box = this.overview.getBoundingClientRect();
    const spot = { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height };
    Object.assign(this, centredOn(this.panes[1], this.facts(this.after), this.zoom, spot));
    this.layout();
  }

  panBy(x, y) {
    this.x += x;
    this.y += y;
    this.layout();
  }

  follow(event) {
    this.to(percentAt(event.clientX - this.box.getBoundingClientRect().left, this.seen));
  }

  // What colour both pictures have under the pointer.
  tellPixel(event) {
    if (event.pointerType !== "mouse" || this.film(this.after)) return;
    const [dx, dy] = this.fromCentre({ x: event.clientX, y: event.clientY });
    const pane = this.panes[1];
    const at = pixelAt([dx + pane.width / 2, dy + pane.height / 2], this.place, this.facts(this.after));
    const seen = [this.mode !== "after" && this.modes.length > 2 ? this.before : null, this.after].filter(Boolean);
    const colors = at ? seen.map((layer) => colorAt(this.picture(layer), at, this.facts(this.after))) : [];
    const said = colors.filter(Boolean).map((color) => [...color.slice(0, 3)].join(" ")).join("  →  ");
    this.stage.querySelector("[data-pixel]").textContent = said ? `${at.x}, ${at.y}:  ${said}` : "";
  }

  // Buttons

  click(event) {
    const button = event.target.closest("button");
    if (!button) return;
    const { pick, show } = button.dataset;
    if (pick) this.choose("right", pick);
    if (show) this.ask(show);
    if ("fill" in button.dataset) this.fill(!this.stage.classList.contains("filling"));
    const zoom = { in: this.zoom * 1.5, out: this.zoom / 1.5, fit: 1, full: this.full() }[button.dataset.zoom];
    if (!zoom) return;
    this.touched = true;
    this.zoomTo(zoom);
  }

  changed(event) {
    const { side } = event.target.dataset;
    if (side) this.choose(side, event.target.value);
    if ("modes" in event.target.dataset) this.ask(event.target.value);
  }

  // The whole screen or, where a browser gives that to films alone, the whole window.
  fill(on) {
    this.stage.classList.toggle("filling", on);
    this.stage.querySelector("[data-fill]").setAttribute("aria-pressed", on);
    if (on) this.stage.requestFullscreen?.().catch(() => {});
    else if (document.fullscreenElement) document.exitFullscreen();
    this.layout();
  }

  screenChanged() {
    if (!document.fullscreenElement && this.stage.classList.contains("filling")) this.fill(false);
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
  for (const stage of document.querySelectorAll("[data-viewer]:not([data-ready])")) new Viewer(stage);
}

document.addEventListener("htmx:afterSettle", begin);
document.addEventListener("htmx:oobAfterSwap", begin);
begin();
