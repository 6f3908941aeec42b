// A formula's tree [tag, attributes, ...children] in other notations: LaTeX, and lines of plain text.
// LaTeX is for math mode with amsmath, without delimiters: \[ … \] or $$ … $$ go around it.

const pairs = (from, to) => Object.fromEntries(Array.from(from, (one, k) => [one, Array.from(to)[k]]));
const inverse = (table) => Object.fromEntries(Object.entries(table).map(([one, other]) => [other, one]));
const RAISED = pairs("0123456789+−=()abcdefghijklmnoprstuvwxyzLT", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴸᵀ");
const LOWERED = pairs("0123456789+−=()aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ");
const [FROM_RAISED, FROM_LOWERED] = [inverse(RAISED), inverse(LOWERED)];
const SYMBOLS = {
  α: "\\alpha", β: "\\beta", γ: "\\gamma", δ: "\\delta", ε: "\\varepsilon", η: "\\eta", θ: "\\theta", λ: "\\lambda",
  μ: "\\mu", π: "\\pi", σ: "\\sigma", τ: "\\tau", φ: "\\varphi", Δ: "\\Delta", Σ: "\\Sigma", "∂": "\\partial", "∇": "\\nabla",
  "∑": "\\sum", "∏": "\\prod", "∞": "\\infty", "·": "\\cdot", "⋅": "\\cdot", "×": "\\times", "÷": "\\div", "±": "\\pm",
  "−": "-", "≈": "\\approx", "≠": "\\neq", "≤": "\\leq", "≥": "\\geq", "∈": "\\in", "→": "\\to", "←": "\\leftarrow",
  "⇒": "\\Rightarrow", "…": "\\dots", "½": "\\tfrac{1}{2}", "¼": "\\tfrac{1}{4}", "′": "'", ŷ: "\\hat{y}",
  "<": "<", ">": ">", "|": "|", "~": "\\sim", "^": "\\wedge", "\\": "\\backslash",
};
const ACCENTS = { "^": ["\\hat", "\u0302"], "ˆ": ["\\hat", "\u0302"], "¯": ["\\bar", "\u0304"], "~": ["\\tilde", "\u0303"] };
const COMMANDS = new Set(["exp", "lim", "ln", "log", "max", "min", "tanh"]);
const SIGNS = new Set("+−-±"); // where nothing stands before them, they stand close to what follows
const OPERATORS = new Set("+−-±·⋅×÷/=≈≠<>≤≥∈→←⇒");
const DIFFERENTIALS = new Set("∂∇Δ");
const INDEXED = new Set(["∑", "∏", "max", "min", "lim"]); // what stands under these is their index
const ROWS = new Set(["math", "mrow", "mstyle", "mpadded", "mtd"]);
const LEAVES = new Set(["mi", "mn", "mo", "mtext"]);
const TALL = new Set(["mfrac", "mtable", "munder", "munderover"]);

const leaf = (...children) => children.filter((child) => typeof child === "string").join("").replace(/[\u2061\u2062]/g, "").normalize("NFC");
const textOf = ([, , ...children]) => children.map((child) => (typeof child === "string" ? child : textOf(child))).join("");
const isBadge = ([, attributes]) => (attributes?.class ?? "").split(" ").includes("badge");
const isMark = (tree, marks) => tree?.[0] === "mo" && marks.has(textOf(tree));
const [OPENING, CLOSING, AFTER] = [new Set("(["), new Set(")]"), new Set(")],")];

/** The parts of a row, without the rows inside it: nobody sees those. */
function flat(children) {
  const seen = children.filter((child) => Array.isArray(child) && !isBadge(child));
  return seen.flatMap((child) => (ROWS.has(child[0]) ? flat(child.slice(2)) : [child]));
}

/** [from, to] of the brackets that close in these parts; a sum over rows of a table has halves. */
function brackets(parts) {
  const open = [];
  return parts.flatMap((part, k) => {
    if (isMark(part, OPENING)) open.push(k);
    return isMark(part, CLOSING) && open.length ? [[open.pop(), k]] : [];
  });
}

/** The parts of a tree; brackets and what they hold are one, their "(". */
function pieces(tree) {
  const parts = flat([tree]);
  const held = brackets(parts);
  return parts.filter((_, k) => !held.some(([from, to]) => from < k && k <= to));
}

/** Whether a script would seem to belong to the last part only, so that this needs brackets. */
function isLoose(tree) {
  const [first, ...rest] = pieces(tree);
  return rest.length > 0 || !LEAVES.has(first?.[0]) || (first[0] === "mn" && textOf(first).includes("e"));
}

/** Whether this would fall apart at a fraction's stroke: ∂E/∂w does not, (a · b)/c would. */
function isCompound(tree) {
  const [first, ...rest] = pieces(tree).filter((part) => !DIFFERENTIALS.has(textOf(part)) && part[0] !== "mtext");
  return rest.length > 0 || first?.[0] === "mfrac";
}

/** Parts side by side. `goesOn`: a sign at the start joins on to the row above. */
function sequence(notation, children, goesOn = false) {
  const parts = flat(children);
  let line = "";
  let operand = goesOn;
  notation.row(parts).forEach((text, k) => {
    const operator = isMark(parts[k], OPERATORS);
    const room = operator ? operand || !isMark(parts[k], SIGNS) : operand && line && notation.between(parts[k - 1], parts[k], text);
    line += `${room && !/\s$/.test(line) ? " " : ""}${text}${operator && room ? " " : ""}`;
    operand = !operator && !isMark(parts[k], OPENING);
  });
  return line.trim();
}

/** An element of no formula, such as one of HTML inside it, is left out. */
function write(notation, tree) {
  const [tag, , ...children] = tree;
  if (isBadge(tree)) return "";
  return ROWS.has(tag) ? sequence(notation, children) : (notation.tags[tag]?.(...children) ?? "");
}

/** Rows as [left, "=" or "", right] in words, or null where the table is none of equations. */
function equations(notation, rows) {
  const cells = rows.map((row) => row.slice(2).filter((cell) => !isBadge(cell)));
  if (cells.some((row) => row.length !== 3 || !flat([row[1]]).every((part) => isMark(part, OPERATORS)))) return null;
  return cells.map(([left, sign, right]) => [write(notation, left), write(notation, sign), sequence(notation, [right], !textOf(sign))]);
}

const otherRows = (notation, rows, between) => rows.map((row) => row.slice(2).map((cell) => write(notation, cell)).join(between));

// LaTeX

const any = (table) => Object.values(table).join("");
const SCRIPTED = new RegExp(`([${any(RAISED)}]+)|([${any(LOWERED)}]+(?:,[${any(LOWERED)}]+)*)|(.\u0302|.)`, "gsu");
const UNLIKE_TEXT = new RegExp(`(?:[${any(RAISED)}${any(LOWERED)}\\\\^${Object.keys(SYMBOLS).join("").replace(/[\\^]/g, "")}]|.\u0302)+`, "gu");
const translate = (text, table) => Array.from(text, (one) => table[one] ?? one).join("").replaceAll("−", "-");
const escape = (text) => text.replace(/[%&#_{}$]/g, "\\$&");

/** Characters in math mode; a command that ends in a letter keeps a space before another letter. */
function characters(text) {
  const found = text.replace(SCRIPTED, (_, raised, lowered, one) => {
    if (raised) return `^{${translate(raised, FROM_RAISED)}}`;
    if (lowered) return `_{${translate(lowered, FROM_LOWERED)}}`;
    const [letter, mark] = one.normalize("NFD");
    if (mark === "\u0302") return `\\hat{${SYMBOLS[letter] ?? letter}}`;
    return (SYMBOLS[one] ?? escape(one)).replace(/^\\[a-z]+$/i, "$& ");
  });
  return found.replace(/ +(?![a-z])/gi, "");
}

/** Words in text mode, where what is no text goes back to math mode: a data column has any name. */
function words(text) {
  const marked = text.replace(/’/g, "'").replaceAll("–", "--").replace(/\u00a0/g, " ");
  let end = 0;
  let found = "";
  for (const { 0: run, index } of marked.matchAll(UNLIKE_TEXT)) {
    found += `${escape(marked.slice(end, index))}$${characters(run)}$`;
    end = index + run.length;
  }
  return `\\text{${found}${escape(marked.slice(end))}}`;
}

const named = (text, font) => (COMMANDS.has(text) ? `\\${text}` : `\\${font}{${text}}`);
const isName = (text) => /^[a-z]{2,}$/i.test(text);
const latexLetters = (text) => (isName(text) ? named(text, "mathrm") : /[\s_]/.test(text) ? words(text) : characters(text));
const latexWords = (text) => (isName(text) ? named(text, "operatorname") : words(text));
const raise = (text) => (/^'+$/.test(text) ? text : `^{${text}}`);

/** A comma between digits would get the room of a list's. */
function latexNumber(text) {
  const written = characters(text).replace(/(\d),(?=\d{3})/g, "$1{,}");
  return written.replace(/(\d)e\+?(-?\d+)$/, "$1 \\times 10^{$2}");
}

function latexRow(parts) {
  const tall = brackets(parts).filter(([from, to]) => parts.slice(from, to).some(([tag]) => TALL.has(tag)));
  const side = (k) => (tall.some(([from]) => from === k) ? "\\left" : tall.some(([, to]) => to === k) ? "\\right" : "");
  return parts.map((part, k) => side(k) + tex(part));
}

function latexBase(tree) {
  if (!isLoose(tree)) return tex(tree);
  return flat([tree]).some(([tag]) => TALL.has(tag)) ? `\\left(${tex(tree)}\\right)` : `(${tex(tree)})`;
}

function latexTable(...rows) {
  const found = equations(LATEX, rows);
  const kind = found ? "aligned" : "matrix";
  const lines = found?.map(([left, sign, right]) => `${left} &${sign || "\\quad"} ${right}`.trim()) ?? otherRows(LATEX, rows, " & ");
  return `\\begin{${kind}}\n${lines.join(" \\\\\n")}\n\\end{${kind}}`;
}

const tex = (tree) => write(LATEX, tree);
const LATEX = {
  row: latexRow,
  between: (_, part, text) => text && !isMark(part, AFTER) && !/^[(']/.test(text),
  tags: {
    mi: (...of) => latexLetters(leaf(...of)),
    mo: (...of) => characters(leaf(...of)),
    mn: (...of) => latexNumber(leaf(...of)),
    mtext: (...of) => latexWords(leaf(...of)),
    mspace: () => "\\;",
    msub: (base, below) => `${latexBase(base)}_{${tex(below)}}`,
    msup: (base, above) => `${latexBase(base)}${raise(tex(above))}`,
    msubsup: (base, below, above) => `${latexBase(base)}_{${tex(below)}}${raise(tex(above))}`,
    mfrac: (top, bottom) => `\\frac{${tex(top)}}{${tex(bottom)}}`,
    msqrt: (...of) => `\\sqrt{${sequence(LATEX, of)}}`,
    munder: (base, below) => (INDEXED.has(textOf(base)) ? `${tex(base)}_{${tex(below)}}` : `\\underset{${tex(below)}}{${tex(base)}}`),
    mover: (base, above) => `${ACCENTS[textOf(above)]?.[0] ?? `\\overset{${tex(above)}}`}{${tex(base)}}`,
    munderover: (base, below, above) => `${LATEX.tags.munder(base, below)}^{${tex(above)}}`,
    mtable: latexTable,
  },
};

/** A formula's description in LaTeX. */
export const toLatex = tex;

// Text

function script(text, table, mark) {
  const close = text.replace(/ ([=+−]) /g, "$1");
  if (Array.from(close).every((one) => table[one])) return translate(close, table);
  return mark + (Array.from(text).length > 1 ? `(${text})` : text);
}

const say = (tree) => write(TEXT, tree);
const grouped = (tree, apart) => (apart(tree) ? `(${say(tree)})` : say(tree));
const lower = (tree) => script(say(tree), { ...LOWERED, ",": "," }, "_");
const upper = (tree) => (/^′+$/.test(say(tree)) ? say(tree) : script(say(tree), RAISED, "^"));

/** A fraction that something follows without a sign stands in brackets: (2/3)x. */
function textRow(parts) {
  const alone = (k) => k + 1 >= parts.length || isMark(parts[k + 1], OPERATORS) || isMark(parts[k + 1], AFTER);
  return parts.map((part, k) => (part[0] === "mfrac" && !alone(k) ? say(part).replace(/^.*\/.*$/, "($&)") : say(part)));
}

function textTable(...rows) {
  let width = 0;
  const lines = equations(TEXT, rows)?.map(([left, sign, right]) => {
    if (left) width = Array.from(left).length;
    return `${left || " ".repeat(width)} ${sign || " "} ${right}`;
  });
  return (lines ?? otherRows(TEXT, rows, "  ")).join("\n");
}

const isWord = (text) => /\p{L}{2}$/u.test(text);
const TEXT = {
  row: textRow,
  // After a sum's index, between two words and between two numbers; elsewhere symbols stand close.
  between: (before, part, text) => TALL.has(before[0]) && before[0] !== "mfrac" ? !isMark(part, AFTER)
    : isMark(before, new Set(",")) || (isWord(say(before)) && /^[\p{L}\d]/u.test(text)) || (/\d$/.test(say(before)) && /^\d/.test(text)),
  tags: {
    mi: leaf, mo: leaf, mn: leaf, mtext: leaf,
    mspace: () => " ",
    msub: (base, below) => grouped(base, isLoose) + lower(below),
    msup: (base, above) => grouped(base, isLoose) + upper(above),
    msubsup: (base, below, above) => grouped(base, isLoose) + upper(above) + lower(below),
    mfrac: (top, bottom) => `${grouped(top, isCompound)}/${grouped(bottom, isCompound)}`.replace(/^1\/2$/, "½"),
    msqrt: (...of) => `√${grouped(["mrow", {}, ...of], (tree) => isLoose(tree))}`,
    munder: (base, below) => say(base) + lower(below),
    mover: (base, above) => ACCENTS[textOf(above)] ? (say(base) + ACCENTS[textOf(above)][1]).normalize("NFC") : say(base) + upper(above),
    munderover: (base, below, above) => say(base) + lower(below) + upper(above),
    mtable: textTable,
  },
};

/** A formula's description as plain text, a line for each row. */
export const toText = say;
