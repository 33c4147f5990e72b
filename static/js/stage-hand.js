// What hands do with a stage: a pointer that drags or follows the line, two that pinch, the wheel, keys.

globalThis.latentHand = (viewer) => {
  const { between, stepOf, wheelZooms, zoomAfter } = globalThis.latent;
  const { box, split, stage } = viewer;
  const pointers = new Map();
  let gesture = null;

  function press(event) {
    if (event.button || event.target.closest(".side")) return;
    viewer.touched = true;
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    box.setPointerCapture(event.pointerId);
    const splits = event.target.closest(".split") || (viewer.mode === "compare" && viewer.zoom <= 1.001);
    gesture = pointers.size > 1 ? "pinch" : splits ? "split" : "pan";
    if (gesture === "split") {
      split.focus({ preventScroll: true, focusVisible: false });
      viewer.follow(event);
    }
    viewer.stopSettling();
  }

  function move(event) {
    const last = pointers.get(event.pointerId);
    if (!last) {
      viewer.tellPixel(event);
      return;
    }
    const now = { x: event.clientX, y: event.clientY };
    if (gesture === "pinch") pinch(event.pointerId, last, now);
    else if (gesture === "split") viewer.follow(event);
    else viewer.panBy(now.x - last.x, now.y - last.y);
    pointers.set(event.pointerId, now);
  }

  function pinch(finger, last, now) {
    const [other] = [...pointers].filter(([id]) => id !== finger).map(([, point]) => point);
    if (!other) return;
    const distance = (point) => Math.hypot(point.x - other.x, point.y - other.y) || 1;
    const middle = { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 };
    viewer.zoomTo((viewer.zoom * distance(now)) / distance(last), middle);
  }

  function release(event) {
    pointers.delete(event.pointerId);
    gesture = pointers.size === 0 ? null : "pan";
  }

  function wheel(event) {
    if (!event.ctrlKey && !event.metaKey && !wheelZooms(event.deltaY, viewer.zoom, viewer.deepest)) return;
    event.preventDefault();
    viewer.touched = true;
    const turned = between(-60, event.deltaY, 60);
    viewer.zoomTo(viewer.zoom * Math.exp(-turned / 200), { x: event.clientX, y: event.clientY });
  }

  function doubleClick(event) {
    if (event.target.closest(".split, .side, .overview")) return;
    const closer = Math.max(2, viewer.full());
    viewer.zoomTo(viewer.zoom > 1.001 ? 1 : closer, { x: event.clientX, y: event.clientY });
  }

  function key(event) {
    if (!stage.isConnected || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.target.closest("input, select, textarea, dialog")) return;
    const zoom = zoomAfter(event.key, viewer.zoom, viewer.full());
    if (zoom) viewer.zoomTo(zoom);
    else if (event.key === "Escape" && stage.classList.contains("filling")) viewer.fill(false);
    else if (event.target !== split || !moveByKey(event)) return;
    viewer.touched = true;
    viewer.stopSettling();
    event.preventDefault();
  }

  function moveByKey({ key: name, shiftKey }) {
    const step = stepOf(name);
    if (shiftKey && viewer.zoom > 1.001 && name.startsWith("Arrow"))
      viewer.panBy({ ArrowLeft: 60, ArrowRight: -60 }[name] ?? 0, { ArrowUp: 60, ArrowDown: -60 }[name] ?? 0);
    else if (step) viewer.to(viewer.value + step);
    else if (name === "Home") viewer.to(0);
    else if (name === "End") viewer.to(100);
    else return false;
    return true;
  }

  box.addEventListener("pointerdown", press);
  box.addEventListener("pointermove", move);
  for (const name of ["pointerup", "pointercancel"]) box.addEventListener(name, release);
  box.addEventListener("pointerleave", () => (stage.querySelector("[data-pixel]").textContent = ""));
  box.addEventListener("wheel", wheel, { passive: false });
  box.addEventListener("dblclick", doubleClick);
  document.addEventListener("keydown", key);
};
