/** Editors who each have a copy and send their updates over a network that delays, reorders and repeats. */
import fc from 'fast-check';
import * as Y from 'yjs';
import { applyOperations } from '../operations/apply-operations.js';
import type { FormJson } from '../form-json.js';
import { OperationsRefusedError } from '../operations/operations.js';
import { project } from '../project.js';
import { seedForm } from '../comparison/reimport.js';
import { intentOf, operationOf, type Intent } from './forms.js';

export type Step =
  | { readonly kind: 'edit'; readonly who: number; readonly intent: Intent }
  | { readonly kind: 'deliver'; readonly who: number; readonly update: number };

export const stepsOf = (kinds?: Parameters<typeof intentOf>[0]): fc.Arbitrary<Step[]> =>
  fc.array(
    fc.oneof(
      {
        weight: 3,
        arbitrary: fc.record({ kind: fc.constant('edit' as const), who: fc.nat(3), intent: intentOf(kinds) }),
      },
      {
        weight: 2,
        arbitrary: fc.record({ kind: fc.constant('deliver' as const), who: fc.nat(3), update: fc.nat(60) }),
      },
    ),
    { minLength: 2, maxLength: 24 },
  );

export interface Outcome {
  /** All that were sent have arrived everywhere. */
  readonly docs: readonly Y.Doc[];
  /** Operations that were carried out. */
  readonly edits: number;
}

/** @param order numbers that say in which order the last updates arrive, at each replica another */
export function play(base: FormJson, replicas: number, steps: readonly Step[], order: Iterator<number>): Outcome {
  const seed = new Y.Doc();
  seed.clientID = 1;
  seedForm(seed, base, { random: () => 0.5 });
  const start = Y.encodeStateAsUpdate(seed);
  const sent: Uint8Array[] = [];
  let edits = 0;
  const docs = Array.from({ length: replicas }, (_, i) => {
    const doc = new Y.Doc();
    doc.clientID = 10 + i;
    Y.applyUpdate(doc, start);
    doc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin !== 'network') sent.push(update);
    });
    return doc;
  });
  steps.forEach((step, i) => {
    const doc = docs[step.who % docs.length];
    if (doc === undefined) return;
    if (step.kind === 'deliver') {
      const update = sent[step.update % Math.max(sent.length, 1)];
      if (update !== undefined) Y.applyUpdate(doc, update, 'network');
      return;
    }
    const operation = operationOf(project(doc, 'f'), step.intent, `n${i}`);
    if (operation === undefined) return;
    try {
      // Two editors who choose the same place get the same position: the worst case.
      applyOperations(doc, 'f', [operation], { random: () => 0.5 });
      edits += 1;
    } catch (error) {
      if (!(error instanceof OperationsRefusedError)) throw error;
    }
  });
  for (const doc of docs) {
    const waiting = [...sent];
    while (waiting.length > 0) {
      const draw = order.next().value ?? 0;
      const [update] = waiting.splice(draw % waiting.length, 1);
      if (update === undefined) continue;
      Y.applyUpdate(doc, update, 'network');
      if (draw % 3 === 0) Y.applyUpdate(doc, update, 'network');
    }
  }
  return { docs, edits };
}
