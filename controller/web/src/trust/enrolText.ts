/// What a pole's sticker says behind the `#`: the one-time code and the fingerprint of the office. Pure.

export interface Scanned {
  /// As it is typed: `XXXX-XXXX-XXXX`.
  code: string;
  fingerprint: string;
}

export function readSticker(hash: string): Scanned | null {
  const found = /^#?([0-9A-Za-z-]{12,14})\.([0-9a-fA-F]{64})$/.exec(hash.trim());
  if (!found?.[1] || !found[2]) return null;
  const plain = found[1].replaceAll("-", "").toUpperCase();
  if (plain.length !== 12) return null;
  return { code: `${plain.slice(0, 4)}-${plain.slice(4, 8)}-${plain.slice(8)}`, fingerprint: found[2].toLowerCase() };
}
