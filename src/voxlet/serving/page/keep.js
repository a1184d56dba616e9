// What people take away: files, and links to what they see.

/** Let the browser keep a file. */
export function save(name, content, type) {
  const address = URL.createObjectURL(new Blob([content], { type }));
  Object.assign(document.createElement('a'), { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/** Make the page's address `#parts`, and copy it; the key of the text that says what became of it. */
export async function copyLink(parts) {
  history.replaceState(null, '', `#${parts}`);
  try {
    await navigator.clipboard.writeText(location.href);
    return 'linkCopied';
  } catch {
    return 'linkShown';
  }
}
