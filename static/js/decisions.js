// What the scripts decide, without the page: numbers and texts in, numbers and texts out. The tests in tests/js call the same
// functions. No import binds the files together, since each is stored under a name that holds its hash: a page loads this one first.

globalThis.latent = (() => {
  const between = (low, value, high) => Math.min(high, Math.max(low, value));

  // Asking again

  const FIRST = 350;
  const LONGEST = 15000;
  const UNSEEN = 10000; // in a tab that nobody looks at

  // Milliseconds until the next ask: twice as long after each failure in a row, and never longer than a person would wait.
  // In a hidden tab it is asked seldom.
  function delayBeforeAsking(milliseconds, failures, hidden = false) {
    return Math.min(LONGEST, Math.max(hidden ? UNSEEN : 0, milliseconds * 2 ** failures));
  }

  // The form

  // "action=resize crop;method=nlm": met where all of it is so.
  function isMet(conditions, valueOf) {
    return conditions.split(";").every((condition) => {
      const [name, values] = condition.split("=");
      return values.split(" ").includes(valueOf(name));
    });
  }

  // A slot that takes one photo makes a job of each; one that takes many makes one job of all.
  function jobsOf(photos, takesMany) {
    return takesMany ? 1 : photos;
  }

  // Uploads

  function isTooLarge(bytes, mostBytes) {
    return bytes > Number(mostBytes);
  }

  const SOON_SECONDS = 5;
  const MOST_TIMES = 60;

  // Seconds until an upload that was not taken is sent again: the site says when, while it is busy with others. null where
  // a person should be told instead.
  function secondsUntilAgain(status, retryAfter, times) {
    const soon = Number(retryAfter) > 0 && Number(retryAfter) <= SOON_SECONDS;
    return [429, 503].includes(status) && soon && times < MOST_TIMES ? Number(retryAfter) : null;
  }

  function endingOf(name) {
    return name.match(/\.\w+$/)?.[0].toLowerCase();
  }

  // The slot of files: the one place that takes this kind wherever they are dropped (a ZIP archive, a model), else where
  // they were dropped, else the main one, else the first. `slots` are {name, main, accept}; the answer is one of them.
  function slotFor(fileName, slots, under) {
    const ending = endingOf(fileName);
    return (
      (ending && slots.find((slot) => slot.accept.includes(ending))) ||
      slots.find((slot) => slot.name === under) ||
      slots.find((slot) => slot.main) ||
      slots[0]
    );
  }

  // One photo replaces the one in a slot that takes one; the main slot takes several, for a job each.
  function filesTaken(files, { many, main }) {
    return many || main ? [...files] : [files[0]];
  }

  // Of a folder, what is not a photo is left aside without a word: what systems put there, and what is hidden.
  function isOfFolder(name) {
    return !/^(\..*|thumbs\.db|desktop\.ini)$/i.test(name);
  }

  // Where a single photo leads from the home page: to the form that the recipe in it asks for, or to the choice.
  function addressAfter(photo, choose) {
    return photo.again ?? `${choose}?${new URLSearchParams({ photo: photo.id })}`;
  }

  // A picture so small is shown pixel by pixel.
  function isTiny(width, height) {
    return Math.max(width, height) <= 160;
  }

  // The viewer

  const DEEPEST = 16; // CSS pixels for each pixel of the picture

  // Of the same shape, but for rounding: only then can a split lie between two pictures.
  function areAlike(a, b) {
    return Math.abs(Math.log((a.width * b.height) / (a.height * b.width))) < 0.015;
  }

  // Where a picture lies in a box, for a zoom and the way of its centre from the box's, in CSS pixels; both are kept in bounds.
  function placed(box, picture, { zoom, x, y }) {
    const fit = Math.min(box.width / picture.width, box.height / picture.height);
    const deepest = Math.max(1, DEEPEST / fit);
    zoom = between(1, zoom, deepest);
    const [width, height] = [picture.width * fit * zoom, picture.height * fit * zoom];
    const [farX, farY] = [Math.max(0, (width - box.width) / 2), Math.max(0, (height - box.height) / 2)];
    [x, y] = [between(-farX, x, farX), between(-farY, y, farY)];
    const [left, top] = [(box.width - width) / 2 + x, (box.height - height) / 2 + y];
    return {
      fit, deepest, zoom, x, y, width, height, left, top,
      seenLeft: Math.max(0, left),
      seenRight: Math.min(box.width, left + width),
      seenTop: Math.max(0, top),
      seenBottom: Math.min(box.height, top + height),
    };
  }

  // The zoom and place after zooming while the point (px, py), from the box's centre, stays where it is.
  function zoomedAround({ zoom, x, y }, wanted, deepest, [px, py]) {
    const next = between(1, wanted, deepest);
    const factor = next / zoom;
    return { zoom: next, x: px - (px - x) * factor, y: py - (py - y) * factor };
  }

  // How far along what is seen of the picture a point lies, in percent.
  function percentAt(at, [left, right]) {
    return between(0, (100 * (at - left)) / (right - left || 1), 100);
  }

  // How far a key moves the split, in percent.
  function stepOf(key) {
    return { ArrowLeft: -2, ArrowDown: -2, ArrowRight: 2, ArrowUp: 2, PageDown: -10, PageUp: 10 }[key];
  }

  // What two pictures can be shown as. Each is {width, height, film, shows}; `shows` is how the right one is to be looked at:
  // "compare", "annotated" (the left one with marks on it) or "alone". A film lies on a film only.
  function modesFor(left, right) {
    if (!left || right.shows === "alone") return ["after"];
    if (left.film !== right.film) return ["after", "before"];
    if (!areAlike(left, right)) return ["side", "after", "before"];
    if (right.shows === "annotated") return ["marks", "side"];
    return right.film ? ["compare", "side", "after", "before"] : ["compare", "side", "flicker", "difference", "after", "before"];
  }

  // With what it begins; what was chosen before stays where it can.
  function modeOf(modes, wanted) {
    return modes.includes(wanted) ? wanted : modes[0];
  }

  // The pictures left and right after one was chosen for a side: the one that stands there already changes places.
  function sidesAfter({ left, right }, side, chosen) {
    if (side === "left") return { left: chosen, right: chosen === right ? left : right };
    return { left: chosen === left ? right : left, right: chosen };
  }

  // An enlargement says nothing at the size of the window: there both pictures look alike.
  function isEnlargement(left, right) {
    return Boolean(left) && !right.film && areAlike(left, right) && right.width > 1.2 * left.width;
  }

  // How far an enlargement is opened: pixel by pixel of the screen, and at least twice the size of the window.
  function zoomOfDetail(full) {
    return Math.max(2, full);
  }

  const BLOCKS = 16;

  // Where most is to be seen, as shares of width and height: the block whose neighbouring pixels differ most. Of `luma`,
  // width * height values. What lies at the border is never in the middle of a window.
  function mostDetailed(luma, width, height) {
    const sums = new Float64Array(BLOCKS * BLOCKS);
    for (let y = 0; y < height - 1; y++)
      for (let x = 0; x < width - 1; x++) {
        const at = y * width + x;
        const block = Math.floor((y * BLOCKS) / height) * BLOCKS + Math.floor((x * BLOCKS) / width);
        sums[block] += Math.abs(luma[at] - luma[at + 1]) + Math.abs(luma[at] - luma[at + width]);
      }
    let best = (BLOCKS / 2) * BLOCKS + BLOCKS / 2;
    for (let row = 2; row < BLOCKS - 2; row++)
      for (let column = 2; column < BLOCKS - 2; column++) {
        const block = row * BLOCKS + column;
        if (sums[block] > sums[best] * 1.001) best = block;
      }
    return { x: ((best % BLOCKS) + 0.5) / BLOCKS, y: (Math.floor(best / BLOCKS) + 0.5) / BLOCKS };
  }

  // The way of the picture's centre from the box's, so that a spot of the picture lies in the middle.
  function centredOn(box, picture, zoom, spot) {
    const fit = Math.min(box.width / picture.width, box.height / picture.height);
    return { x: (0.5 - spot.x) * picture.width * fit * zoom, y: (0.5 - spot.y) * picture.height * fit * zoom };
  }

  // The parts of the box in which left and right lie: one for both or, side by side, whichever halves show more.
  function panesOf(box, picture, mode) {
    const whole = { left: 0, top: 0, width: box.width, height: box.height };
    if (mode !== "side") return [whole, whole];
    const fits = (width, height) => Math.min(width / picture.width, height / picture.height);
    const [width, height] = [box.width / 2, box.height / 2];
    if (fits(width, box.height) >= fits(box.width, height))
      return [{ ...whole, width: width - 1 }, { ...whole, left: width + 1, width: width - 1 }];
    return [{ ...whole, height: height - 1 }, { ...whole, top: height + 1, height: height - 1 }];
  }

  // The part of the picture that is seen, as shares of its width and height.
  function partSeen(place) {
    return {
      left: (place.seenLeft - place.left) / place.width,
      top: (place.seenTop - place.top) / place.height,
      width: (place.seenRight - place.seenLeft) / place.width,
      height: (place.seenBottom - place.seenTop) / place.height,
    };
  }

  // The pixel of a picture under a point of the box; null beside the picture.
  function pixelAt([px, py], place, picture) {
    const x = Math.floor(((px - place.left) / place.width) * picture.width);
    const y = Math.floor(((py - place.top) / place.height) * picture.height);
    return x >= 0 && y >= 0 && x < picture.width && y < picture.height ? { x, y } : null;
  }

  // Screen pixels for each pixel of the picture, in percent.
  function percentOf(fit, zoom, ratio) {
    return Math.round(100 * fit * zoom * ratio);
  }

  // Which of the marked sizes a zoom is.
  function sizeOf(zoom, full) {
    if (Math.abs(zoom - 1) < 0.005) return "fit";
    return Math.abs(zoom - full) < 0.005 * full ? "full" : "";
  }

  // The zoom that a key leads to; undefined for other keys.
  function zoomAfter(key, zoom, full) {
    return { "+": zoom * 1.5, "=": zoom * 1.5, "-": zoom / 1.5, 0: 1, 1: full }[key];
  }

  // Whether the wheel zooms, or scrolls the page since there is no further to zoom.
  function wheelZooms(deltaY, zoom, deepest) {
    return deltaY < 0 ? zoom < deepest * 0.999 : zoom > 1.001;
  }

  // Whether a film that follows another one has to be set to its time: less than two frames nobody sees.
  function hasDrifted(time, leader) {
    return Math.abs(time - leader) > 0.07;
  }

  // Its icon then: how far it is as a disc that fills, and a full one once it is done; null for that of the site.
  function iconOf(status, fraction) {
    const share = status === "succeeded" ? 1 : status === "running" ? (fraction ?? 0) : null;
    if (share === null) return null;
    const round = 2 * Math.PI * 5;
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><circle cx="12" cy="12" r="11" fill="#d6d3cd"/>` +
      `<circle cx="12" cy="12" r="5" fill="none" stroke="#c4261d" stroke-width="10" transform="rotate(-90 12 12)" ` +
      `stroke-dasharray="${(round * share).toFixed(2)} ${round.toFixed(2)}"/></svg>`;
    return `data:image/svg+xml,${encodeURIComponent(svg)}`;
  }

  // The tab of a job, for whoever looks at another one; null where the page's own title says it.
  function titleOf(named, status, fraction, done) {
    if (status === "running" && fraction !== null) return `${Math.round(100 * fraction)} % · ${named}`;
    return status === "succeeded" ? `${done} · ${named}` : null;
  }

  // Which tile of a wall an arrow key leads to from another one, or to the first from none; null where it leads nowhere.
  function nextOnWall(boxes, from, key) {
    if (from < 0) return boxes.length ? 0 : null;
    const beside = { ArrowLeft: from - 1, ArrowRight: from + 1 }[key];
    if (beside !== undefined) return beside >= 0 && beside < boxes.length ? beside : null;
    const middle = (box) => (box.left + box.right) / 2;
    const down = key === "ArrowDown";
    const isBeyond = (box) => (down ? box.top >= boxes[from].bottom - 1 : box.bottom <= boxes[from].top + 1);
    const beyond = boxes.map((box, index) => ({ box, index })).filter(({ box }) => isBeyond(box));
    if (!beyond.length) return null;
    const row = down ? Math.min(...beyond.map(({ box }) => box.top)) : Math.max(...beyond.map(({ box }) => box.top));
    const away = ({ box }) => Math.abs(middle(box) - middle(boxes[from]));
    return beyond.filter(({ box }) => Math.abs(box.top - row) < 2).sort((a, b) => away(a) - away(b))[0].index;
  }

  // Which item of a row one changes places with; none at the end.
  function neighbour(index, count, way) {
    const other = way === "later" ? index + 1 : index - 1;
    return other >= 0 && other < count ? other : undefined;
  }

  return {
    neighbour, FIRST, between, delayBeforeAsking, isMet, jobsOf, isTooLarge, secondsUntilAgain, endingOf, slotFor, filesTaken, isOfFolder,
    modesFor, modeOf, sidesAfter, isEnlargement, zoomOfDetail, mostDetailed, centredOn, panesOf, partSeen, pixelAt,
    percentOf, sizeOf, zoomAfter, wheelZooms, hasDrifted, iconOf, titleOf, addressAfter, isTiny, areAlike, placed, zoomedAround, percentAt, stepOf, nextOnWall,
  };
})();
