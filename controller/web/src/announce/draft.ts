/// An announcement in the making: what, to whom, when. Plain data; it is kept on the phone as it is.
import type { Chime, Priority, Status } from "../api/types";
import type { CivilDate } from "../lib/civil";

/// What is said.
export type What =
  /// Recorded here or picked as a file: the bytes are in the phone's `recordings`.
  | { kind: "sound"; recording: string; name: string; mime: string; bytes: number }
  /// The office speaks it. `audio`: it did already, this text with this voice and speed.
  | { kind: "speech"; text: string; voice: string; speed: number; audio: string | null }
  /// The office has it.
  | { kind: "kept"; audio: string; name: string }
  /// Another station's programme, for so long each time. `fallback`: sounds when the station is away; without it, silence.
  | { kind: "relay"; url: string; windowS: number; fallback: string | null; byPoles: boolean; name: string };

export type WhenKind = "now" | "today" | "tomorrow" | "date" | "daily" | "weekly";
export interface WhenChoice {
  kind: WhenKind;
  /// `05:30`
  time: string;
  /// For `date`.
  date: CivilDate;
  /// For `weekly`: 1 (Monday) to 7.
  days: number[];
  /// For `daily` and `weekly`; empty: from now, without end.
  from: CivilDate | "";
  until: CivilDate | "";
  except: CivilDate[];
  skipHolidays: boolean;
}

export interface Target {
  channel: string;
  name: string;
}

export interface Draft {
  /// Names the announcement on this phone from the first word to the last.
  id: string;
  what: What | null;
  durationS: number | null;
  /// Empty: made from place and time, or the text.
  title: string;
  targets: Target[];
  when: WhenChoice;
  priority: Priority;
  status: Status;
  times: number;
  everyS: number;
  volume: number;
  chime: Chime | "auto";
  latenessS: number | null;
}

export const MORNING = "05:30";

export function newDraft(id: string, today: CivilDate, targets: Target[]): Draft {
  return {
    id,
    what: null,
    durationS: null,
    title: "",
    targets,
    when: {
      kind: "now",
      time: MORNING,
      date: today,
      days: [],
      from: "",
      until: "",
      except: [],
      skipHolidays: false,
    },
    priority: "ordinary",
    status: "actual",
    times: 1,
    everyS: 0,
    volume: 100,
    chime: "auto",
    latenessS: null,
  };
}
