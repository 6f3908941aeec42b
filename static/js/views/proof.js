// The derivative against a central difference: two real forward passes, half a width to each side.

import { fixed, full, readNumber, signed } from "../core/format.js";
import { parseName } from "../core/network.js";
import { whereItStands } from "../core/words.js";
import {
  i,
  inside,
  lines,
  lossSymbol,
  n,
  number,
  o,
  parameterSymbol,
  ratio,
  row,
  slopeOf,
} from "./mathml.js";

const PRECISE = 12;
const AT_KINK =
  "A ReLU turns on or off within the difference's width: " +
  "at this kink it means nothing, so there is no number.";
const ROUNDING =
  "No proof either way: " +
  "what parts the two is within what rounding does to losses of this size.";

/**
 * @returns {{heading: string, formulas: object[], verdict: string, agrees: boolean | null,
 *   gap: number | null}[]}
 */
export function viewProof(layout, frame, chain, digits) {
  const found = parseName(layout, chain.parameter);
  const symbol = parameterSymbol(found);
  const several = frame.rows > 1;
  const one = viewOne({
    heading: several ? `Example ${frame.example + 1} alone` : "This derivative, found in two ways",
    symbol,
    several,
    digits,
    derivative: chain.derivative,
    numeric: chain.numeric,
    gap: chain.relative_gap,
    difference: chain.difference,
    kink: chain.kink,
  });
  if (!several) return [one];
  return [
    viewOne({
      heading: `The batch of ${frame.rows}: ${whereItStands(chain)}`,
      symbol,
      several: false,
      digits,
      derivative: chain.batch_derivative,
      numeric: chain.batch_numeric,
      gap: chain.batch_relative_gap,
      difference: chain.batch_difference,
      kink: chain.batch_kink,
    }),
    one,
  ];
}

function viewOne({ heading, symbol, several, digits, derivative, numeric, gap, difference, kink }) {
  if (numeric === null) {
    const verdict = kink
      ? AT_KINK
      : "The loss overflows beside this value: a difference means nothing there.";
    return { heading, formulas: [], verdict, agrees: null, gap: null };
  }
  if (difference.rounding) {
    const verdict = ROUNDING;
    return {
      heading,
      formulas: formulasOf({ symbol, several, digits, derivative, numeric, difference }),
      verdict,
      agrees: null,
      gap,
    };
  }
  const verdict = difference.agrees
    ? "They agree: backpropagation and two real forward passes give the same slope."
    : "They differ by more than rounding explains.";
  return {
    heading,
    formulas: formulasOf({ symbol, several, digits, derivative, numeric, difference }),
    verdict,
    agrees: difference.agrees,
    gap,
  };
}

function formulasOf({ symbol, several, digits, derivative, numeric, difference }) {
  const loss = lossSymbol(several);
  const at = (sign) => row(loss, inside(symbol, o(sign), i("h")));
  const fine = digits === "all" ? "all" : digits + 4;
  const { loss_above: above, loss_below: below } = difference;
  const width = difference.above - difference.below;
  const precise = precisely(above, below, width, fine);
  const told = rounded(width); // in digits that a person types, where they give the same
  const across = digits !== "all" && signed((above - below) / told, fine) === signed(numeric, fine) ? told : width;
  const losses = row(number(above, precise), o("−"), number(below, precise));
  const symbols = ratio(row(at("+"), o("−"), at("−")), row(n("2"), i("h")));
  return [
    lines("By backpropagation", [slopeOf(loss, symbol), n(signed(derivative, fine))]),
    lines(
      `By two forward passes, h = ${full(rounded(difference.h))}`,
      [slopeOf(loss, symbol), symbols, "≈"],
      [null, ratio(losses, n(full(across)))],
      [null, n(signed(numeric, fine))],
    ),
  ];
}

/** With fewer digits the two losses would look the same; large ones need all of theirs. */
function precisely(above, below, width, fine) {
  if (fine === "all") return fine;
  const [up, down] = [above, below].map((loss) => readNumber(fixed(loss, PRECISE)));
  const quotients = [up - down, above - below].map((gap) => signed(gap / width, fine));
  return quotients[0] === quotients[1] ? PRECISE : "all";
}

/** How far two numbers are apart: as a power of ten where it would be zeros only. */
export function gapText(gap, digits = 2) {
  if (gap === 0) return "0";
  if (digits === "all") return full(gap);
  if (Math.abs(gap) >= 1e-4) return fixed(gap, digits);
  return gap.toExponential(digits - 1).replace("e+", "e").replaceAll("-", "−");
}

/** Without the last digits, which binary numbers leave behind. */
const rounded = (value) => Number(value.toPrecision(9));
