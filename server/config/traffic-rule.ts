/** `messages=5000, bytes=32 MiB, connections=600`: what may be sent per second, and how many may be open. */
import type { TrafficRule } from '../limits/traffic/traffic-limits.js';
import { formatSize, parseSize } from './size.js';

type Member = 'messages' | 'bytes' | 'connections';

const MEMBERS: Readonly<Record<Member, keyof TrafficRule>> = {
  messages: 'messagesPerSecond',
  bytes: 'bytesPerSecond',
  connections: 'connections',
};
export const TRAFFIC_RULE_PROBLEM =
  'must be "off" or some of messages=N, bytes=SIZE and connections=N, comma-separated, each N positive or "off"';

/** What is not named keeps its default; undefined when the text is no rule. */
export function parseTrafficRule(text: string, defaults: TrafficRule): TrafficRule | undefined {
  if (text.toLowerCase() === 'off')
    return { messagesPerSecond: Infinity, bytesPerSecond: Infinity, connections: Infinity };
  const rule: Record<keyof TrafficRule, number> = { ...defaults };
  for (const item of text.split(',')) {
    const [name = '', value = '', ...rest] = item.split('=').map((part) => part.trim().toLowerCase());
    const limit = parseLimit(name, value);
    if (!isMember(name) || limit === undefined || rest.length > 0) return undefined;
    rule[MEMBERS[name]] = limit;
  }
  return rule;
}

export function formatTrafficRule({ messagesPerSecond, bytesPerSecond, connections }: TrafficRule): string {
  return `messages=${messagesPerSecond},bytes=${formatSize(bytesPerSecond)},connections=${connections}`;
}

function isMember(name: string): name is Member {
  return Object.hasOwn(MEMBERS, name);
}

function parseLimit(name: string, value: string): number | undefined {
  if (value === 'off') return Infinity;
  const limit = name === 'bytes' ? parseSize(value) : /^\d{1,12}$/.test(value) ? Number(value) : undefined;
  return limit !== undefined && limit > 0 ? limit : undefined;
}
