/** What the contract says about a call: computed from the roles alone, without a look at the code that enforces it. */
import type { Actor, Role } from './cast.js';
import type { Endpoint, Who } from './endpoints.js';

export type Outcome =
  /** Whatever the call itself answers. */
  | 'allowed'
  /** 401 */
  | 'unauthenticated'
  /** 403: it is known to the caller, and not for it. */
  | 'forbidden'
  /** 404, as for what does not exist. */
  | 'hidden';

/** Who has the right to a draft, or to the threads beside it. */
const MAY: Readonly<Record<Exclude<Who, 'public' | 'any' | 'a'>, readonly Role[]>> = {
  v: ['viewer', 'commenter', 'respondent', 'editor', 'owner', 'admin'],
  c: ['commenter', 'editor', 'owner', 'admin'],
  author: ['commenter', 'editor', 'owner', 'admin'],
  'author o': ['commenter', 'editor', 'owner', 'admin'],
  r: ['respondent', 'admin'],
  'r v': ['viewer', 'commenter', 'respondent', 'editor', 'owner', 'admin'],
  e: ['editor', 'owner', 'admin'],
  o: ['owner', 'admin'],
};
/** An answer sheet is filled by its respondent, or with the right to write it. */
const MAY_FILL: readonly Role[] = ['respondent', 'editor', 'owner', 'admin'];
/** With the right to the form alone, answers are read and decided about; only who may do all writes them. */
const MAY_FILL_BY_FORM: readonly Role[] = ['admin'];

export function expected({ who, on }: Endpoint, actor: Actor, where: 'own' | 'foreign'): Outcome {
  if (who === 'public') return 'allowed';
  if (actor.token === undefined) return 'unauthenticated';
  if (who === 'any') return 'allowed';
  // The server is no document: an admin of one form is no administrator.
  if (who === 'a') return actor.isAdministrator ? 'allowed' : 'forbidden';
  const role = where === 'own' ? actor.role : undefined;
  const sheetRole = where === 'own' ? actor.sheetRole : undefined;
  const roles = MAY[who];
  switch (on) {
    // Its own id is no secret to who names it.
    case 'new form':
      return role !== undefined && roles.includes(role) ? 'allowed' : 'forbidden';
    case 'sheets':
      return sheetRole !== undefined ? 'allowed' : role !== undefined ? 'forbidden' : 'hidden';
    case 'sheet':
      if (sheetRole === undefined) return 'hidden';
      return (who === 'r' ? (actor.isSheetByForm ? MAY_FILL_BY_FORM : MAY_FILL) : roles).includes(sheetRole)
        ? 'allowed'
        : 'forbidden';
    case 'backstage':
    case 'threads':
      if (role === undefined) return 'hidden';
      return role !== 'respondent' && roles.includes(role) ? 'allowed' : 'forbidden';
    default:
      if (role === undefined) return 'hidden';
      return roles.includes(role) ? 'allowed' : 'forbidden';
  }
}
