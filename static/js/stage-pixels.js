// What a script reads of the pixels of a picture: its colours, and where most is to be seen. Where a picture comes from a host
// of its own the browser keeps its pixels to itself, and both say nothing.

globalThis.latentPixels = (() => {
  const SIDE = 256;

  function drawn(width, height, draw) {
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    const context = canvas.getContext("2d", { willReadFrequently: true });
    draw(context);
    try {
      return context.getImageData(0, 0, width, height).data;
    } catch {
      return null;
    }
  }

  // Red, green, blue and opacity of a pixel of the picture, of what of it is loaded; null where it is not to be read.
  function colorAt(image, at, picture) {
    if (!image.complete || !image.naturalWidth) return null;
    const x = Math.min(image.naturalWidth - 1, Math.floor(((at.x + 0.5) * image.naturalWidth) / picture.width));
    const y = Math.min(image.naturalHeight - 1, Math.floor(((at.y + 0.5) * image.naturalHeight) / picture.height));
    return drawn(1, 1, (context) => context.drawImage(image, x, y, 1, 1, 0, 0, 1, 1));
  }

  // The most detailed spot, as shares of width and height; the middle where the picture is not to be read.
  function detailOf(image) {
    const scale = Math.min(1, SIDE / Math.max(image.naturalWidth, image.naturalHeight));
    const [width, height] = [image.naturalWidth, image.naturalHeight].map((side) => Math.max(2, Math.round(side * scale)));
    const pixels = drawn(width, height, (context) => context.drawImage(image, 0, 0, width, height));
    if (!pixels) return { x: 0.5, y: 0.5 };
    const luma = new Float64Array(width * height);
    for (let at = 0; at < luma.length; at++)
      luma[at] = 0.3 * pixels[4 * at] + 0.59 * pixels[4 * at + 1] + 0.11 * pixels[4 * at + 2];
    return globalThis.latent.mostDetailed(luma, width, height);
  }

  return { colorAt, detailOf };
})();
