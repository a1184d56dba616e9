// Saving files and copying links.

/** Download a file. */
export function save(name, content, type) {
  const address = URL.createObjectURL(new Blob([content], { type }));
  Object.assign(document.createElement('a'), { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/** Set the page's address to `#parts` and copy it; returns the key of the text that reports the result. */
export async function copyLink(parts) {
  history.replaceState(null, '', `#${parts}`);
  try {
    await navigator.clipboard.writeText(location.href);
    return 'linkCopied';
  } catch {
    return 'linkShown';
  }
}
