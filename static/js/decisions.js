// What the scripts decide, without the page: numbers and texts in, numbers and texts out. The tests in tests/js call the same
// functions. No import binds the files together, since each is stored under a name that holds its hash: a page loads this one first.

globalThis.latent = (() => {
  const between = (low, value, high) => Math.min(high, Math.max(low, value));

  // Asking again

  const FIRST = 350;
  const LONGEST = 15000;

  // Milliseconds until the next ask: twice as long after each failure in a row, and never longer than a person would wait.
  function delayBeforeAsking(milliseconds, failures) {
    return Math.min(LONGEST, milliseconds * 2 ** failures);
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
    neighbour, FIRST, between, delayBeforeAsking, isMet, jobsOf, isTooLarge, secondsUntilAgain, endingOf, slotFor, filesTaken,
    addressAfter, isTiny, areAlike, placed, zoomedAround, percentAt, stepOf, nextOnWall,
  };
})();
