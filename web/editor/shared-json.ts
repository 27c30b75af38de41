/** Parts of a value that say the same as before are the objects they were, so that what shows them need not render. */
export function shareJson<T>(before: unknown, now: T): T {
  if (Object.is(before, now)) return now;
  if (typeof before !== 'object' || typeof now !== 'object' || before === null || now === null) return now;
  if (Array.isArray(before) !== Array.isArray(now)) return now;
  const old = before as Record<string, unknown>;
  const fresh = now as Record<string, unknown>;
  const keys = Object.keys(fresh);
  let isSame = keys.length === Object.keys(old).length;
  // A copy: what is given here is not ours to change.
  const shared: Record<string, unknown> | unknown[] = Array.isArray(now) ? [] : {};
  for (const key of keys) {
    const part = shareJson(old[key], fresh[key]);
    (shared as Record<string, unknown>)[key] = part;
    if (part !== old[key] || !(key in old)) isSame = false;
  }
  return (isSame ? before : shared) as T;
}
