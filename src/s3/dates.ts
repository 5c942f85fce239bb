/**
 * Dates as HTTP and S3 write them. Always UTC; headers have seconds, documents milliseconds.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#name-date-time-formats
 * @module
 */

const MONTHS = 'JanFebMarAprMayJunJulAugSepOctNovDec';

const IMF_FIXDATE =
  /^[A-Z][a-z]{2}, (\d{2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) (?:GMT|UTC|\+0000)$/;
const RFC_850 =
  /^[A-Z][a-z]+day, (\d{2})-([A-Z][a-z]{2})-(\d{2}) (\d{2}):(\d{2}):(\d{2}) (?:GMT|UTC)$/;
const ASCTIME = /^[A-Z][a-z]{2} ([A-Z][a-z]{2}) ([ \d]\d) (\d{2}):(\d{2}):(\d{2}) (\d{4})$/;

const ISO_DATE = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?Z$/;

const SECOND_MS = 1000;
const DAY_SECONDS = 86_400;

const TWO_DIGITS = Array.from({ length: 60 }, (_, number) => `${number}`.padStart(2, '0'));

// The text of the last day in each form. Dates of answers and of neighbouring keys share the day,
// and the rest is arithmetic: 0.03 us instead of the 0.3 us of a Date.
const httpDay = { number: NaN, text: '' };
const isoDay = { number: NaN, text: '' };

/** `Wed, 12 Oct 2009 17:50:00 GMT`. Milliseconds are cut off, not rounded. */
export function httpDate(timeMs: number): string {
  const second = Math.floor(timeMs / SECOND_MS);
  const day = Math.floor(second / DAY_SECONDS);
  if (day !== httpDay.number) {
    httpDay.text = new Date(day * DAY_SECONDS * SECOND_MS)
      .toUTCString()
      .slice(0, -'00:00:00 GMT'.length);
    httpDay.number = day;
  }
  return `${httpDay.text}${timeOfDay(second - day * DAY_SECONDS)} GMT`;
}

/**
 * `2009-10-12T17:50:00.000Z`. Milliseconds are always zero, as on AWS: the header that names the
 * same moment has none, and clients compare the two.
 */
export function isoDate(timeMs: number): string {
  const second = Math.floor(timeMs / SECOND_MS);
  const day = Math.floor(second / DAY_SECONDS);
  if (day !== isoDay.number) {
    isoDay.text = new Date(day * DAY_SECONDS * SECOND_MS)
      .toISOString()
      .slice(0, -'00:00:00.000Z'.length);
    isoDay.number = day;
  }
  return `${isoDay.text}${timeOfDay(second - day * DAY_SECONDS)}.000Z`;
}

/** Reads the three date forms of HTTP. @returns milliseconds since 1970, or undefined. */
export function parseHttpDate(text: string): number | undefined {
  const imf = IMF_FIXDATE.exec(text);
  if (imf !== null) return utcMs(imf[3], imf[2], imf[1], imf[4], imf[5], imf[6]);
  const rfc850 = RFC_850.exec(text);
  if (rfc850 !== null) {
    const year = fullYear(Number(rfc850[3]));
    return utcMs(`${year}`, rfc850[2], rfc850[1], rfc850[4], rfc850[5], rfc850[6]);
  }
  const asctime = ASCTIME.exec(text);
  if (asctime === null) return undefined;
  return utcMs(asctime[6], asctime[1], asctime[2], asctime[3], asctime[4], asctime[5]);
}

/**
 * Reads `2009-10-12T17:50:00Z`, with or without a fraction; other zones than UTC are no dates here.
 *
 * @returns milliseconds since 1970, or undefined.
 */
export function parseIsoDate(text: string): number | undefined {
  if (!ISO_DATE.test(text)) return undefined;
  const timeMs = Date.parse(text);
  if (Number.isNaN(timeMs)) return undefined;
  // Date.parse carries over: the 31st of February would become a day in March.
  return new Date(timeMs).toISOString().slice(0, 19) === text.slice(0, 19) ? timeMs : undefined;
}

function timeOfDay(second: number): string {
  const hour = TWO_DIGITS[Math.floor(second / 3600)];
  const minute = TWO_DIGITS[Math.floor(second / 60) % 60];
  return `${hour}:${minute}:${TWO_DIGITS[second % 60]}`;
}

// RFC 9110: a two-digit year that seems more than 50 years ahead means the past century.
function fullYear(twoDigits: number): number {
  const thisYear = new Date().getUTCFullYear();
  const year = thisYear - (thisYear % 100) + twoDigits;
  return year > thisYear + 50 ? year - 100 : year;
}

function utcMs(...fields: readonly (string | undefined)[]): number | undefined {
  const [year, month, day, hour, minute, second] = fields;
  const monthIndex = MONTHS.indexOf(month ?? '?') / 3;
  if (!Number.isInteger(monthIndex) || monthIndex < 0) return undefined;
  const dayNumber = Number(day);
  // A leap second is the second after it; 24:00:00 and 31 February are no dates.
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return undefined;
  const timeMs = Date.UTC(
    Number(year),
    monthIndex,
    dayNumber,
    Number(hour),
    Number(minute),
    Number(second),
  );
  const midnight = new Date(Date.UTC(Number(year), monthIndex, dayNumber));
  return midnight.getUTCDate() === dayNumber ? timeMs : undefined;
}
