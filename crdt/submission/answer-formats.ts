/** Formats of texts in answers. Every expression here is linear: no part of a text can be matched in two ways. */

const EMAIL = /^[^\s@]{1,64}@[^\s@.]+(?:\.[^\s@.]+)*$/u;
const PHONE = /^[+(]?[0-9][0-9 ()./-]{1,30}(?: ?(?:x|ext\.?) ?[0-9]{1,8})?$/iu;
const DATE = /^(\d{4})-(\d\d)-(\d\d)$/;
const TIME = /^(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?$/;
const OFFSET = /(?:Z|[+-](?:0\d|1[0-4]):[0-5]\d)$/i;
const DAY_MS = 86_400_000;

export const isEmail = (text: string): boolean => text.length <= 254 && EMAIL.test(text);
export const isPhone = (text: string): boolean => PHONE.test(text) && (text.match(/\d/g)?.length ?? 0) >= 3;
export const isWebAddress = (text: string): boolean => /^https?:\/\//i.test(text) && URL.canParse(text);
export const isTime = (text: string): boolean => TIME.test(text);

/** A day that the calendar has. */
export function isDate(text: string): boolean {
  const [, year, month, day] = DATE.exec(text) ?? [];
  if (year === undefined || month === undefined || day === undefined) return false;
  const at = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(at.getTime()) && at.getUTCMonth() + 1 === Number(month) && at.getUTCDate() === Number(day);
}

/** With or without an offset from UTC. */
export function isDateTime(text: string): boolean {
  return /^.{10}[T ]/i.test(text) && isDate(text.slice(0, 10)) && isTime(text.slice(11).replace(OFFSET, ''));
}

/** For comparing texts of one format, in milliseconds. A time without an offset counts as UTC. */
export function momentOf(text: string): number {
  if (isTime(text)) return momentOf(`1970-01-01T${text}`);
  if (isDate(text)) return Date.parse(`${text}T00:00:00Z`);
  const [, hours = '0', minutes = '0', seconds = '0'] = /^(\d\d):(\d\d)(?::([\d.]+))?/.exec(text.slice(11)) ?? [];
  const [offset = 'Z'] = OFFSET.exec(text) ?? [];
  const sign = offset.startsWith('-') ? 1 : -1;
  const shift = /^z$/i.test(offset) ? 0 : sign * (Number(offset.slice(1, 3)) * 60 + Number(offset.slice(4, 6)));
  const ofDay = (Number(hours) * 60 + Number(minutes) + shift) * 60_000 + Number(seconds) * 1_000;
  return Math.floor(Date.parse(`${text.slice(0, 10)}T00:00:00Z`) / DAY_MS) * DAY_MS + ofDay;
}
