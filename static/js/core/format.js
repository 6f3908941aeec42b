// Numbers as people read them: a true minus sign, groups of thousands, own units, nothing invented.

const MINUS = "−";
const OVERFLOWS = "overflows"; // for infinity; JSON has none: null stands for it
const SMALL = 1e-4; // what is smaller is written with a power: its zeros would have to be counted
const LARGE = 1e7;
export const MOST_FIGURES = 17; // with them any two numbers are told apart
const MOST_MORE = 4; // decimals that a sum may need beyond those that were asked for
const HUGE = 1e10; // from here on a value in its own unit is written with a power
const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i; // not 0x10, which JavaScript would read as 16
const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉";

/** What the engine's numbers cannot hold, and what becomes of it (∞ − ∞ is no number at all). */
function isBeyond(value) {
  return value === null || Number.isNaN(value) || Math.abs(value) === Infinity;
}

/**
 * How exactly numbers are written: with so many decimals, and as many digits where a number below
 * 0.1 would show fewer; with `least` decimals in any case; or with "all" their digits.
 * @typedef {number | "all" | {digits: number, least: number}} Digits
 */

/** @param {Digits} digits */
export function fixed(value, digits = 2) {
  if (isBeyond(value)) return OVERFLOWS;
  if (digits === "all") return full(value);
  const { digits: asked, least } = digits.digits ? digits : { digits, least: 0 };
  const size = Math.abs(value);
  if (size !== 0 && (size >= LARGE || size < SMALL)) return power(value, Math.max(asked - 1, 1));
  return decimal(value, Math.max(least, decimalsOf(size, asked)));
}

/** The same with its sign, + too. */
export function signed(value, digits = 2) {
  const text = fixed(value, digits);
  return value > 0 && text !== OVERFLOWS ? `+${text}` : text;
}

/**
 * Digits for the numbers of a sum, so that it adds up on paper too: with as many decimals as its
 * result needs, and, in a column, those of its terms that are not written with a power.
 * @param {Digits} digits
 */
export function addingUp(digits, result, terms = []) {
  if (digits === "all") return digits;
  const told = terms.filter((term) => Math.abs(term) >= SMALL);
  const sizes = [result, ...told].filter((part) => !isBeyond(part)).map(Math.abs);
  const least = Math.max(digits, ...sizes.map((size) => decimalsOf(size, digits)));
  return { digits, least: Math.min(least, digits + MOST_MORE) };
}

/** A number as somebody with paper reads it where it is written in so many digits. */
export const written = (value, digits) => readNumber(fixed(value, digits));

/**
 * Digits for the numbers of a formula, from those of its result on: the first with which what is
 * written gives what is written of the result. Where none do, as where the run has rounded the
 * result, those of the result.
 * @param {Digits} digits
 * @param {(digits: Digits) => number} valueOf  what comes out of the numbers in so many digits
 */
export function enough(digits, result, valueOf) {
  if (digits === "all") return digits;
  const told = fixed(result, digits);
  for (let more = digits; (more.digits ?? more) <= MOST_FIGURES; more = oneMore(more))
    if (fixed(valueOf(more), digits) === told) return more;
  return digits;
}

const oneMore = (digits) =>
  digits.digits ? { digits: digits.digits + 1, least: digits.least + 1 } : digits + 1;

/**
 * A value before and after it moved, in digits that show that it did: as many as the move needs, or
 * all where that is too many.
 * @param {Digits} digits
 */
export function moved(before, after, digits) {
  const adding = addingUp(digits, after - before);
  const [from, to] = [before, after].map((value) => fixed(value, adding));
  return from === to && before !== after ? [full(before), full(after)] : [from, to];
}

/** Decimals with which so many digits of a number below 0.1 are seen; of others just as many. */
function decimalsOf(size, digits) {
  if (size === 0 || size >= 0.1) return digits;
  const exponent = Number(size.toExponential(digits - 1).split("e")[1]);
  return digits - 1 - exponent;
}

/** With so many decimals, or as many as make all figures that the number has. */
function decimal(value, decimals) {
  const figures = value === 0 ? decimals : MOST_FIGURES - 1 - Math.floor(Math.log10(Math.abs(value)));
  return value.toFixed(Math.min(decimals, figures)).replace("-", MINUS);
}

/** Every digit that the number has. */
export function full(value) {
  if (isBeyond(value)) return OVERFLOWS;
  return String(value).replaceAll("-", MINUS);
}

/** The number that was typed, or written here with a true minus sign; NaN where it is no decimal one. */
export function readNumber(text) {
  const plain = text.trim().replaceAll(MINUS, "-");
  return DECIMAL.test(plain) ? Number(plain) : NaN;
}

/** For labels in the diagram, where room is short: two decimals, none, or one digit and a power. */
export function short(value, withSign = false) {
  if (isBeyond(value)) return OVERFLOWS;
  const size = Math.abs(value);
  const sign = withSign && value > 0 ? "+" : "";
  if (size !== 0 && (size < 0.005 || size >= 99_999.5)) return sign + power(value, 0);
  return sign + decimal(value, size >= 999.95 ? 0 : size >= 100 ? 1 : 2);
}

/**
 * A value in its own unit: $150,000, 1,656 sq ft, 1960, 0.0026 kg; rounded, unless `digits` are
 * "all", but never to 0.
 */
export function own(value, unit, withSign = false, digits = 2) {
  if (isBeyond(value)) return OVERFLOWS;
  const sign = value < 0 ? MINUS : withSign && value > 0 ? "+" : "";
  const text = amount(Math.abs(value), unit, digits);
  if (unit === "$") return `${sign}$${text}`;
  return `${sign}${text}${unit ? ` ${unit}` : ""}`;
}

/** A size as it is written before its unit; without one it may be a year, which has no groups. */
function amount(size, unit, digits) {
  const bare = unit === "" && size < 10000;
  if (digits === "all") return bare ? full(size) : wholeGrouped(full(size));
  if (size >= HUGE) return power(size, 3);
  if (size !== 0 && size < SMALL) return fixed(size, digits);
  const text = grouped(size, ...decimalsBefore(unit, size, digits));
  return bare ? text.replace(",", "") : text;
}

/** [least, most] decimals: a dollar has cents, thousands of them have none, whole numbers neither. */
function decimalsBefore(unit, size, digits) {
  if (unit === "$" && size >= 1000) return [0, 0];
  if (unit !== "$" && Number.isInteger(size)) return [0, 0];
  const isLarge = size >= 1000 || (unit === "$" && size >= 1);
  return [2, isLarge ? 2 : Math.max(2, decimalsOf(size, digits))];
}

/** 1234567 -> 1,234,567 */
export function count(value) {
  return grouped(value, 0);
}

export function superscript(number) {
  return Array.from(String(number), (digit) => SUPERSCRIPTS[Number(digit)]).join("");
}

export function subscript(number) {
  return Array.from(String(number), (digit) => SUBSCRIPTS[Number(digit)] ?? ",").join("");
}

/** w1.2.3 -> w¹₂₃ (with a comma where an index has two digits), b1.3 -> b¹₃ */
export function symbol(name) {
  const [layer, ...units] = name.slice(1).split(".");
  const comma = units.some((unit) => unit.length > 1) ? "," : "";
  return name[0] + superscript(layer) + units.map(subscript).join(comma);
}

const groupings = new Map(); // by decimals: to make one takes as long as a hundred numbers

function grouped(size, least, most = least) {
  const key = `${least} ${most}`;
  let grouping = groupings.get(key);
  if (!grouping) {
    const digits = { minimumFractionDigits: least, maximumFractionDigits: most };
    groupings.set(key, (grouping = new Intl.NumberFormat("en-US", digits)));
  }
  return grouping.format(size);
}

/** Groups before the point; what is behind it stays. */
function wholeGrouped(text) {
  return text.replace(/^\d+/, (whole) => whole.replaceAll(/\B(?=(\d{3})+$)/g, ","));
}

function power(value, decimals) {
  const [digits, exponent] = value.toExponential(decimals).split("e");
  return `${digits}e${exponent.replace("+", "")}`.replaceAll("-", MINUS);
}
