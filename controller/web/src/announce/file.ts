/// A file from the phone becomes the content of the announcement.
import { newKey } from "../api/client";
import { exactNow } from "../lib/clock.svelte";
import { t } from "../lib/i18n/index.svelte";
import { session } from "../lib/session.svelte";
import { bytes } from "../lib/words";
import { say } from "./drafting.svelte";
import { begin } from "./recordings";

const LISTEN_MS = 4_000;

/// Its length, when this phone can read it.
function lengthOf(file: Blob): Promise<number | null> {
  return new Promise((resolve) => {
    const audio = new Audio();
    const url = URL.createObjectURL(file);
    const end = (seconds: number | null) => {
      clearTimeout(timer);
      URL.revokeObjectURL(url);
      resolve(seconds);
    };
    const timer = setTimeout(() => end(null), LISTEN_MS);
    audio.onloadedmetadata = () => end(Number.isFinite(audio.duration) ? audio.duration : null);
    audio.onerror = () => end(null);
    audio.preload = "metadata";
    audio.src = url;
  });
}

/// Throws what is wrong with it, in words.
export async function pickFile(file: File, maxMb: number): Promise<void> {
  if (file.size > maxMb * 1_000_000) throw new Error(t("file.too_big", { size: bytes(file.size), max: maxMb }));
  const isSound = file.type === "" || /^(audio|video)\//.test(file.type) || file.type === "application/ogg";
  if (!isSound) throw new Error(t("file.not_audio"));
  const id = newKey();
  const durationS = await lengthOf(file);
  await begin({ id, user: session.me?.user.id ?? "", madeMs: exactNow(), mime: file.type, durationS: durationS ?? 1, name: file.name, file });
  say({ kind: "sound", recording: id, name: file.name, mime: file.type, bytes: file.size }, durationS);
}
