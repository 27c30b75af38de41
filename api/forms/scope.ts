/**
 * Editors whose token is limited to parts of a form. Over sync, `guard` undoes what they may not do; over REST the
 * request is refused as a whole, and says why.
 */
import { isInScope, type FormChange } from '../../crdt/index.js';
import type { Scope } from '../../server/auth/index.js';
import { Problem } from '../http/problem.js';

/** @throws Problem `out_of_scope` */
export function requireScope(changes: readonly FormChange[], scope: Scope): void {
  const errors = changes.flatMap((change) => {
    const reason = refusal(change, scope);
    return reason === undefined
      ? []
      : [
          {
            path: change.property === undefined ? change.target : `${change.target}.${change.property}`,
            message: reason,
          },
        ];
  });
  if (errors.length > 0) throw new Problem('out_of_scope', 'Nothing was changed.', { errors });
}

function refusal({ target, property = '' }: FormChange, scope: Scope): string | undefined {
  if (isInScope(target, property, scope)) return undefined;
  const { paths, languages } = scope;
  const within = paths === undefined || isInScope(target, property, { paths });
  return within && languages !== undefined
    ? `the token is limited to texts in ${languages.join(', ')}`
    : `the token is limited to ${paths?.join(', ') ?? ''}`;
}
