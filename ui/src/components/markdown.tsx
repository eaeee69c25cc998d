/** Markdown of artifacts, typeset. Loaded only where there is some. */
import DOMPurify, { type Config } from "dompurify";
import { Marked } from "marked";
import { useLayoutEffect, useRef } from "react";

import { isPicture } from "../lib/artifacts";

/** The heads of an artifact stand beneath those of the page. */
const DEEPER = 2;

const BREAK = /^<br\s*\/?>$/i;
const ENTITIES: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

const markdown = new Marked({
  gfm: true,
  renderer: {
    checkbox: ({ checked }) => (checked ? "☑ " : "☐ "),
    // HTML in it is a text like any other; a break of lines has no other way in tables.
    html: ({ text }) => (BREAK.test(text.trim()) ? "<br>" : text.replace(/[&<>"']/g, (letter) => ENTITIES[letter] ?? "")),
  },
  walkTokens: (token) => {
    if (token.type === "heading") token["depth"] = Math.min(6, Number(token["depth"]) + DEEPER);
  },
});

/** Text and its structure. Nothing that acts, loads from elsewhere, or has a look of its own. */
const ALLOWED: Config = {
  ALLOWED_TAGS: [
    "h1", "h2", "h3", "h4", "h5", "h6", "p", "br", "hr", "blockquote", "pre", "code", "em", "strong", "del", "sub", "sup",
    "ul", "ol", "li", "table", "thead", "tbody", "tr", "th", "td", "a", "img",
  ],
  ALLOWED_ATTR: ["href", "src", "alt", "title", "align", "start"],
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
};

const purify = DOMPurify(window);
purify.addHook("afterSanitizeAttributes", (node) => {
  if (node.tagName === "A") {
    node.setAttribute("rel", "noopener noreferrer");
    node.setAttribute("target", "_blank");
  } else if (node.tagName === "PRE" || node.tagName === "TABLE") {
    node.setAttribute("tabindex", "0"); // it may scroll, by keys too
  } else if (node.tagName === "IMG" && !isPicture(node.getAttribute("src") ?? "", location.origin)) {
    node.replaceWith(...linkTo(node.getAttribute("src"), node.getAttribute("alt")));
  }
});

/** A picture from elsewhere is not loaded: that would tell somebody who looks at what. */
function linkTo(address: string | null, name: string | null): (Node | string)[] {
  if (!address) return [name ?? ""];
  const link = document.createElement("a");
  link.href = address;
  link.rel = "noopener noreferrer";
  link.target = "_blank";
  link.textContent = `picture: ${name || address}`;
  return [link];
}

export default function Markdown({ text }: { text: string }) {
  const place = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const html = markdown.parse(text, { async: false });
    place.current?.replaceChildren(purify.sanitize(html, { ...ALLOWED, RETURN_DOM_FRAGMENT: true }));
  }, [text]);
  return <div ref={place} className="markdown" />;
}
