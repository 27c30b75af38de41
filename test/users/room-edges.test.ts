import * as decoding from 'lib0/decoding';
import t from 'tap';
import * as Y from 'yjs';
import { CLOSE } from '../../server/protocol/close-codes.js';
import { LiveDocument } from '../../server/rooms/document/live-document.js';
import { Presence } from '../../server/rooms/presence/presence.js';
import type { RoomRegistry } from '../../server/rooms/room-registry.js';
import type { DocumentLog } from '../../server/storage/document-log.js';
import { awarenessMessage, message, syncStep1, updateMessage } from '../harness/raw-client.js';
import { RecordingPeer, roomsWithoutGateway } from '../harness/rooms.js';
import { until } from '../harness/until.js';

const SERVER = { id: 'server', isAnonymous: false, grants: [] };
const REST = { source: 'rest' } as const;

/** The real log, which can be held up, and refuse. */
class Log {
  appendsToRefuse = 0;
  /** Of each document that was loaded, its name. */
  readonly loads: string[] = [];
  /** Tells, as a shared log does, that it has lost updates of a document. */
  tellLoss: (document: string) => void = () => undefined;
  #gate: Promise<void> | undefined;
  #gated: readonly string[] = [];
  #held = 0;

  readonly wrap = (log: DocumentLog): DocumentLog =>
    new Proxy(log, {
      get: (target, key) => {
        const value: unknown = Reflect.get(target, key, target);
        if (typeof value !== 'function') return value;
        if (key === 'onLost') return (tell: (document: string) => void) => ((this.tellLoss = tell), () => undefined);
        const call = value.bind(target) as (...args: unknown[]) => unknown;
        if (key !== 'append' && key !== 'load' && key !== 'compact' && key !== 'erase') return call;
        return async (...args: unknown[]) => {
          if (key === 'load') this.loads.push(String(args[0]));
          const isRefused = key === 'append' && this.appendsToRefuse-- > 0;
          if (this.#gated.includes(key)) {
            this.#held += 1;
            await this.#gate;
          }
          if (isRefused) throw new Error('refused');
          return call(...args);
        };
      },
    });

  /** @returns goes on */
  hold(gated: readonly string[] = ['append', 'compact', 'erase']): () => void {
    this.#held = 0;
    this.#gated = gated;
    let goOn: () => void = () => undefined;
    this.#gate = new Promise((resolve) => (goOn = resolve));
    return () => {
      this.#gate = undefined;
      this.#gated = [];
      goOn();
    };
  }

  /** Something has come since it was held up. */
  isAsked(): boolean {
    return this.#held > 0;
  }
}

/** A client with a document of its own. */
class Client {
  readonly peer: RecordingPeer;
  readonly doc = new Y.Doc();
  readonly attendance;
  #written: Uint8Array = new Uint8Array();

  constructor(rooms: RoomRegistry, document: string, name: string) {
    this.peer = new RecordingPeer(name);
    this.doc.on('update', (update: Uint8Array) => (this.#written = update));
    this.attendance = rooms.join(document, this.peer);
  }

  /** Writes without sending. @returns the update */
  set(key: string, value: unknown = true): Uint8Array {
    this.doc.getMap('m').set(key, value);
    return this.#written;
  }

  send(update: Uint8Array): void {
    this.attendance.receive(updateMessage(update));
  }

  /** Updates that the server has sent, whether alone or as part of an answer. */
  received(isAnswer = false): Uint8Array[] {
    return this.peer.messages.flatMap((bytes) => {
      const decoder = decoding.createDecoder(bytes);
      if (decoding.readVarUint(decoder) !== 0) return [];
      const step = decoding.readVarUint(decoder);
      return step === 2 || (isAnswer && step === 1) ? [decoding.readVarUint8Array(decoder)] : [];
    });
  }

  /** What it would hold by what was sent to it. */
  keys(): string[] {
    const doc = new Y.Doc();
    for (const update of this.received(true)) Y.applyUpdate(doc, update);
    return Object.keys(doc.getMap('m').toJSON()).sort();
  }

  show(clock: number, state: unknown): void {
    this.attendance.receive(awarenessMessage(this.doc.clientID, clock, state));
  }

  /** What it was told of the client with this id, one state after the other; null when that has left. */
  toldOf(clientId: number): unknown[] {
    return this.peer.messages.flatMap((bytes) => {
      const outer = decoding.createDecoder(bytes);
      if (decoding.readVarUint(outer) !== 1) return [];
      const decoder = decoding.createDecoder(decoding.readVarUint8Array(outer));
      const states: unknown[] = [];
      for (let left = decoding.readVarUint(decoder); left > 0; left -= 1) {
        const id = decoding.readVarUint(decoder);
        decoding.readVarUint(decoder);
        const state: unknown = JSON.parse(decoding.readVarString(decoder));
        if (id === clientId) states.push(state);
      }
      return states;
    });
  }

  leave(): void {
    this.peer.leave();
    this.attendance.leave();
  }

  /** How many updates came that hold something of `client`. */
  echoesOf(client: Client): number {
    return this.received().filter((update) => Y.parseUpdateMeta(update).to.has(client.doc.clientID)).length;
  }
}

/** The real log, told by the test what other nodes have appended. */
class SharedLog {
  /** Tells the room what it finds in the log. */
  announce: (() => Promise<void>) | undefined;

  readonly wrap = (log: DocumentLog): DocumentLog =>
    new Proxy(log, {
      get: (target, key) => {
        if (key === 'isShared') return true;
        const value: unknown = Reflect.get(target, key, target);
        if (typeof value !== 'function') return value;
        if (key !== 'subscribe') return value.bind(target) as unknown;
        return (...[document, , onUpdates]: Parameters<DocumentLog['subscribe']>) => {
          this.announce = async () => {
            const { updates } = await log.load(document);
            await onUpdates(updates.map((update) => ({ ...update, node: 'another' })));
          };
          return Promise.resolve({ close: () => Promise.resolve() });
        };
      },
    });
}

void t.test('at the edges of a room on several nodes', async (t) => {
  const log = new SharedLog();
  const { rooms, storage } = await roomsWithoutGateway(t, { wrap: log.wrap });
  const applied = (document: string): Promise<void> => rooms.read(document, () => undefined);
  const appendElsewhere = (document: string, update: Uint8Array): Promise<unknown> =>
    storage.documents.append(document, [{ update, attribution: { principal: 'ada', at: 0, source: 'sync' } }]);

  await t.test('what waited for an edit at another node comes into the log with it', async (t) => {
    const here = new Client(rooms, 'waiting', 'here');
    await applied('waiting');
    const elsewhere = new Y.Doc();
    elsewhere.getMap('m').set('key', 1);
    const first = Y.encodeStateAsUpdate(elsewhere);
    Y.applyUpdate(here.doc, first);
    here.send(here.set('key', 2));
    await applied('waiting');
    await appendElsewhere('waiting', first);
    await log.announce?.();
    await until(() => here.echoesOf(here) === 1, { what: 'the echo: it is saved' });
    const stored = new Y.Doc();
    const { updates } = await storage.documents.load('waiting');
    for (const { update } of updates) Y.applyUpdate(stored, update);
    t.equal(stored.getMap('m').get('key'), 2);
  });

  await t.test('what the log held already when a room started afresh is told to who was there', async (t) => {
    const [reader, culprit] = ['reader', 'culprit'].map((name) => new Client(rooms, 'afresh', name));
    await applied('afresh');
    const elsewhere = new Y.Doc();
    elsewhere.getMap('m').set('elsewhere', true);
    await appendElsewhere('afresh', Y.encodeStateAsUpdate(elsewhere));
    culprit!.set('never sent');
    culprit!.send(culprit!.set('waits', 'x'.repeat(1_100_000)));
    await until(() => culprit!.peer.closedWith === CLOSE.irreconcilable);
    await applied('afresh');
    t.strictSame(reader!.keys(), ['elsewhere']);
  });
});

void t.test('at the edges of a room', async (t) => {
  const log = new Log();
  const { rooms } = await roomsWithoutGateway(t, { wrap: log.wrap, idleUnloadMs: 0 });
  const enter = async <N extends string>(document: string, ...names: N[]): Promise<Record<N, Client>> => {
    const clients = names.map((name) => [name, new Client(rooms, document, name)] as const);
    await applied(document);
    return Object.fromEntries(clients) as Record<N, Client>;
  };
  const applied = (document: string): Promise<void> => rooms.read(document, () => undefined);
  /** Appends nothing; resolves when all is durable. */
  const saved = async (document: string): Promise<void> => {
    await rooms.edit(document, SERVER, () => 0, REST);
  };
  /** Too large for one write. */
  const fill = (document: string): Promise<unknown> =>
    rooms.edit(
      document,
      SERVER,
      (doc) => {
        for (let i = 0; i < 300; i += 1) doc.getMap('large').set(`${i}`, 'x'.repeat(10_000));
      },
      REST,
    );
  /** So much that waits for what never comes that the room starts again from the log. */
  const startAfresh = async (document: string): Promise<void> => {
    const { culprit } = await enter(document, 'culprit');
    culprit.set('never sent');
    culprit.send(culprit.set('waits', 'x'.repeat(1_100_000)));
    await until(() => culprit.peer.closedWith === CLOSE.irreconcilable);
    await applied(document);
  };

  await t.test('who is behind when the room starts afresh is brought up all the same', async (t) => {
    await fill('afresh');
    const { reader, writer } = await enter('afresh', 'reader', 'writer');
    reader.peer.isStuck = true;
    reader.attendance.receive(syncStep1());
    writer.send(writer.set('before'));
    await applied('afresh');
    await startAfresh('afresh');
    writer.send(writer.set('after'));
    await applied('afresh');
    reader.peer.drain();
    writer.send(writer.set('later'));
    await applied('afresh');
    t.strictSame(reader.keys(), ['after', 'before', 'later']);
  });

  await t.test('nothing is lost that arrives when the room has begun to start afresh', async (t) => {
    const room = 'meanwhile';
    const { reader, writer, leaver, viewer, gone, culprit } = await enter(
      room,
      ...(['reader', 'writer', 'leaver', 'viewer', 'gone', 'culprit'] as const),
    );
    const { mover, witness } = await enter('elsewhere', 'mover', 'witness');
    viewer.peer.mayWrite = false;
    gone.show(1, { here: true });
    await until(() => reader.toldOf(gone.doc.clientID).length === 1);
    const goOn = log.hold(['load']);
    culprit.set('never sent');
    culprit.send(culprit.set('waits', 'x'.repeat(1_100_000)));
    await until(() => reader.peer.isPaused);
    // What had been read before it was paused.
    reader.attendance.receive(syncStep1());
    writer.send(writer.set('edit'));
    writer.show(1, { here: true });
    viewer.attendance.receive(message(0, 1, viewer.set('never allowed')));
    leaver.send(leaver.set('last word'));
    leaver.leave();
    gone.leave();
    for (const clock of [1, 2]) {
      mover.show(clock, { clock });
      await until(() => witness.toldOf(mover.doc.clientID).length === clock, { what: 'the time to send presence' });
    }
    t.strictSame([reader.received(true).length, reader.toldOf(writer.doc.clientID).length], [0, 0], 'still loading');
    goOn();
    await saved(room);
    t.strictSame(await rooms.read(room, (doc) => Object.keys(doc.getMap('m').toJSON()).sort()), ['edit', 'last word']);
    t.strictSame(reader.keys(), ['edit', 'last word']);
    t.equal(reader.received(true).length - reader.received().length, 1, 'its question is answered');
    t.equal(writer.echoesOf(writer), 1);
    t.equal(
      viewer.peer.messages.filter(([type]) => type === 2).length,
      0,
      'a stock client answers, whatever its rights',
    );
    await until(() => reader.toldOf(gone.doc.clientID).at(-1) === null, { what: 'who left is gone' });
    t.match(reader.toldOf(writer.doc.clientID).at(-1), { here: true });
  });

  await t.test('a refused append holds up nothing that its writer reads later', async (t) => {
    await fill('refused');
    const { writer, other } = await enter('refused', 'writer', 'other');
    log.appendsToRefuse = 2;
    const goOn = log.hold();
    for (const key of ['mine', 'behind it']) {
      writer.send(writer.set(key));
      await applied('refused');
    }
    goOn();
    await until(async () => (await rooms.read('refused', (doc) => doc.getMap('m').size)) === 0);
    t.equal(log.loads.filter((name) => name === 'refused').length, 2, 'first, and once for both');
    t.equal(writer.echoesOf(writer), 0, 'nor is what builds on it');
    writer.peer.isStuck = true;
    writer.attendance.receive(syncStep1());
    writer.peer.drain();
    other.send(other.set('theirs'));
    await applied('refused');
    t.strictSame(writer.keys(), ['theirs']);
  });

  await t.test(
    'a change over REST is not saved behind a refused append, nor an edit behind a refused change',
    async (t) => {
      const { writer } = await enter('refused REST', 'writer');
      const change = (key: string): Promise<unknown> =>
        rooms.edit('refused REST', SERVER, (doc) => doc.getMap('m').set(key, true), REST);
      log.appendsToRefuse = 1;
      let goOn = log.hold();
      writer.send(writer.set('mine'));
      const behind = [change('behind it'), saved('refused REST')];
      await applied('refused REST');
      goOn();
      for (const told of behind) await t.rejects(told, { code: 'document_unavailable' }, 'to be repeated');
      await change('repeated');
      t.match(writer.keys(), ['behind it', 'repeated']);

      log.appendsToRefuse = 1;
      goOn = log.hold();
      const refused = change('repeated');
      await applied('refused REST');
      const { other } = await enter('refused REST', 'other');
      other.attendance.receive(syncStep1());
      for (const update of other.received(true)) Y.applyUpdate(other.doc, update);
      other.send(other.set('repeated', 'and changed'));
      await applied('refused REST');
      goOn();
      await t.rejects(refused, 'refused');
      await saved('refused REST');
      t.equal(other.echoesOf(other), 0, 'what it builds on was not stored');
    },
  );

  await t.test('what is sent twice and refused is echoed when it is stored', async (t) => {
    const { writer } = await enter('twice', 'writer');
    log.appendsToRefuse = 1;
    const goOn = log.hold();
    const update = writer.set('mine');
    for (let i = 0; i < 2; i += 1) {
      writer.send(update);
      await applied('twice');
    }
    goOn();
    const goOnAgain = log.hold();
    await until(() => log.isAsked(), { what: 'it is appended once more' });
    t.equal(writer.echoesOf(writer), 0);
    goOnAgain();
    await saved('twice');
    t.equal(writer.echoesOf(writer), 1);
  });

  await t.test('who asks for the state while its edit is on its way to the log has the echo afterwards', async (t) => {
    await fill('asking');
    const { writer } = await enter('asking', 'writer');
    const goOn = log.hold();
    writer.send(writer.set('mine'));
    await applied('asking');
    writer.peer.isStuck = true;
    writer.attendance.receive(message(0, 0, Y.encodeStateVector(writer.doc)));
    t.equal(writer.echoesOf(writer), 0);
    goOn();
    await saved('asking');
    writer.peer.drain();
    t.equal(writer.echoesOf(writer), 1);
  });

  await t.test('who asks and does not read has a bounded part of the memory', async (t) => {
    const { reader } = await enter('greedy', 'reader');
    const large = reader.set('large', 'x'.repeat(200_000));
    reader.send(large);
    await saved('greedy');
    reader.peer.isStuck = true;
    for (let i = 0; i < 100; i += 1) reader.attendance.receive(syncStep1());
    t.ok(reader.peer.lag < 2_000_000, `${reader.peer.lag} bytes of answers`);
    for (let i = 0; i < 100; i += 1) {
      reader.send(large);
      await saved('greedy');
    }
    t.ok(reader.peer.lag < 5_000_000, `${reader.peer.lag} bytes of echoes`);
    t.equal(reader.peer.closedWith, CLOSE.overloaded, 'what is owed is not left out in silence');
  });

  await t.test('what waited for others is echoed when it is durable, and again when it is sent again', async (t) => {
    const { one, two } = await enter('waiting', 'one', 'two');
    const first = one.set('key', 1);
    Y.applyUpdate(two.doc, first);
    const second = two.set('key', 2);
    two.send(second);
    await saved('waiting');
    t.equal(two.echoesOf(two), 0);
    const goOn = log.hold();
    one.send(first);
    await applied('waiting');
    t.equal(two.echoesOf(two), 0, 'it came in with what another client sent, and is not durable yet');
    goOn();
    await saved('waiting');
    t.equal(two.echoesOf(two), 1);
    two.send(second);
    await saved('waiting');
    t.equal(two.echoesOf(two), 2);
  });

  await t.test('what is sent again together with something new is echoed as well', async (t) => {
    const { one, two } = await enter('again', 'one', 'two');
    const known = two.set('known');
    two.send(known);
    await saved('again');
    t.equal(one.echoesOf(two), 1);
    one.send(known);
    one.send(one.set('new'));
    await saved('again');
    t.equal(one.echoesOf(one), 1);
    t.equal(one.echoesOf(two), 2);
  });

  await t.test('who comes while a document is erased is told that it was', async (t) => {
    const { early } = await enter('erased', 'early');
    early.send(early.set('secret'));
    await saved('erased');
    const goOn = log.hold();
    const erasing = rooms.erase('erased');
    await until(() => log.isAsked());
    const { late } = await enter('erased', 'late');
    goOn();
    await erasing;
    t.equal(late.peer.closedWith, CLOSE.deleted);
    t.notOk(rooms.open().some(({ document }) => document === 'erased'));
  });

  await t.test('who reads too slowly for presence is told who left meanwhile, as soon as it has read', async (t) => {
    const { reader, guest } = await enter('present', 'reader', 'guest');
    guest.show(1, { here: true });
    await until(() => reader.toldOf(guest.doc.clientID).length === 1);
    reader.peer.isStuck = true;
    guest.send(guest.set('large', 'x'.repeat(100_000)));
    await saved('present');
    guest.leave();
    const { late } = await enter('present', 'late');
    late.show(1, { here: true });
    await until(() => late.toldOf(late.doc.clientID).length > 0);
    t.equal(reader.toldOf(guest.doc.clientID).length, 1);
    reader.peer.drain();
    t.equal(reader.toldOf(guest.doc.clientID).at(-1), null);
    t.match(reader.toldOf(late.doc.clientID), [{ here: true }]);
  });

  await t.test('a client that is back before its dead connection is found stays present', async (t) => {
    const { witness, ada } = await enter('back', 'witness', 'ada');
    const back = new Client(rooms, 'back', 'ada');
    back.doc.clientID = ada.doc.clientID;
    ada.show(1, { tab: 'before' });
    back.show(5, { tab: 'after' });
    await until(() => witness.toldOf(ada.doc.clientID).length === 1);
    t.match(witness.toldOf(ada.doc.clientID), [{ tab: 'before' }], 'the first one owns it');
    ada.leave();
    await until(() => witness.toldOf(ada.doc.clientID).length === 2);
    t.match(witness.toldOf(ada.doc.clientID)[1], { tab: 'after' });
    back.leave();
    await until(() => witness.toldOf(ada.doc.clientID).length === 3);
    t.equal(witness.toldOf(ada.doc.clientID)[2], null);
  });

  await t.test('made-up state vectors do not keep the document in memory once each', (t) => {
    const doc = new Y.Doc();
    doc.getMap('m').set('large', 'x'.repeat(1_000_000));
    const live = new LiveDocument([Y.encodeStateAsUpdate(doc)]);
    const vectors = Array.from({ length: 8 }, (_, client) => Uint8Array.of(1, client, 1));
    for (const vector of vectors) live.joinFrames(vector);
    t.equal(vectors.toReversed().filter((vector) => live.joinFrames(vector).wasCached).length < 5, true);
    t.ok(live.joinFrames(vectors[0]!).wasCached, 'the last one is there for who comes with the same');
    t.end();
  });

  await t.test('a connection that takes up and gives up ids does not fill what everybody is told', (t) => {
    const presence = new Presence(false);
    const peer = new RecordingPeer('ada');
    for (let id = 0; id < 20_000; id += 1) {
      presence.apply(peer, awarenessMessage(id, 1, {}).subarray(2), 0);
      presence.apply(peer, awarenessMessage(id, 2, null).subarray(2), 0);
    }
    t.ok(presence.takeChanges().length < 100_000);
    presence.apply(peer, awarenessMessage(30_000, 1, {}).subarray(2), 0);
    t.equal(presence.size, 1, 'in the next window there is room again');
    t.end();
  });

  await t.test('nothing is kept for other nodes where there are none', (t) => {
    const presence = new Presence(false);
    const peer = new RecordingPeer('ada');
    // An awareness message without its type and length.
    for (let id = 0; id < 100; id += 1) presence.apply(peer, awarenessMessage(id, 1, {}).subarray(2), 0);
    t.equal(presence.size, 32);
    t.strictSame(presence.takeUntold(), []);
    t.end();
  });

  await t.test('a document whose state is on its way to a log that has lost updates stays in memory', async (t) => {
    const { writer } = await enter('restated', 'writer');
    writer.send(writer.set('kept'));
    await saved('restated');
    const goOn = log.hold(['append']);
    log.tellLoss('restated');
    await until(() => log.isAsked());
    writer.leave();
    const isOpen = (document: string): boolean => rooms.open().some((room) => room.document === document);
    for (const later of ['later', 'last']) {
      await rooms.read(later, () => undefined);
      await until(() => !isOpen(later), { what: 'who comes later leaves' });
    }
    t.ok(isOpen('restated'));
    goOn();
    await until(() => !isOpen('restated'), { what: 'it leaves when its state is stored' });
    t.equal((await rooms.info('restated'))?.updates, 2);
  });

  await t.test('a document that is changed on its way out of memory leaves later', async () => {
    await rooms.edit('leaving', SERVER, (doc) => doc.getMap('m').set('text', 'x'.repeat(100_000)), REST);
    const goOn = log.hold();
    const isOpen = (state?: string): boolean =>
      rooms.open().some((room) => room.document === 'leaving' && room.state === (state ?? room.state));
    await until(() => isOpen('unloading'), { what: 'it is folded, to leave' });
    const edited = rooms.edit('leaving', SERVER, (doc) => doc.getMap('m').set('late', true), REST);
    goOn();
    await edited;
    await until(() => !isOpen(), { what: 'it leaves' });
  });
});
