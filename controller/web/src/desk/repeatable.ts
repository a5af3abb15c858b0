/// A bulletin as a body again: to have it checked, or to make the next one like it.
import type { BulletinView, CheckBody } from "$/api/types";

export function bodyOf(b: BulletinView): CheckBody {
  const { title, audio, priority, targets, repeat, chime, volume, order, status, skip_holidays, zone, on_preempt } = b;
  const { now, ...rest } = b.when;
  const when = now === undefined ? rest : { now: true };
  const sound = audio === null ? { duration_s: b.stream?.relay?.duration_s ?? b.duration_s } : { audio };
  const body: CheckBody = { title, ...sound, priority, targets, when, zone, repeat, chime, volume, order, status, on_preempt };
  if (b.when.rrule !== undefined) body.skip_holidays = skip_holidays;
  return body;
}

/// The prepared correction with the title in its place.
export function correction(sentence: string, title: string): string {
  return sentence.replaceAll("{title}", title);
}
