// Reads a frame: typed arrays laid over the bytes as they came. docs/protocol.md has every byte.

const MAGIC = 0x43525452; // "RTRC", little-endian
const VERSION = 1;
const PLAYING = 1;
const LAST_FINITE = 2;
const ANEW = 4;

/**
 * @typedef {Float64Array | Float32Array} Numbers
 * @typedef {{ revision: number, step: number, phase: number, playing: boolean, lastFinite: boolean,
 *   anew: boolean, example: number, rows: number, row: number, epoch: number, furthest: number,
 *   learningRate: number, loss: number, testLoss: number | null, parameters: Numbers,
 *   gradient: Numbers, newParameters: Numbers, inputs: Numbers, z: Numbers, a: Numbers,
 *   delta: Numbers, targets: Numbers, ownInputs: Numbers, ownPrediction: Numbers,
 *   ownTargets: Numbers }} Frame
 * @param {ArrayBuffer} buffer
 * @param {{ sizes: number[], count: number }} layout
 * @returns {Frame}
 */
export function decodeFrame(buffer, layout) {
  const view = new DataView(buffer);
  if (view.getUint32(0, true) !== MAGIC) throw new Error("not a frame: the first bytes differ");
  const version = view.getUint16(4, true);
  if (version !== VERSION) throw new Error(`frame version ${version}, expected ${VERSION}`);
  const u32 = (/** @type {number} */ at) => view.getUint32(at, true);
  const f64 = (/** @type {number} */ at) => view.getFloat64(at, true);
  const flags = view.getUint8(19);
  const testLoss = f64(56);
  return /** @type {Frame} */ ({
    revision: u32(8),
    step: u32(12),
    phase: view.getUint16(16, true),
    playing: (flags & PLAYING) !== 0,
    lastFinite: (flags & LAST_FINITE) !== 0,
    anew: (flags & ANEW) !== 0,
    example: u32(20),
    rows: u32(24),
    row: u32(28),
    epoch: u32(32),
    furthest: u32(36),
    learningRate: f64(40),
    loss: f64(48),
    testLoss: Number.isNaN(testLoss) ? null : testLoss,
    ...body(buffer, view.getUint16(6, true), view.getUint8(18), layout),
  });
}

function body(buffer, start, width, { sizes, count }) {
  const Numbers = width === 4 ? Float32Array : Float64Array;
  const inputs = sizes[0];
  const outputs = sizes[sizes.length - 1];
  const units = sizes.slice(1).reduce((sum, size) => sum + size, 0);
  const lengths = {
    parameters: count,
    gradient: count,
    newParameters: count,
    inputs,
    z: units,
    a: units,
    delta: units,
    targets: outputs,
    ownInputs: inputs,
    ownPrediction: outputs,
    ownTargets: outputs,
  };
  const found = {};
  let at = start;
  for (const [name, length] of Object.entries(lengths)) {
    found[name] = new Numbers(buffer, at, length);
    at += length * width;
  }
  if (at !== buffer.byteLength) throw new Error(`frame of ${buffer.byteLength} bytes, expected ${at}`);
  return found;
}
