/* The scale bar at the bottom right of the image: of a round length, about a fifth of what is seen, and never longer than a
 * third. In micrometres where the file says how large a pixel is, otherwise in pixels. */
(function () {
  "use strict";
  const fluorite = (window.fluorite = window.fluorite || {});
  const SHARE = 0.2;

  /* The round number (1, 2 or 5 times a power of ten) that is nearest below `length`. */
  fluorite.roundLength = function (length) {
    const power = 10 ** Math.floor(Math.log10(length));
    return power * [5, 2, 1].find((digit) => digit * power <= length * (1 + 1e-9));
  };

  /* Text of a length in image pixels, of which `dx`, `dy` are the extents. */
  fluorite.lengthText = function (dx, dy, pixelSize) {
    const digits = (value) => (value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2));
    const px = `${digits(Math.hypot(dx, dy))} px`;
    return pixelSize ? `${px} \u00b7 ${digits(Math.hypot(dx * pixelSize[1], dy * pixelSize[0]))} \u00b5m` : px;
  };

  fluorite.drawScaleBar = function (context, player) {
    const { config, canvas, view } = player;
    const perPixel = config.pixel_size_um ? config.pixel_size_um[1] : 1;
    const seen = canvas.width / view.x; // pixels of the image
    const length = fluorite.roundLength(SHARE * seen * perPixel);
    const width = (length / perPixel) * view.x;
    const text = `${Number(length.toPrecision(3))} ${config.pixel_size_um ? "\u00b5m" : "px"}`;
    const unit = window.devicePixelRatio || 1;
    const right = canvas.width - 12 * unit;
    const bottom = canvas.height - 12 * unit;
    context.save();
    context.font = `600 ${12 * unit}px system-ui, sans-serif`;
    context.textAlign = "center";
    context.textBaseline = "bottom";
    // Dark around it, so that it is seen on bright tissue, too.
    context.fillStyle = "rgba(0, 0, 0, 0.55)";
    context.fillRect(right - width - 1.5 * unit, bottom - 5.5 * unit, width + 3 * unit, 7 * unit);
    context.fillStyle = "#fff";
    context.fillRect(right - width, bottom - 4 * unit, width, 4 * unit);
    context.lineWidth = 3 * unit;
    context.strokeStyle = "rgba(0, 0, 0, 0.65)";
    context.strokeText(text, right - width / 2, bottom - 7 * unit);
    context.fillText(text, right - width / 2, bottom - 7 * unit);
    context.restore();
    player.root.dataset.scale = text;
  };
})();
