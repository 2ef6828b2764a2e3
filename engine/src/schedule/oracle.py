#!/usr/bin/env python3
"""The answers that the schedules' tests compare with, computed by others: dateutil.rrule reckons the days, zoneinfo the moments.

    pip install python-dateutil tzdata==2025.2
    oracle.py           writes oracle.txt beside this script
    oracle.py --check   says whether oracle.txt is what it would write: exit code 0 if so, 1 if not, 2 if that cannot be told here

What is compared, and how far:

- `days` lines: the days that a schedule names over 400 years, 1970 to 2369, which is the whole cycle of the calendar. They know
  no zone. A year of days is given once, as MMDD in a row, under a letter; then comes a letter for each year. The test walks
  through all 400 years in each zone.
- `zone` lines: the moments of the days of such a line, at a time of day in a zone, as seconds by which the day and time,
  read as UTC, lie before or behind the moment. Until the end of 2099 only: chrono-tz writes out the changes of clocks until then
  and keeps the last offset for ever; zoneinfo goes on by the rule. Until then both have the same database, whose version
  is in the fixture. Nothing before 1970, where builds of the database differ (`backzone`).
- `clock` lines: single days and times around changes of clocks that are rare: days left out whole, half hours, other weekdays.

In the test all of it goes through `next_run`, slot by slot.
"""

import collections
import datetime as dt
import pathlib
import random
import string
import sys
import zoneinfo

from dateutil import rrule

VERSION = "2025b"
FIXTURE = pathlib.Path(__file__).with_name("oracle.txt")
FIRST_YEAR, LAST_YEAR, LAST_YEAR_OF_ZONES = 1970, 2369, 2099
WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
NTH = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": -1}
ZONES = [
    "UTC", "Africa/Cairo", "Africa/Casablanca", "Africa/Monrovia", "America/Asuncion", "America/Havana", "America/New_York",
    "America/Sao_Paulo", "America/St_Johns", "Antarctica/Troll", "Asia/Beirut", "Asia/Kathmandu", "Asia/Kolkata",
    "Asia/Pyongyang", "Asia/Tehran", "Asia/Tokyo", "Australia/Lord_Howe", "Australia/Sydney", "Europe/Berlin",
    "Europe/Dublin", "Europe/London", "Pacific/Apia", "Pacific/Chatham", "Pacific/Kwajalein",
]
UTC = dt.timezone.utc
DAY = dt.timedelta(days=1)
SECOND = dt.timedelta(seconds=1)


def use_database():
    """Makes zoneinfo read the database of VERSION, from the package tzdata or else from the system."""
    try:
        import tzdata
        if tzdata.IANA_VERSION == VERSION:
            zoneinfo.reset_tzpath(to=[])
            return
    except ImportError:
        pass
    for folder in zoneinfo.TZPATH:
        file = pathlib.Path(folder, "tzdata.zi")
        if file.is_file():
            if file.open().readline().split()[-1] == VERSION:
                return
            break
    print(f"the time zone database {VERSION} is not here: pip install tzdata==2025.2", file=sys.stderr)
    sys.exit(2)


# Days


def rule(every, on, start, until):
    """The days that dateutil names."""
    midnight = dt.time()
    def days(frequency, interval, start, **which):
        found = rrule.rrule(frequency, interval=interval, dtstart=dt.datetime.combine(start, midnight),
                            until=dt.datetime.combine(until, midnight), **which)
        return (day.date() for day in found)
    if every in ("weekly", "fortnightly"):
        frequency, step = rrule.WEEKLY, 1 if every == "weekly" else 2
        which = {"byweekday": WEEKDAYS.index(on)}
    else:
        frequency, step = rrule.MONTHLY, 1 if every == "monthly" else 3
        if on.isdigit():
            # The last that there is, up to the day: a shorter month has its last day.
            which = {"bymonthday": range(min(int(on), 28), int(on) + 1), "bysetpos": -1}
        else:
            nth, weekday = on.split()
            which = {"byweekday": rrule.weekday(WEEKDAYS.index(weekday), NTH[nth])}
    # Counted from the first run, not from the day on which the schedule may begin.
    first = next(days(frequency, 1, start, **which))
    return list(days(frequency, step, first, **which))


def day_cases():
    chance = random.Random(4)
    days_of_month = [str(day) for day in (1, 15, 28, 29, 30, 31)]
    named = [f"{nth} {weekday}" for nth in NTH for weekday in WEEKDAYS]
    for every, ons in [("weekly", WEEKDAYS), ("fortnightly", WEEKDAYS),
                       ("monthly", days_of_month + named), ("quarterly", days_of_month + named)]:
        for on in ons:
            start = dt.date(FIRST_YEAR, 1, 1) + DAY * chance.randrange(365)
            until = dt.date(LAST_YEAR, 12, 31) - DAY * chance.randrange(100)
            yield every, on, start, until, rule(every, on, start, until)


def days_line(every, on, start, until, days):
    years = collections.defaultdict(list)
    for day in days:
        years[day.year].append(f"{day:%m%d}")
    letters = {}
    row = ""
    for year in range(FIRST_YEAR, LAST_YEAR + 1):
        row += letters.setdefault("".join(years[year]), string.ascii_letters[len(letters)])
    patterns = " ".join(f"{letter}={pattern}" for pattern, letter in letters.items())
    return f"days|{every}|{on}|{start}|{until}|{patterns}|{row}"


# Moments


def moment(zone, shown):
    """When clocks show this: the first time of two; the first moment after a gap."""
    before, after = (shown.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
    if before >= after:
        # It exists, maybe twice.
        return shown - before
    # In a gap. The clocks were put forward between these two.
    early, late = shown - after, shown - before
    offset = lambda utc: utc.replace(tzinfo=UTC).astimezone(zone).utcoffset()
    assert offset(early) == before and offset(late) == after, (zone, shown)
    while late - early > SECOND:
        middle = early + (late - early) // 2 // SECOND * SECOND
        early, late = (middle, late) if offset(middle) == before else (early, middle)
    return late


def changes(zone):
    """When the clocks of a zone are changed: the moment, as they show it before and after."""
    offset = lambda utc: utc.replace(tzinfo=UTC).astimezone(zone).utcoffset()
    found = []
    day, end = dt.datetime(FIRST_YEAR, 1, 3), dt.datetime(LAST_YEAR_OF_ZONES, 12, 28)
    while day < end:
        early, late = day, day + DAY
        if offset(early) != offset(late):
            old = offset(early)
            while late - early > SECOND:
                middle = early + (late - early) // 2 // SECOND * SECOND
                early, late = (middle, late) if offset(middle) == old else (early, middle)
            found.append((late + old, late + offset(late)))
        day += DAY
    return found


def spots(before, after):
    """Times around a change: where what is left out, or comes twice, begins, in it, its last second, and behind it."""
    low, high = min(before, after), max(before, after)
    middle = low + (high - low) // 2 // SECOND * SECOND
    return [low, middle, high - SECOND, high]


def zone_cases(zone, chance, cases):
    """Lines of days, each with a time, that meet as many changes of this zone's clocks as can be."""
    wanted = []
    found = changes(zone)
    for forward in (True, False):
        for spot in (1, chance.choice([0, 2, 3])):
            met = collections.Counter()
            for before, after in found:
                if (after > before) == forward:
                    at = spots(before, after)[spot]
                    met[("weekly", WEEKDAYS[at.weekday()], at.time())] += 1
            wanted += [key for key, _ in met.most_common(1)]
    times = [time for _, _, time in wanted] or [dt.time(0, 0), dt.time(2, 0)]
    for every in ("fortnightly", "monthly", "monthly", "quarterly"):
        on = chance.choice([case[1] for case in cases if case[0] == every])
        wanted.append((every, on, chance.choice(times)))
    for every, on, time in dict.fromkeys(wanted):
        yield next(at for at, case in enumerate(cases) if case[:2] == (every, on)), time


def zone_line(zone, number, time, days):
    letters = {}
    runs = []
    for day in days:
        if day.year > LAST_YEAR_OF_ZONES:
            break
        shown = dt.datetime.combine(day, time)
        shift = (shown - moment(zone, shown)) // SECOND
        letter = letters.setdefault(shift, string.ascii_letters[len(letters)])
        if runs and runs[-1][0] == letter:
            runs[-1][1] += 1
        else:
            runs.append([letter, 1])
    shifts = " ".join(f"{letter}={shift}" for shift, letter in letters.items())
    row = "".join(letter + (str(times) if times > 1 else "") for letter, times in runs)
    return f"zone|{zone.key}|{number}|{time}|{shifts}|{row}"


def clock_lines(zone):
    found = changes(zone)
    usual = collections.Counter((before.weekday(), before.time()) for before, _ in found)
    rare = sorted(found, key=lambda change: (usual[(change[0].weekday(), change[0].time())], change))[:10]
    longest = sorted(found, key=lambda change: -abs(change[1] - change[0]))[:1]
    for before, after in sorted(set(rare + longest)):
        for shown in spots(before, after):
            utc = moment(zone, shown)
            yield f"clock|{zone.key}|{shown:%Y-%m-%dT%H:%M:%S}|{utc:%Y-%m-%dT%H:%M:%SZ}"


def fixture():
    chance = random.Random(20)
    lines = ["# Made by oracle.py, which says what this is.", f"tzdata|{VERSION}"]
    cases = list(day_cases())
    lines += [days_line(*case) for case in cases]
    for zone in map(zoneinfo.ZoneInfo, ZONES):
        lines += [zone_line(zone, number, time, cases[number][4]) for number, time in zone_cases(zone, chance, cases)]
        lines += clock_lines(zone)
    return "\n".join(lines) + "\n"


def main():
    use_database()
    text = fixture()
    if sys.argv[1:] == ["--check"]:
        if FIXTURE.read_text() != text:
            sys.exit(f"{FIXTURE} is not what this script makes")
    elif sys.argv[1:]:
        sys.exit(__doc__)
    else:
        FIXTURE.write_text(text)


if __name__ == "__main__":
    main()
