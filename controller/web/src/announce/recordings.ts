/// Sound on the phone: written in pieces as it comes, so that a crash or a closed tab costs at most the last second.
import { db } from "../lib/db";

export interface Recording {
  id: string;
  /// Whose it is.
  user: string;
  madeMs: number;
  mime: string;
  durationS: number;
  name: string;
  /// A picked file: whole from the start. A recorded one is in pieces.
  file?: Blob;
}
interface Chunk {
  recording: string;
  n: number;
  bytes: ArrayBuffer;
}

export async function begin(recording: Recording): Promise<void> {
  await db.put("recordings", recording);
}
export async function append(recording: Recording, n: number, piece: Blob): Promise<void> {
  await db.put("chunks", { recording: recording.id, n, bytes: await piece.arrayBuffer() } satisfies Chunk);
  await db.put("recordings", recording);
}
export async function recordingOf(id: string): Promise<Recording | undefined> {
  return db.get<Recording>("recordings", id);
}
export async function bytesOf(id: string): Promise<Blob | null> {
  const recording = await recordingOf(id);
  if (!recording) return null;
  if (recording.file) return recording.file;
  const chunks = await db.chunksOf<Chunk>(id);
  if (chunks.length === 0) return null;
  chunks.sort((a, b) => a.n - b.n);
  return new Blob(
    chunks.map((chunk) => chunk.bytes),
    { type: recording.mime },
  );
}
export async function dropRecording(id: string): Promise<void> {
  await db.delete("recordings", id);
  await db.deleteChunksOf(id);
}
/// This person's that neither the draft nor the outbox names; newest first. Empty ones are swept.
export async function leftovers(user: string, used: Set<string>): Promise<Recording[]> {
  const found: Recording[] = [];
  for (const recording of await db.all<Recording>("recordings")) {
    if (recording.user !== user || used.has(recording.id)) continue;
    if (recording.durationS >= 1) found.push(recording);
    else await dropRecording(recording.id);
  }
  return found.sort((a, b) => b.madeMs - a.madeMs);
}

/// What a file's name ends with, for the office's guess.
export function extension(mime: string): string {
  if (mime.includes("webm")) return "webm";
  if (mime.includes("mp4")) return "m4a";
  if (mime.includes("ogg")) return "ogg";
  return "bin";
}
