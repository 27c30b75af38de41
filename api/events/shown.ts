import type { z } from 'zod';
import type { Activity } from '../../server/system-events/index.js';
import { timeOf } from '../http/pages.js';
import type { eventSchema } from './schemas.js';

export function shownEvent(activity: Activity): z.infer<typeof eventSchema> {
  const { id, at, type, severity, source, userId, formId, document, address, node, count, data } = activity;
  return {
    ...{ id, time: timeOf(at), type, severity, source },
    userId: userId ?? null,
    formId: formId ?? null,
    document: document ?? null,
    address: address ?? null,
    node: node ?? null,
    ...{ count, data },
  };
}

/** RFC 3339 to Unix time in milliseconds. */
export function timeFrom(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Date.parse(text);
}
