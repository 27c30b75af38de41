/** What each open document of this node costs, and how well it is. */
import type { Connections } from '../../server/gateway/connections.js';
import type { Breakers } from '../../server/limits/index.js';
import type { RoomInfo, Rooms } from '../../server/rooms/rooms.js';
import type { DocumentInfo } from '../../server/storage/document-log.js';

export interface DocumentCost {
  readonly document: string;
  readonly state: string;
  readonly connections: number;
  readonly bytes: number;
  readonly storedBytes: number;
  readonly updates: number;
  readonly uncompactedUpdates: number;
  readonly cpuMs: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly lagBytes: number;
  readonly cost: number;
  readonly health: number;
  readonly reasons: string[];
  /** Unix time in milliseconds. */
  readonly changedAt: number | undefined;
}

export interface DocumentCostSources {
  readonly rooms: Rooms;
  readonly connections: Pick<Connections, 'list'>;
  readonly breakers: Breakers;
  info(document: string): Promise<DocumentInfo | undefined>;
}

interface Traffic {
  bytesIn: number;
  bytesOut: number;
  lagBytes: number;
  behind: number;
}

type Measured = Omit<DocumentCost, 'cost' | 'health' | 'reasons'> & { readonly behind: number };

/** A node may hold thousands; beyond the largest and busiest the store is not asked. */
const MAX_LOOKUPS = 500;
/** Updates that a healthy document has not folded yet; compaction begins well below. */
const MANY_UNCOMPACTED = 5_000;

/** The `limit` largest by `sort`. The last loads of the store are read, so this is for operators, not for each second. */
export async function documentCosts(
  sources: DocumentCostSources,
  { sort, limit }: { readonly sort: 'cost' | 'cpuMs' | 'bytes' | 'updates' | 'connections'; readonly limit: number },
): Promise<DocumentCost[]> {
  const traffic = trafficByDocument(sources.connections);
  const weight = (room: RoomInfo): number => room.bytes + (traffic.get(room.document)?.bytesOut ?? 0);
  const rooms = [...sources.rooms.open()].sort((a, b) => weight(b) - weight(a) || b.connections - a.connections);
  const measured = await Promise.all(
    rooms.slice(0, MAX_LOOKUPS).map((room) => measure(sources, room, traffic.get(room.document))),
  );
  const costOf = shareOf(measured);
  return measured
    .map((one) => described(one, costOf(one), sources.breakers))
    .sort((a, b) => b[sort] - a[sort] || (a.document < b.document ? -1 : 1))
    .slice(0, limit);
}

function trafficByDocument(connections: Pick<Connections, 'list'>): Map<string, Traffic> {
  const byDocument = new Map<string, Traffic>();
  for (const { document, bytesIn, bytesOut, lagBytes, isBehind } of connections.list()) {
    const sum = byDocument.get(document) ?? { bytesIn: 0, bytesOut: 0, lagBytes: 0, behind: 0 };
    sum.bytesIn += bytesIn;
    sum.bytesOut += bytesOut;
    sum.lagBytes += lagBytes;
    sum.behind += isBehind ? 1 : 0;
    byDocument.set(document, sum);
  }
  return byDocument;
}

async function measure(
  sources: DocumentCostSources,
  { document, state, connections, bytes, busyMs }: RoomInfo,
  traffic: Traffic | undefined,
): Promise<Measured> {
  const info = await sources.info(document);
  return {
    ...{ document, state, connections, bytes, cpuMs: Math.round(busyMs * 10) / 10 },
    ...(traffic ?? { bytesIn: 0, bytesOut: 0, lagBytes: 0, behind: 0 }),
    storedBytes: info?.bytes ?? 0,
    updates: info?.updates ?? 0,
    uncompactedUpdates: info?.uncompactedUpdates ?? 0,
    changedAt: info?.changedAt,
  };
}

/** Percent: the mean of its shares of processor time, connections, traffic, memory and storage. */
function shareOf(all: readonly Measured[]): (one: Measured) => number {
  const parts: ((one: Measured) => number)[] = [
    (one) => one.cpuMs,
    (one) => one.connections,
    (one) => one.bytesIn + one.bytesOut,
    (one) => one.bytes,
    (one) => one.storedBytes,
  ];
  const totals = parts.map((part) => all.reduce((sum, one) => sum + part(one), 0));
  return (one) => {
    const shares = parts.map((part, at) => part(one) / Math.max(1, totals[at] ?? 1));
    return Math.round((shares.reduce((sum, share) => sum + share, 0) / parts.length) * 10_000) / 100;
  };
}

function described({ behind, ...one }: Measured, cost: number, breakers: Breakers): DocumentCost {
  const faults: [string, number][] = [];
  if (one.state === 'failed') faults.push(['it cannot be loaded', 60]);
  const breaker = breakers.find(`document:${one.document}`)?.describe();
  if (breaker !== undefined && breaker.state !== 'closed')
    faults.push(['it received updates that cannot be applied', 40]);
  if (behind > 0) {
    faults.push([`${behind} of its connections are behind`, Math.ceil((30 * behind) / Math.max(1, one.connections))]);
  }
  if (one.uncompactedUpdates > MANY_UNCOMPACTED) faults.push([`${one.uncompactedUpdates} updates are not folded`, 15]);
  const health = Math.max(0, 100 - faults.reduce((sum, [, points]) => sum + points, 0));
  return { ...one, cost, health, reasons: faults.map(([reason]) => reason) };
}
