/// A bulletin as a body again: to have it checked, or to make the next one like it.
import type { BulletinView, CheckBody, RelayBody, RelayView } from "$/api/types";

export function bodyOf(b: BulletinView): CheckBody {
  const { title, audio, priority, targets, repeat, chime, volume, order, status, skip_holidays, zone, on_preempt } = b;
  const { now, ...rest } = b.when;
  const when = now === undefined ? rest : { now: true };
  const relay = b.stream?.relay;
  const sound = audio !== null ? { audio } : relay ? { relay: relayBody(relay) } : { duration_s: b.duration_s };
  const body = { title, ...sound, priority, targets, when, zone, repeat, chime, volume, order, status, on_preempt } as CheckBody;
  if (b.when.rrule !== undefined) body.skip_holidays = skip_holidays;
  return body;
}

function relayBody({ url, duration_s, fallback, by_poles }: RelayView): RelayBody {
  return { url, duration_s, by_poles, ...(fallback && { fallback }) };
}

/// The prepared correction with the title in its place.
export function correction(sentence: string, title: string): string {
  return sentence.replaceAll("{title}", title);
}
