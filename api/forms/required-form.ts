import type { Rooms } from '../../server/rooms/rooms.js';
import { Problem } from '../http/problem.js';

/** @throws Problem `form_not_found` */
export async function requireForm(rooms: Pick<Rooms, 'exists'>, formId: string): Promise<void> {
  if (!(await rooms.exists(`form/${formId}`))) throw formNotFound(formId);
}

export const formNotFound = (formId: string): Problem => new Problem('form_not_found', `There is no form "${formId}".`);
