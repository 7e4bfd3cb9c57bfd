export const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;
export type Day = (typeof DAYS)[number];

/** Hours of some weekdays, local time, `HH:MM`. One whose end is not after its begin goes on past midnight. */
export interface Window {
  readonly days: readonly Day[];
  readonly from: string;
  readonly to: string;
}

interface Span {
  readonly startMs: number;
  readonly endMs: number;
}

/** When the hours that `now` lies in end, unix ms; undefined where it lies in none. */
export function windowEnd(schedule: readonly Window[], now: Date): number | undefined {
  const at = now.getTime();
  const ends = spans(schedule, now).filter(({ startMs, endMs }) => startMs <= at && at < endMs).map(({ endMs }) => endMs);
  return ends.length === 0 ? undefined : Math.max(...ends);
}

/** When the next hours begin, unix ms. */
export function windowStart(schedule: readonly Window[], now: Date): number | undefined {
  const starts = spans(schedule, now).map(({ startMs }) => startMs).filter((startMs) => startMs > now.getTime());
  return starts.length === 0 ? undefined : Math.min(...starts);
}

/** From yesterday, whose hours may go on, to the same day of next week. */
function spans(schedule: readonly Window[], now: Date): Span[] {
  return schedule.flatMap(({ days, from, to }) => Array.from({ length: 9 }, (_, i) => i - 1).flatMap((ahead): Span[] => {
    const day = new Date(now.getFullYear(), now.getMonth(), now.getDate() + ahead);
    if (!days.includes(DAYS[day.getDay()] ?? 'sun')) return [];
    return [{ startMs: timeOn(day, from), endMs: timeOn(day, to, to <= from ? 1 : 0) }];
  }));
}

// Through the calendar, not by adding: a day may have 23 or 25 hours.
function timeOn(day: Date, time: string, daysLater = 0): number {
  const [hours, minutes] = time.split(':').map(Number);
  return new Date(day.getFullYear(), day.getMonth(), day.getDate() + daysLater, hours, minutes).getTime();
}
