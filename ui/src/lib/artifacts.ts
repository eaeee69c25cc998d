/** What flows have published, as tables and as text with links. */

export interface Grid {
  columns: string[];
  rows: unknown[][];
}

/** A list of objects, a list of lists, or columns by name; null for anything else. */
export function gridOf(data: unknown): Grid | null {
  const table = parsed(data);
  if (Array.isArray(table)) {
    if (table.every(isObject)) {
      const columns = [...new Set(table.flatMap((row) => Object.keys(row)))];
      return { columns, rows: table.map((row) => columns.map((name) => row[name])) };
    }
    if (table.every(Array.isArray)) {
      const width = Math.max(0, ...table.map((row: unknown[]) => row.length));
      return { columns: Array.from({ length: width }, (_, at) => String(at + 1)), rows: table };
    }
    return null;
  }
  if (!isObject(table)) return null;
  const columns = Object.keys(table);
  const cells = Object.values(table);
  if (!cells.every(Array.isArray)) return null;
  const length = Math.max(0, ...cells.map((column: unknown[]) => column.length));
  return { columns, rows: Array.from({ length }, (_, row) => cells.map((column: unknown[]) => column[row])) };
}

function parsed(data: unknown): unknown {
  if (typeof data !== "string") return data;
  try {
    return JSON.parse(data) as unknown;
  } catch {
    return null;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export interface Part {
  text: string;
  href?: string;
}

const LINK = /\[([^\]]+)\]\(([^)\s]+)\)|(https?:\/\/[^\s<>)"']+)/g;

/** Text, with what leads to http or https elsewhere as links. No other address becomes one. */
export function linked(text: string): Part[] {
  const parts: Part[] = [];
  let end = 0;
  const add = (part: Part) => {
    if (part.text !== "") parts.push(part);
  };
  for (const match of text.matchAll(LINK)) {
    const [whole, name, address, bare] = match;
    const href = address ?? bare ?? "";
    if (!/^https?:\/\//i.test(href)) continue;
    add({ text: text.slice(end, match.index) });
    add({ text: name ?? href, href });
    end = match.index + whole.length;
  }
  add({ text: text.slice(end) });
  return parts;
}

/** Whether the page may show a picture: one that comes along with its address, or from this server. */
export function isPicture(address: string, origin: string): boolean {
  if (/^data:image\/(png|jpeg|gif|webp|avif|svg\+xml)[;,]/i.test(address)) return true;
  return URL.canParse(address) && new URL(address).origin === origin;
}

export function isLink(address: string): boolean {
  return /^https?:\/\//i.test(address) && URL.canParse(address);
}
