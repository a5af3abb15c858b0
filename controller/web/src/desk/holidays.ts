/// Holidays as people say them: "Tết, 5 to 11 February", not seven rows.
import { addDays } from "$/lib/civil";
import type { HolidayView } from "$/api/types";

export interface Break {
  name: string;
  from: string;
  to: string;
  ids: string[];
}

/// Days in a row under one name are one break.
export function breaks(holidays: HolidayView[]): Break[] {
  const found: Break[] = [];
  for (const day of [...holidays].sort((a, b) => a.date.localeCompare(b.date))) {
    const open = found.filter((b) => b.name === day.name).at(-1);
    if (open && addDays(open.to, 1) === day.date) {
      open.to = day.date;
      open.ids.push(day.id);
    } else {
      found.push({ name: day.name, from: day.date, to: day.date, ids: [day.id] });
    }
  }
  return found;
}
