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
});
export type Device = z.infer<typeof deviceSchema>;

const MAX_TEXT = 64;

export const mayCollectDevice = (form: FormJson): boolean => form.settings['collectDevice'] === true;

export function deviceOf(headers: IncomingHttpHeaders, timeZone: string | undefined): Device {
  const agent = headers['user-agent'] ?? '';
  const { browser, os, platform } =
    agent === '' ? { browser: {}, os: {}, platform: {} } : Bowser.parse(agent.slice(0, 1_024));
  return {
    browser: { name: short(browser.name), version: short(browser.version) },
    os: { name: short(os.name), version: short(os.version) },
    type: short(platform.type),
    language: short(/^[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*/.exec(headers['accept-language'] ?? '')?.[0]),
    timeZone: short(timeZone),
  };
}

const short = (text: string | undefined): string | null =>
  text === undefined || text === '' ? null : text.slice(0, MAX_TEXT);
