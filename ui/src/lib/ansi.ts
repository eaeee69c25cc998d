/** Colours that programs write into their logs, as classes. Whatever else is controlled is left out. */

export interface Piece {
  text: string;
  /** Classes, apart by spaces. */
  look: string;
}

/** Black and white are the ink: who writes them means what is easy to read. */
const COLOURS = ["", "text-bad", "text-good", "text-warn", "text-busy", "text-calm", "text-link", ""];
const SEQUENCE = /\u001b\[([0-9;]*)m|\u001b\[[0-9;?]*[A-Za-ln-z]|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)/g;

/** The pieces of a line, each in its own look. */
export function pieces(line: string): Piece[] {
  if (!line.includes("\u001b")) return [{ text: line, look: "" }];
  const found: Piece[] = [];
  let style: Style = { colour: "", bold: false };
  let end = 0;
  const add = (text: string) => {
    if (text !== "") found.push({ text, look: lookOf(style) });
  };
  for (const match of line.matchAll(SEQUENCE)) {
    add(line.slice(end, match.index));
    end = match.index + match[0].length;
    if (match[1] !== undefined) style = changed(style, match[1]);
  }
  add(line.slice(end));
  return found;
}

/** The same without any colour: for the clipboard and for files. */
export function plain(line: string): string {
  return pieces(line)
    .map((piece) => piece.text)
    .join("");
}

interface Style {
  colour: string;
  bold: boolean;
}

function lookOf({ colour, bold }: Style): string {
  return [colour, bold ? "font-semibold" : ""].filter(Boolean).join(" ");
}

function changed(style: Style, codes: string): Style {
  let next = style;
  const numbers = codes === "" ? [0] : codes.split(";").map(Number);
  for (let at = 0; at < numbers.length; at++) {
    const code = numbers[at] ?? 0;
    if (code === 0) next = { colour: "", bold: false };
    else if (code === 1) next = { ...next, bold: true };
    else if (code === 22) next = { ...next, bold: false };
    else if (code === 38 || code === 48) at += numbers[at + 1] === 5 ? 2 : 4;
    else if (code === 39) next = { ...next, colour: "" };
    else if ((code >= 30 && code <= 37) || (code >= 90 && code <= 97)) {
      next = { ...next, colour: COLOURS[code % 10] ?? "" };
    }
  }
  return next;
}
