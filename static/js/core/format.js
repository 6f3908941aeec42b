// Numbers as people read them: a true minus sign, groups of thousands, own units, nothing invented.

const MINUS = "−";
const OVERFLOWS = "overflows"; // for infinity; JSON has none: null stands for it
const HUGE = 1e10; // from here on a value in its own unit is written with a power
const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉";

/** What the engine's numbers cannot hold, and what becomes of it (∞ − ∞ is no number at all). */
function isBeyond(value) {
  return value === null || Number.isNaN(value) || Math.abs(value) === Infinity;
}

/**
 * A number with so many decimals, or with "all" its digits; what would round to 0 and is not is
 * written with a power.
 * @param {number | "all"} decimals
 */
export function fixed(value, decimals = 2) {
  if (isBeyond(value)) return OVERFLOWS;
  if (decimals === "all") return full(value);
  if (value === 0) return (0).toFixed(decimals);
  const size = Math.abs(value);
  if (size >= 1e7 || size < 0.5 * 10 ** -decimals) return power(value, Math.max(decimals - 1, 1));
  return value.toFixed(decimals).replace("-", MINUS);
}

/** The same with its sign, + too. */
export function signed(value, decimals = 2) {
  const text = fixed(value, decimals);
  return value > 0 && text !== OVERFLOWS ? `+${text}` : text;
}

/** Every digit that the number has. */
export function full(value) {
  if (isBeyond(value)) return OVERFLOWS;
  return String(value).replaceAll("-", MINUS);
}

/** For labels in the diagram, where room is short: two decimals, or one digit and a power. */
export function short(value, withSign = false) {
  if (isBeyond(value)) return OVERFLOWS;
  const size = Math.abs(value);
  const sign = withSign && value > 0 ? "+" : "";
  if (size !== 0 && (size < 0.005 || size >= 1000)) return sign + power(value, 0);
  return sign + fixed(value, size >= 100 ? 1 : 2);
}

/** A value in its own unit: $150,000, 1,656 sq ft, 1960. */
export function own(value, unit, withSign = false) {
  if (isBeyond(value)) return OVERFLOWS;
  const sign = value < 0 ? MINUS : withSign && value > 0 ? "+" : "";
  const size = Math.abs(value);
  if (size >= HUGE) return `${sign}${unit === "$" ? "$" : ""}${power(size, 3)}${unit && unit !== "$" ? ` ${unit}` : ""}`;
  if (unit === "$") return `${sign}$${grouped(size, size < 1000 ? 2 : 0)}`;
  const whole = Number.isInteger(size);
  const text = unit === "" && size < 10000 ? plain(size) : grouped(size, whole ? 0 : 2);
  return `${sign}${text}${unit ? ` ${unit}` : ""}`;
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

function plain(size) {
  return Number.isInteger(size) ? String(size) : fixed(size, 2);
}

function grouped(size, decimals) {
  const digits = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
  return size.toLocaleString("en-US", digits);
}

function power(value, decimals) {
  const [digits, exponent] = value.toExponential(decimals).split("e");
  return `${digits}e${exponent.replace("+", "")}`.replaceAll("-", MINUS);
}
