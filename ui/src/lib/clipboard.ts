/** Copies a text. Browsers have a clipboard for pages by https and of this machine alone: else by the old way. */
export async function copyText(text: string): Promise<void> {
  // The types promise it everywhere.
  const clipboard = navigator.clipboard as Clipboard | undefined;
  if (clipboard) return clipboard.writeText(text);
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "sr-only";
  document.body.append(area);
  area.select();
  const isDone = document.execCommand("copy");
  area.remove();
  if (!isDone) throw new Error("The browser does not let this page copy: it is shown by http. Select the text and copy it.");
}
