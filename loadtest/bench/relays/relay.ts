/**
 * The floor to compare with: a server that only forwards. Every message that a room receives goes to all of its
 * sockets, its sender included, as the real servers do. It knows nothing of documents but this: a first large update
 * of a room is kept and given to who asks for the state, so that a join can be compared too.
 *
 * Arguments: port, and `--batched` to join the frames of one event-loop turn into one write per receiver.
 */
import { createServer } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';

interface Member {
  readonly ws: WebSocket;
  readonly socket: Duplex;
}

interface Room {
  readonly members: Set<Member>;
  /** Messages of this turn, as frames. */
  pending: Buffer[];
  /** Answer to a sync step 1. */
  step2: Buffer;
}

const SYNC = 0;
const STEP_1 = 0;
const STEP_2 = 1;
const UPDATE = 2;
const EMPTY_STEP_2 = Buffer.from([SYNC, STEP_2, 2, 0, 0]);
const LARGE_BYTES = 100_000;

const port = Number(process.argv[2]);
const isBatched = process.argv.includes('--batched');
const rooms = new Map<string, Room>();

const http = createServer((_request, response) => response.end('ok'));
const wss = new WebSocketServer({ noServer: true, perMessageDeflate: false });
http.on('upgrade', (request, socket, head) => {
  wss.handleUpgrade(request, socket, head, (ws) => enter(request.url ?? '/', { ws, socket }));
});
http.listen(port, '127.0.0.1');

function enter(name: string, member: Member): void {
  const room = rooms.get(name) ?? { members: new Set(), pending: [], step2: EMPTY_STEP_2 };
  rooms.set(name, room);
  room.members.add(member);
  member.ws.on('message', (data: Buffer) => receive(room, member, data));
  member.ws.on('close', () => {
    room.members.delete(member);
    if (room.members.size === 0) rooms.delete(name);
  });
  member.ws.on('error', () => undefined);
}

function receive(room: Room, from: Member, data: Buffer): void {
  if (data[0] === SYNC && data[1] === STEP_1) {
    from.ws.send(room.step2);
    return;
  }
  if (data[0] === SYNC && data[1] === STEP_2) return;
  if (data[0] === SYNC && data[1] === UPDATE && data.length > LARGE_BYTES && room.step2 === EMPTY_STEP_2) {
    room.step2 = Buffer.from(data);
    room.step2[1] = STEP_2;
  }
  if (isBatched) {
    if (room.pending.length === 0) setImmediate(flush, room);
    room.pending.push(frame(data));
  } else {
    for (const { ws } of room.members) ws.send(data);
  }
}

function flush(room: Room): void {
  const bytes = room.pending.length === 1 ? room.pending[0] : Buffer.concat(room.pending);
  room.pending = [];
  if (bytes === undefined) return;
  for (const { socket } of room.members) if (socket.writable) socket.write(bytes);
}

/** An unmasked binary frame (RFC 6455, 5.2). */
function frame(data: Buffer): Buffer {
  const extended = data.length < 126 ? 0 : data.length < 65_536 ? 2 : 8;
  const header = Buffer.alloc(2 + extended);
  header[0] = 0x82;
  header[1] = extended === 0 ? data.length : extended === 2 ? 126 : 127;
  if (extended === 2) header.writeUInt16BE(data.length, 2);
  if (extended === 8) header.writeBigUInt64BE(BigInt(data.length), 2);
  return Buffer.concat([header, data]);
}
