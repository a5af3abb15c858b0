#!/usr/bin/env python3
"""Writes the recurrence oracle: random rules and what python-dateutil makes of them.

    python3 -m pip install python-dateutil==2.9.0.post0
    python3 protocol/tests/oracle/make_recurrence.py > protocol/tests/data/recurrence_oracle.txt

One line per rule:  start|last year|rule|first minutes…[.]
The times are naive civil time: the first as YYYY-MM-DDTHH:MM, then each one's distance from the one before, in minutes.
A `.` at the end says that nothing follows before the end of the last year, up to which dateutil was asked.

Left out on purpose, because dateutil and RFC 5545 (or we) differ there, each covered by a sentence in tests/recurrence.rs:
- FREQ=WEEKLY with BYSETPOS and a start within the week: dateutil counts from the start; here such a start opens its week.
- BYDAY that mixes plain and numbered weekdays: dateutil asks for both at once.
- BYWEEKNO of -53 and -52: dateutil does not see them in the last days of December.
- UNTIL as a date (dateutil reads midnight) and as an instant (dateutil refuses it beside a naive start).
- What RFC 5545 forbids together, which we refuse.
"""
import datetime as calendar
import itertools
import random
import types
import warnings
from datetime import datetime, timedelta

import dateutil
import dateutil.rrule

SEED = 20261124
RULES = 6000
TIMES = 20
# How far dateutil is asked: it walks every period up to its last year, so a rule that never comes would take it minutes.
ASKED_YEARS = {"YEARLY": 400, "MONTHLY": 150, "WEEKLY": 60, "DAILY": 40, "HOURLY": 5, "MINUTELY": 3}
DAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
FREQS = ["YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY"]


def some(rng, values, most):
    return rng.sample(values, rng.randint(1, min(most, len(values))))


def signed(rng, last, most):
    values = some(rng, range(1, last + 1), most)
    return sorted({-v if rng.random() < 0.3 else v for v in values})


def chosen(rng, chance):
    return rng.random() < chance


def random_rule(rng):
    freq = rng.choice(FREQS)
    start = datetime(rng.randint(1995, 2035), rng.randint(1, 12), 1) + timedelta(
        days=rng.randint(0, 30), minutes=rng.randint(0, 1439)
    )
    if chosen(rng, 0.1):  # the days that trip calendars
        start = start.replace(**rng.choice([dict(month=12, day=31), dict(month=1, day=1), dict(month=1, day=31),
                                            dict(year=2024, month=2, day=29)]))
    wkst = rng.choice(DAYS) if chosen(rng, 0.3) else None
    parts = {}

    if chosen(rng, 0.3):
        parts["BYMONTH"] = some(rng, range(1, 13), 4)
    if freq == "YEARLY" and chosen(rng, 0.25):
        weeks = [w for w in signed(rng, 53, 4) if w > -52]
        if weeks:
            parts["BYWEEKNO"] = weeks
    if freq in ("YEARLY", "HOURLY", "MINUTELY") and chosen(rng, 0.2):
        parts["BYYEARDAY"] = signed(rng, 366, 6)
    if freq != "WEEKLY" and chosen(rng, 0.3):
        parts["BYMONTHDAY"] = signed(rng, 31, 6)
    if chosen(rng, 0.4):
        days = some(rng, DAYS, 4)
        if freq in ("YEARLY", "MONTHLY") and "BYWEEKNO" not in parts and chosen(rng, 0.5):
            most = 5 if freq == "MONTHLY" or "BYMONTH" in parts else 53
            days = [f"{rng.choice(['', '+', '-'])}{rng.randint(1, most)}{d}" for d in days]
        parts["BYDAY"] = days
    if chosen(rng, 0.35):
        parts["BYHOUR"] = some(rng, range(24), 4)
    if chosen(rng, 0.35):
        parts["BYMINUTE"] = some(rng, range(60), 4)
    if parts and chosen(rng, 0.3):
        parts["BYSETPOS"] = signed(rng, rng.choice([1, 3, 10, 366]), 3)
        if freq == "WEEKLY":
            first = DAYS.index(wkst) if wkst else 0
            start -= timedelta(days=(start.weekday() - first) % 7)
            start = start.replace(hour=0, minute=start.minute if "BYMINUTE" not in parts else 0)

    text = [f"FREQ={freq}"]
    if chosen(rng, 0.6):
        big = {"YEARLY": 7, "MONTHLY": 30, "WEEKLY": 60, "DAILY": 400, "HOURLY": 400, "MINUTELY": 4000}[freq]
        text.append(f"INTERVAL={rng.choice([2, 2, 3, 4, 5, rng.randint(2, big)])}")
    if wkst:
        text.append(f"WKST={wkst}")
    bys = [f"{name}={','.join(map(str, values))}" for name, values in parts.items()]
    rng.shuffle(bys)
    text += bys
    end = rng.random()
    if end < 0.2:
        text.append(f"COUNT={rng.randint(1, TIMES + 5)}")
    elif end < 0.4:
        span = {"YEARLY": 9000, "MONTHLY": 900, "WEEKLY": 200, "DAILY": 40, "HOURLY": 4, "MINUTELY": 1}[freq]
        until = start + timedelta(minutes=rng.randint(0, span * 1440))
        text.append(f"UNTIL={until:%Y%m%dT%H%M%S}")
    return start, ";".join(text)


def times_of(start, rule):
    """Up to TIMES times of the rule, whether that is all of them, and the year up to which that was asked."""
    last_year = start.year + ASKED_YEARS[rule.split(";")[0].removeprefix("FREQ=")]
    asked = datetime(last_year, 12, 31, 23, 59, 59)
    dateutil.rrule.datetime = types.SimpleNamespace(**{**vars(calendar), "MAXYEAR": last_year})
    found = []
    try:
        parsed = dateutil.rrule.rrulestr(rule, dtstart=start)
        parsed = parsed.replace(until=min(parsed._until or asked, asked))
        for time in itertools.islice(parsed, TIMES + 1):
            found.append(time)
    except ValueError as refused:
        # dateutil notices of some rules that they are empty; anything else would be a fault of this script.
        if "empty" not in str(refused):
            raise
    return found[:TIMES], len(found) <= TIMES, last_year


def main():
    warnings.simplefilter("ignore")  # COUNT beside the `until` that bounds the asking
    rng = random.Random(SEED)
    print(f"# python-dateutil {dateutil.__version__}, seed {SEED}, {RULES} rules; written by tests/oracle/make_recurrence.py")
    for _ in range(RULES):
        start, rule = random_rule(rng)
        times, ended, last_year = times_of(start, rule)
        words = []
        for place, time in enumerate(times):
            words.append(f"{time:%Y-%m-%dT%H:%M}" if place == 0 else str(int((time - times[place - 1]).total_seconds()) // 60))
        print(f"{start:%Y-%m-%dT%H:%M}|{last_year}|{rule}|{' '.join(words)}{'.' if ended else ''}")


if __name__ == "__main__":
    main()
