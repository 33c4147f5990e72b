// What the scripts decide, without a browser: `node --test tests/js/`.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import "../../static/js/decisions.js";

const { latent } = globalThis;
const near = (value, expected) => assert.ok(Math.abs(value - expected) < 1e-9, `${value} is not ${expected}`);

describe("asking again", () => {
  test("a page that is answered asks after the time that it was told", () => {
    assert.equal(latent.delayBeforeAsking(1000, 0), 1000);
    assert.equal(latent.delayBeforeAsking(1000, 0, true), 10000);
    assert.equal(latent.delayBeforeAsking(12000, 0, true), 12000);
  });

  test("each failure in a row doubles the time, up to 15 seconds", () => {
    const delays = [1, 2, 3, 4, 5, 60].map((failures) => latent.delayBeforeAsking(1000, failures));
    assert.deepEqual(delays, [2000, 4000, 8000, 15000, 15000, 15000]);
  });

  test("the first ask comes soon", () => assert.ok(latent.FIRST < 1000));
});

describe("the form", () => {
  const values = { action: "crop", method: "nlm", gray: "false" };
  const isMet = (conditions) => latent.isMet(conditions, (name) => values[name]);

  test("a field matters where its one condition is so", () => {
    assert.equal(isMet("action=crop"), true);
    assert.equal(isMet("action=resize"), false);
  });

  test("one of several values is enough", () => assert.equal(isMet("action=resize crop"), true));

  test("all conditions must be so", () => {
    assert.equal(isMet("action=resize crop;method=nlm"), true);
    assert.equal(isMet("action=resize crop;method=median"), false);
  });

  test("a value is compared whole", () => assert.equal(isMet("action=cropped"), false));

  test("a field that is not there has no value", () => assert.equal(isMet("nowhere=crop"), false));

  test("a slot for one photo makes a job of each, one for many makes one of all", () => {
    assert.equal(latent.jobsOf(3, false), 3);
    assert.equal(latent.jobsOf(3, true), 1);
    assert.equal(latent.jobsOf(0, true), 1);
  });
});

describe("uploads", () => {
  const slots = [
    { name: "style", main: false, accept: "image/*" },
    { name: "image", main: true, accept: "image/*" },
    { name: "model", main: false, accept: ".zip,.safetensors" },
  ];
  const slot = (file, under) => latent.slotFor(file, slots, under)?.name;

  test("a photo goes into the slot it is dropped on", () => assert.equal(slot("cat.jpg", "style"), "style"));

  test("dropped beside all slots it goes into the main one", () => {
    assert.equal(slot("cat.jpg", undefined), "image");
    assert.equal(slot("cat.jpg", "no slot of this form"), "image");
  });

  test("a model has one place, wherever it is dropped", () => {
    assert.equal(slot("cats.SAFETENSORS", "image"), "model");
    assert.equal(slot("photos.zip", undefined), "model");
  });

  test("a file without an ending is taken like a photo", () => assert.equal(slot("pasted", undefined), "image"));

  test("without a main slot the first takes it, without slots none", () => {
    assert.equal(latent.slotFor("cat.jpg", [slots[0], slots[2]], undefined).name, "style");
    assert.equal(latent.slotFor("cat.jpg", [], undefined), undefined);
  });

  test("the ending of a name is its last, in small letters", () => {
    assert.equal(latent.endingOf("a.tar.GZ"), ".gz");
    assert.equal(latent.endingOf("README"), undefined);
  });

  test("a slot beside takes the first file, the main one and one for many take all", () => {
    const files = ["one", "two"];
    assert.deepEqual(latent.filesTaken(files, { many: false, main: false }), ["one"]);
    assert.deepEqual(latent.filesTaken(files, { many: true, main: false }), files);
    assert.deepEqual(latent.filesTaken(files, { many: false, main: true }), files);
  });

  test("of a folder, what a system leaves there and what is hidden stays aside", () => {
    const left = [".DS_Store", ".hidden.jpg", "Thumbs.db", "desktop.ini"].filter(latent.isOfFolder);
    assert.deepEqual(left, []);
    assert.ok(["a.jpg", "thumbs.db.png", "IMG.HEIC"].every(latent.isOfFolder));
  });

  test("as large as allowed is not too large", () => {
    assert.equal(latent.isTooLarge(40_000_000, "40000000"), false);
    assert.equal(latent.isTooLarge(40_000_001, "40000000"), true);
  });

  test("an upload is sent again when the site says that it may be soon", () => {
    assert.equal(latent.secondsUntilAgain(503, "2", 0), 2);
    assert.equal(latent.secondsUntilAgain(429, "2", 59), 2);
  });

  test("else a person is told why it was not taken", () => {
    assert.equal(latent.secondsUntilAgain(422, null, 0), null);
    assert.equal(latent.secondsUntilAgain(503, null, 0), null);
    assert.equal(latent.secondsUntilAgain(503, "60", 0), null);
    assert.equal(latent.secondsUntilAgain(429, "1800", 0), null);
    assert.equal(latent.secondsUntilAgain(503, "2", 60), null);
    assert.equal(latent.secondsUntilAgain(422, "2", 0), null);
  });

  test("a photo with a recipe leads to its form, another to the choice", () => {
    assert.equal(latent.addressAfter({ id: "a", again: "/new/nap?seconds=4" }, "/choose"), "/new/nap?seconds=4");
    assert.equal(latent.addressAfter({ id: "a" }, "/choose"), "/choose?photo=a");
  });

  test("pictures of up to 160 pixels are tiny", () => {
    assert.equal(latent.isTiny(160, 16), true);
    assert.equal(latent.isTiny(16, 161), false);
  });
});

describe("the viewer", () => {
  const box = { width: 1000, height: 500 };
  const still = { zoom: 1, x: 0, y: 0 };

  test("a picture fits into its box, in the middle of it", () => {
    const place = latent.placed(box, { width: 100, height: 100 }, still);
    assert.deepEqual([place.fit, place.width, place.height, place.left, place.top], [5, 500, 500, 250, 0]);
    assert.deepEqual([place.seenLeft, place.seenRight, place.seenTop, place.seenBottom], [250, 750, 0, 500]);
  });

  test("it goes no further than 16 screen pixels for a pixel, and no smaller than the box", () => {
    const picture = { width: 1000, height: 500 };
    assert.equal(latent.placed(box, picture, { ...still, zoom: 99 }).zoom, 16);
    assert.equal(latent.placed(box, picture, { ...still, zoom: 0.2 }).zoom, 1);
  });

  test("a picture smaller than that on its own is not zoomed at all", () => {
    assert.equal(latent.placed(box, { width: 10, height: 5 }, { ...still, zoom: 4 }).zoom, 1);
  });

  test("it cannot be pulled out of its box", () => {
    const picture = { width: 1000, height: 500 };
    const place = latent.placed(box, picture, { zoom: 2, x: 9999, y: -9999 });
    assert.deepEqual([place.x, place.y], [500, -250]);
    assert.deepEqual([place.left, place.top], [0, -500]);
    const whole = latent.placed(box, picture, { zoom: 1, x: 30, y: 30 });
    near(whole.x, 0);
    near(whole.y, 0);
  });

  test("what is under a point stays there while zooming", () => {
    const before = { zoom: 2, x: 40, y: -30 };
    const point = [120, 60];
    const after = latent.zoomedAround(before, 5, 16, point);
    assert.equal(after.zoom, 5);
    for (const [axis, at] of [["x", point[0]], ["y", point[1]]])
      near((at - after[axis]) / after.zoom, (at - before[axis]) / before.zoom);
  });

  test("zooming stops at the bounds", () => {
    assert.equal(latent.zoomedAround(still, 99, 16, [0, 0]).zoom, 16);
    assert.deepEqual(latent.zoomedAround({ zoom: 2, x: 0, y: 0 }, 0.1, 16, [0, 0]), { zoom: 1, x: 0, y: 0 });
  });

  test("the split follows the pointer over what is seen, and stops at its ends", () => {
    assert.equal(latent.percentAt(500, [250, 750]), 50);
    assert.equal(latent.percentAt(0, [250, 750]), 0);
    assert.equal(latent.percentAt(999, [250, 750]), 100);
    assert.equal(latent.percentAt(5, [5, 5]), 0);
  });

  test("arrows move the split a little, pages more, other keys not", () => {
    assert.deepEqual(["ArrowLeft", "ArrowUp", "PageUp", "a"].map(latent.stepOf), [-2, 2, 10, undefined]);
  });

  test("pictures of one shape can lie over each other, rounding aside", () => {
    assert.equal(latent.areAlike({ width: 300, height: 200 }, { width: 601, height: 400 }), true);
    assert.equal(latent.areAlike({ width: 300, height: 200 }, { width: 200, height: 300 }), false);
  });
});

describe("two pictures on a stage", () => {
  const picture = { width: 300, height: 200, film: false, shows: "compare" };
  const large = { ...picture, width: 900, height: 600 };
  const film = { ...picture, film: true };

  test("are looked at in every way that makes sense for them", () => {
    assert.deepEqual(latent.modesFor(picture, large), ["compare", "side", "flicker", "difference", "after", "before"]);
    assert.deepEqual(latent.modesFor(picture, { ...large, shows: "annotated" }), ["marks", "side"]);
    assert.deepEqual(latent.modesFor(picture, { ...large, shows: "alone" }), ["after"]);
    assert.deepEqual(latent.modesFor(null, large), ["after"]);
    assert.deepEqual(latent.modesFor(picture, { ...picture, width: 200, height: 300 }), ["side", "after", "before"]);
    assert.deepEqual(latent.modesFor(film, film), ["compare", "side", "after", "before"]);
    assert.deepEqual(latent.modesFor(picture, film), ["after", "before"]);
  });

  test("are seen as was wished, where that can be", () => {
    assert.equal(latent.modeOf(["compare", "side"], "side"), "side");
    assert.equal(latent.modeOf(["compare", "side"], "flicker"), "compare");
    assert.equal(latent.modeOf(["marks", "side"], undefined), "marks");
  });

  test("change places where one is chosen that stands on the other side", () => {
    assert.deepEqual(latent.sidesAfter({ left: "a", right: "b" }, "left", "c"), { left: "c", right: "b" });
    assert.deepEqual(latent.sidesAfter({ left: "a", right: "b" }, "left", "b"), { left: "b", right: "a" });
    assert.deepEqual(latent.sidesAfter({ left: "a", right: "b" }, "right", "a"), { left: "b", right: "a" });
    assert.deepEqual(latent.sidesAfter({ left: "", right: "b" }, "right", "a"), { left: "", right: "a" });
  });

  test("are an enlargement where the right one has more pixels of the same picture", () => {
    assert.equal(latent.isEnlargement(picture, large), true);
    assert.equal(latent.isEnlargement(picture, picture), false);
    assert.equal(latent.isEnlargement(picture, { ...large, height: 900 }), false);
    assert.equal(latent.isEnlargement(null, large), false);
    assert.equal(latent.isEnlargement(film, { ...large, film: true }), false);
  });

  test("lie in one pane or, side by side, in the halves that show more", () => {
    const wide = { width: 1000, height: 400 };
    assert.deepEqual(latent.panesOf(wide, picture, "compare")[0], { left: 0, top: 0, width: 1000, height: 400 });
    assert.deepEqual(latent.panesOf(wide, picture, "side").map((pane) => pane.left), [0, 501]);
    const tall = latent.panesOf({ width: 400, height: 800 }, picture, "side");
    assert.deepEqual(tall.map((pane) => [pane.left, pane.top]), [[0, 0], [0, 401]]);
  });
});

describe("what is seen of a picture", () => {
  const box = { width: 400, height: 300 };
  const picture = { width: 800, height: 600 };

  test("opens where neighbouring pixels differ most", () => {
    const [width, height] = [64, 64];
    const luma = new Float64Array(width * height);
    for (let y = 40; y < 44; y++) for (let x = 20; x < 24; x++) luma[y * width + x] = (x + y) % 2 ? 255 : 0;
    const spot = latent.mostDetailed(luma, width, height);
    assert.ok(Math.abs(spot.x - 22 / 64) < 0.04 && Math.abs(spot.y - 42 / 64) < 0.04, JSON.stringify(spot));
  });

  test("opens in the middle of a picture without detail", () => {
    const spot = latent.mostDetailed(new Float64Array(64 * 64), 64, 64);
    assert.ok(Math.abs(spot.x - 0.5) < 0.05 && Math.abs(spot.y - 0.5) < 0.05);
  });

  test("has the spot in the middle that it was centred on", () => {
    const zoom = 4;
    const place = latent.placed(box, picture, { zoom, ...latent.centredOn(box, picture, zoom, { x: 0.5, y: 0.4 }) });
    const middle = latent.pixelAt([200, 150], place, picture);
    assert.deepEqual(middle, { x: 400, y: 240 });
    const part = latent.partSeen(place);
    assert.ok(Math.abs(part.width - 0.25) < 1e-9 && Math.abs(part.top - (0.4 - 0.125)) < 1e-9);
  });

  test("has no pixel beside the picture", () => {
    const place = latent.placed({ width: 400, height: 600 }, picture, { zoom: 1, x: 0, y: 0 });
    assert.equal(latent.pixelAt([200, 10], place, picture), null);
    assert.deepEqual(latent.pixelAt([0, 151], place, picture), { x: 0, y: 2 });
  });

  test("is told in percent of the screen's pixels, and its marked sizes are known", () => {
    assert.equal(latent.percentOf(0.5, 2, 1), 100);
    assert.equal(latent.percentOf(0.5, 2, 2), 200);
    assert.equal(latent.sizeOf(1, 2), "fit");
    assert.equal(latent.sizeOf(2, 2), "full");
    assert.equal(latent.sizeOf(1.5, 2), "");
  });

  test("is zoomed by keys, and by the wheel as long as there is further to go", () => {
    assert.equal(latent.zoomAfter("+", 2, 4), 3);
    assert.equal(latent.zoomAfter("-", 3, 4), 2);
    assert.equal(latent.zoomAfter("0", 3, 4), 1);
    assert.equal(latent.zoomAfter("1", 3, 4), 4);
    assert.equal(latent.zoomAfter("x", 3, 4), undefined);
    assert.equal(latent.wheelZooms(-10, 1, 8), true);
    assert.equal(latent.wheelZooms(10, 1, 8), false);
    assert.equal(latent.wheelZooms(-10, 8, 8), false);
    assert.equal(latent.zoomOfDetail(1.3), 2);
    assert.equal(latent.zoomOfDetail(3), 3);
  });
});

describe("films side by side", () => {
  test("are set to one time once they have drifted apart", () => {
    assert.equal(latent.hasDrifted(1.0, 1.05), false);
    assert.equal(latent.hasDrifted(1.0, 1.2), true);
  });
});

describe("the order of an album", () => {
  test("changes by one, and not beyond its ends", () => {
    assert.equal(latent.neighbour(1, 3, "later"), 2);
    assert.equal(latent.neighbour(1, 3, "earlier"), 0);
    assert.equal(latent.neighbour(2, 3, "later"), undefined);
    assert.equal(latent.neighbour(0, 3, "earlier"), undefined);
  });
});

describe("the tab of a job", () => {
  test("tells how far it is, and that it is done", () => {
    assert.equal(latent.titleOf("Denoise", "running", 0.618, "Done"), "62 % · Denoise");
    assert.equal(latent.titleOf("Denoise", "queued", null, "Done"), null);
    assert.equal(latent.iconOf("queued", null), null);
    assert.equal(latent.iconOf("failed", null), null);
    assert.notEqual(latent.iconOf("running", 0.2), latent.iconOf("running", 0.6));
    assert.match(latent.iconOf("succeeded", null), /^data:image\/svg\+xml,/);
    assert.equal(latent.titleOf("Denoise", "succeeded", null, "Done"), "Done · Denoise");
  });
});

describe("an arrow key on the wall", () => {
  const box = (left, top, width = 100) => ({ left, right: left + width, top, bottom: top + 80 });
  const wall = [box(0, 0), box(110, 0), box(220, 0), box(0, 90, 160), box(170, 90, 150)];

  test("goes to the neighbour, and no further than the ends", () => {
    assert.equal(latent.nextOnWall(wall, 1, "ArrowRight"), 2);
    assert.equal(latent.nextOnWall(wall, 1, "ArrowLeft"), 0);
    assert.equal(latent.nextOnWall(wall, 0, "ArrowLeft"), null);
    assert.equal(latent.nextOnWall(wall, 4, "ArrowRight"), null);
  });

  test("goes to what stands nearest above or below", () => {
    assert.equal(latent.nextOnWall(wall, 2, "ArrowDown"), 4);
    assert.equal(latent.nextOnWall(wall, 0, "ArrowDown"), 3);
    assert.equal(latent.nextOnWall(wall, 3, "ArrowUp"), 0);
    assert.equal(latent.nextOnWall(wall, 3, "ArrowDown"), null);
  });

  test("begins with the first", () => {
    assert.equal(latent.nextOnWall(wall, -1, "ArrowDown"), 0);
    assert.equal(latent.nextOnWall([], -1, "ArrowDown"), null);
  });
});
