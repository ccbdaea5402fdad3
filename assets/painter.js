/* From the grey values that the server sends to the colours on the screen: contrast, gamma and colour map in one table of
 * 256 entries, applied to every pixel of a picture.
 *
 * A picture comes between certain levels. While a hand moves them, the picture that is there is shown between the new ones,
 * at once and slightly coarser, until the server has sent it anew. */
(function () {
  "use strict";
  const fluorite = (window.fluorite = window.fluorite || {});
  const same = (a, b) => a.low === b.low && a.high === b.high;

  fluorite.Painter = class {
    /* `maps`: [{name, label, table}], tables as 256 times red, green, blue in hexadecimal digits. */
    constructor(maps) {
      this.maps = maps;
      this.map = maps[0].name;
      this.gamma = 1;
      this.canvas = document.createElement("canvas");
      this.painted = null; // what the canvas holds: a picture and how it was painted
      this.source = document.createElement("canvas");
    }

    /* The picture between the levels `to`, as something that can be drawn; it came between `from`. */
    paint(bitmap, from, to) {
      if (this.map === "grey" && this.gamma === 1 && same(from, to)) return bitmap;
      const key = [this.map, this.gamma, from.low, from.high, to.low, to.high].join(" ");
      if (this.painted && this.painted.bitmap === bitmap && this.painted.key === key) return this.canvas;
      const { width, height } = bitmap;
      for (const canvas of [this.canvas, this.source]) {
        if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
      }
      // Both are read or written pixel by pixel, which a graphics card's canvas does slowly.
      const source = this.source.getContext("2d", { willReadFrequently: true });
      source.drawImage(bitmap, 0, 0);
      const image = source.getImageData(0, 0, width, height);
      const pixels = new Uint32Array(image.data.buffer);
      const table = this.table(from, to);
      for (let i = 0; i < pixels.length; i += 1) pixels[i] = table[pixels[i] & 255];
      this.canvas.getContext("2d", { willReadFrequently: true }).putImageData(image, 0, 0);
      this.painted = { bitmap, key };
      return this.canvas;
    }

    /* The colour of each grey value, as ImageData has it in memory. */
    table(from, to) {
      const colours = this._colours();
      const bytes = new Uint8Array(4 * 256);
      const scale = (from.high - from.low) / 255;
      for (let grey = 0; grey < 256; grey += 1) {
        const share = (from.low + grey * scale - to.low) / (to.high - to.low);
        const level = same(from, to) ? grey / 255 : Math.min(Math.max(share, 0), 1);
        const tone = Math.round(255 * level ** this.gamma);
        bytes.set([colours[3 * tone], colours[3 * tone + 1], colours[3 * tone + 2], 255], 4 * grey);
      }
      return new Uint32Array(bytes.buffer);
    }

    /* The colour map as a gradient of CSS, dark values first. */
    gradient() {
      const colours = this._colours();
      const stops = [];
      for (let i = 0; i <= 16; i += 1) {
        const tone = Math.round(255 * (i / 16) ** this.gamma);
        stops.push(`rgb(${colours[3 * tone]}, ${colours[3 * tone + 1]}, ${colours[3 * tone + 2]})`);
      }
      return `linear-gradient(to right, ${stops.join(", ")})`;
    }

    _colours() {
      const map = this.maps.find(({ name }) => name === this.map);
      map.colours = map.colours || Uint8Array.from(map.table.match(/../g), (digits) => parseInt(digits, 16));
      return map.colours;
    }
  };
})();
