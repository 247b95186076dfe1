// Small words and elements that all parts of the application's page share.

export function byId(id) {
  return document.getElementById(id);
}

/** Show a sentence in its place, which is hidden while there is none. */
export function say(element, words) {
  element.textContent = words;
  element.hidden = !words;
}

/** "1 view", "2 views", "1,234 voxels". */
export function count(number, thing) {
  return `${number.toLocaleString("en")} ${thing}${number === 1 ? "" : "s"}`;
}

export function megabytes(bytes) {
  return `${(bytes / 1e6).toLocaleString("en", { maximumFractionDigits: 1 })} MB`;
}

/** Hand a file over to the browser's downloads. */
export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000); // a browser may ask the user first
}
