/** Deep equality of JSON values; members that are undefined count as absent. */
export function isSameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    return (
      Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((item, i) => isSameJson(item, b[i]))
    );
  }
  const keysOf = (value: object): string[] =>
    Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .map(([key]) => key);
  const keys = keysOf(a);
  const record = b as Record<string, unknown>;
  return (
    keys.length === keysOf(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && isSameJson((a as Record<string, unknown>)[key], record[key]))
  );
}
