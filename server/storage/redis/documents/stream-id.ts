/**
 * Ids of Stream entries: `<milliseconds>-<sequence>`, growing. The empty string stands before all of them.
 * https://redis.io/docs/latest/develop/data-types/streams/#entry-ids
 */

export function compareIds(a: string, b: string): number {
  const [aMs, aSequence] = parts(a);
  const [bMs, bSequence] = parts(b);
  return aMs - bMs || aSequence - bSequence;
}

function parts(id: string): [milliseconds: number, sequence: number] {
  const dash = id.indexOf('-');
  return dash === -1 ? [-1, -1] : [Number(id.slice(0, dash)), Number(id.slice(dash + 1))];
}
