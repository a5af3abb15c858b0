/// The same days as a list: by date and time, one row for a bulletin however many speakers say it.
import { clock, dayAndMinute } from "./minutes";
import type { DaysView, Priority, Status } from "$/api/types";
import { due, sounds, type Verdict, verdict, worst } from "./verdict";

export interface Row {
  bulletin: string;
  title: string;
  priority: Priority;
  status: Status;
  planned: string;
  past: boolean;
  /// Speakers that sound it, of all for whom it is planned.
  sounding: number;
  of: number;
  worst: Verdict;
  counts: Partial<Record<Verdict, number>>;
  /// Why speakers do not sound it, with their names.
  reasons: { verdict: Verdict; reason: string | null; names: string[] }[];
  /// The start that was furthest from its plan.
  error_ms: number | null;
}

export interface TimeGroup {
  time: string;
  rows: Row[];
}

export interface DateGroup {
  date: string;
  times: TimeGroup[];
}

export function list(days: DaysView): DateGroup[] {
  const rows = new Map<string, Row>();
  for (const speaker of days.speakers) {
    for (const item of speaker.items) {
      const key = `${item.planned} ${item.bulletin}`;
      let row = rows.get(key);
      if (!row) {
        const { bulletin, title, priority, status, planned } = item;
        row = { bulletin, title, priority, status, planned, past: true, sounding: 0, of: 0, worst: "will", counts: {}, reasons: [], error_ms: null };
        rows.set(key, row);
      }
      const v = verdict(item);
      row.past &&= item.past;
      row.of += due(v) ? 1 : 0;
      row.sounding += sounds(v) ? 1 : 0;
      row.counts[v] = (row.counts[v] ?? 0) + 1;
      if (item.error_ms !== null && Math.abs(item.error_ms) >= Math.abs(row.error_ms ?? 0)) row.error_ms = item.error_ms;
      if (!sounds(v) || v === "cut") {
        const why = row.reasons.find((r) => r.verdict === v && r.reason === item.reason);
        if (why) why.names.push(speaker.name);
        else row.reasons.push({ verdict: v, reason: item.reason, names: [speaker.name] });
      }
    }
  }
  return group([...rows.values()], days.zone);
}

function group(rows: Row[], zone: string): DateGroup[] {
  rows.sort((a, b) => Date.parse(a.planned) - Date.parse(b.planned) || a.title.localeCompare(b.title, "vi"));
  const dates: DateGroup[] = [];
  for (const row of rows) {
    row.worst = worst(Object.keys(row.counts) as Verdict[]) ?? "will";
    const { date, minutes } = dayAndMinute(row.planned, zone);
    let day = dates.at(-1);
    if (day?.date !== date) {
      day = { date, times: [] };
      dates.push(day);
    }
    const time = clock(minutes);
    let at = day.times.at(-1);
    if (at?.time !== time) {
      at = { time, rows: [] };
      day.times.push(at);
    }
    at.rows.push(row);
  }
  return dates;
}
