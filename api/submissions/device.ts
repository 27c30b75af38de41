/** What a request tells about the device that it came from. Kept only where the form's settings allow it. */
import Bowser from 'bowser';
import type { IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';
import type { FormJson } from '../../crdt/index.js';

const nameAndVersion = z.object({ name: z.string().nullable(), version: z.string().nullable() });

export const deviceSchema = z.object({
  browser: nameAndVersion,
  os: nameAndVersion,
  type: z.string().nullable().describe('desktop, mobile, tablet, tv, bot …'),
  language: z.string().nullable(),
  timeZone: z.string().nullable().describe('As the client said.'),
  location: z
    .string()
    .nullable()
    .default(null)
    .describe(
      'Country or region, as a proxy of TRUSTED_PROXIES said; null where the form has `collectLocation: false`.',
    ),
});
export type Device = z.infer<typeof deviceSchema>;

const MAX_TEXT = 64;

/** What of it the form lets the server keep; null for nothing. */
export function permitted({ settings }: Pick<FormJson, 'settings'>, device: Device): Device | null {
  if (settings['collectDevice'] !== true) return null;
  return settings['collectLocation'] === false ? { ...device, location: null } : device;
}

/** A country or region: no address and no pair of coordinates, whatever the header holds. */
const PLACE = /^\p{L}[\p{L} .'()-]{0,63}$/u;
/** What content networks send when they do not know. */
const UNKNOWN_PLACES: ReadonlySet<string> = new Set(['XX', 'ZZ', 'T1']);

/** @param headers of a request that came through a trusted proxy; `names` in lower case, the first that says one counts */
export function locationIn(headers: IncomingHttpHeaders, names: readonly string[]): string | null {
  for (const name of names) {
    const value = headers[name];
    if (typeof value === 'string' && PLACE.test(value) && !UNKNOWN_PLACES.has(value.toUpperCase())) return value;
  }
  return null;
}

export function deviceOf(
  headers: IncomingHttpHeaders,
  timeZone: string | undefined,
  location: string | null = null,
): Device {
  const agent = headers['user-agent'] ?? '';
  const { browser, os, platform } =
    agent === '' ? { browser: {}, os: {}, platform: {} } : Bowser.parse(agent.slice(0, 1_024));
  return {
    browser: { name: short(browser.name), version: short(browser.version) },
    os: { name: short(os.name), version: short(os.version) },
    type: short(platform.type),
    language: short(/^[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*/.exec(headers['accept-language'] ?? '')?.[0]),
    timeZone: short(timeZone),
    location,
  };
}

const short = (text: string | undefined): string | null =>
  text === undefined || text === '' ? null : text.slice(0, MAX_TEXT);
