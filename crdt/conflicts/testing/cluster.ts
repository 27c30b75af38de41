/** Stock Yjs clients on servers that share a log: everything is delivered when a test says so. */
import * as Y from 'yjs';
import type { FormJson } from '../../form/form-json.js';
import { formSchema } from '../../form/form-schema.js';
import { guard, type GuardWriter, type Refusal } from '../../form/guard/guard.js';
import { seedForm } from '../../form/comparison/reimport.js';
import { needsSettling, openConflicts, policySchema, resolveConflict, settleConflicts } from '../index.js';
import type { Conflict } from '../resolve.js';

const BASE: FormJson = formSchema.parse({
  id: 'f',
  title: { en: 'Visit' },
  pages: [
    {
      id: 'p1',
      fields: [
        { id: 'f1', type: 'choices', title: { en: 'Kind' }, options: [{ id: 'o1', label: { en: 'New' } }] },
        { id: 'f2', type: 'text', title: { en: 'Name' }, validation: { maxLength: 9 } },
      ],
    },
  ],
});

export const fieldOf = (doc: Y.Doc, id = 'f1'): Y.Map<unknown> => doc.getMap('fields').get(id) as Y.Map<unknown>;

class Node {
  doc = new Y.Doc();
  /** What it appended to the log. */
  readonly log: Uint8Array[] = [];
  /** Forgets all but what is stored. */
  restart(): void {
    const state = Y.encodeStateAsUpdate(this.doc);
    this.doc.destroy();
    this.doc = new Y.Doc();
    Y.applyUpdate(this.doc, state);
    this.watch();
  }

  watch(): void {
    this.doc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin !== 'log') this.log.push(update);
    });
  }
}

class Client {
  readonly doc = new Y.Doc();
  readonly outbox: Uint8Array[] = [];
}

export interface ClusterOptions {
  readonly policy: unknown;
  readonly nodes?: number;
  readonly clients?: number;
  /** Client ids decide which of two concurrent writes Yjs lets stand. */
  readonly clientIds?: readonly number[];
  readonly writers?: readonly Partial<GuardWriter>[];
  readonly change?: (doc: Y.Doc) => void;
}

export class Cluster {
  readonly nodes: readonly Node[];
  readonly clients: readonly Client[];
  readonly writers: readonly Partial<GuardWriter>[];
  refusals: readonly Refusal[] = [];
  now = 1_000;
  /** Edits by servers, to show that they come to rest. */
  settlements = 0;

  constructor({ policy, nodes = 1, clients = 2, clientIds = [], writers = [], change }: ClusterOptions) {
    const stored = new Y.Doc();
    seedForm(stored, BASE);
    stored.getMap('meta').set('policy', policySchema.parse(policy));
    change?.(stored);
    const state = Y.encodeStateAsUpdate(stored);
    this.writers = writers;
    this.nodes = Array.from({ length: nodes }, () => new Node());
    this.clients = Array.from({ length: clients }, () => new Client());
    for (const { doc } of [...this.nodes, ...this.clients]) Y.applyUpdate(doc, state);
    for (const node of this.nodes) node.watch();
    this.clients.forEach((client, i) => {
      client.doc.clientID = clientIds[i] ?? client.doc.clientID;
      client.doc.on('update', (update: Uint8Array, origin: unknown) => {
        if (origin !== 'server') client.outbox.push(update);
      });
    });
  }

  nodeOf(who: number): Node {
    return this.nodes[who % this.nodes.length]!;
  }

  write(who: number, change: (doc: Y.Doc) => void): void {
    const { doc } = this.clients[who]!;
    doc.transact(() => change(doc));
  }

  /** As a client does when it connects: what it has goes first. */
  sync(who: number): void {
    const client = this.clients[who]!;
    const { doc } = this.nodeOf(who);
    const sent = client.outbox.splice(0);
    if (sent.length > 0) {
      doc.transact((transaction) => {
        for (const update of sent) Y.applyUpdate(doc, update);
        const principal = { id: `user${who}`, ...this.writers[who]?.principal };
        this.refusals = guard(doc, transaction, {
          canWrite: true,
          at: (this.now += 1),
          ...this.writers[who],
          principal,
        });
        transaction.local = true;
      });
    }
    const missing = Y.encodeStateAsUpdate(doc, Y.encodeStateVector(client.doc));
    Y.applyUpdate(client.doc, missing, 'server');
  }

  /** Each node reads what the others have appended. */
  exchange(): void {
    for (const node of this.nodes) {
      for (const other of this.nodes) {
        if (other === node) continue;
        for (const update of other.log) Y.applyUpdate(node.doc, update, 'log');
      }
    }
    for (const node of this.nodes) {
      if (!needsSettling(node.doc)) continue;
      this.settlements += 1;
      node.doc.transact((transaction) => settleConflicts(node.doc, transaction));
    }
  }

  resolve(node: number, pick: number): void {
    const { doc } = this.nodes[node % this.nodes.length]!;
    const [conflict] = openConflicts(doc);
    const candidate = conflict?.candidates[pick % conflict.candidates.length];
    if (conflict === undefined || candidate === undefined) return;
    resolveConflict(doc, conflict.id, { choose: candidate.id }, { id: 'judge' }, (this.now += 1));
  }

  /** Everything arrives everywhere. */
  settle(): void {
    this.clients.forEach((_, who) => this.sync(who));
    for (let round = 0; round < 4; round += 1) this.exchange();
    this.clients.forEach((_, who) => this.sync(who));
  }

  conflicts(): Conflict[] {
    const [first, ...others] = [...this.nodes, ...this.clients].map(({ doc }) => openConflicts(doc));
    for (const other of others) {
      if (JSON.stringify(other) !== JSON.stringify(first)) {
        throw new Error(`replicas differ:\n${JSON.stringify(first)}\n${JSON.stringify(other)}`);
      }
    }
    return first ?? [];
  }

  /** What all replicas say. */
  value(read: (doc: Y.Doc) => unknown): unknown {
    const values = new Set([...this.nodes, ...this.clients].map(({ doc }) => JSON.stringify(read(doc))));
    if (values.size !== 1) throw new Error(`replicas differ: ${[...values].join(' ')}`);
    const [only] = values;
    return only === undefined ? undefined : JSON.parse(only);
  }
}
