/** Parts of a value that say the same as before are the objects they were, so that what shows them need not render. */
export function shareJson<T>(before: unknown, now: T): T {
  if (Object.is(before, now)) return now;
  if (typeof before !== 'object' || typeof now !== 'object' || before === null || now === null) return now;
  if (Array.isArray(before) !== Array.isArray(now)) return now;
  const old = before as Record<string, unknown>;
  const fresh = now as Record<string, unknown>;
  const keys = Object.keys(fresh);
  let isSame = keys.length === Object.keys(old).length;
  for (const key of keys) {
    const shared = shareJson(old[key], fresh[key]);
    fresh[key] = shared;
    if (shared !== old[key] || !(key in old)) isSame = false;
  }
  return isSame ? (before as T) : now;
}
