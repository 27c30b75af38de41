/**
 * Up to when each process has counted its edits: what a process that was killed had only in memory is found in the log
 * of documents by it.
 *
 *   record  analytics-counting, <node>   {at}: what this node made durable before is in facts. Gone when it ended in peace
 */
import { z } from 'zod';
import type { RecordStore } from '../storage/record-store.js';

const KIND = 'analytics-counting';
const markSchema = z.object({ at: z.number() });

export interface EditMark {
  readonly node: string;
  /** Unix time in milliseconds. */
  readonly at: number;
  /** Changes whenever its node says that it lives. */
  readonly version: string;
}

export class EditMarks {
  constructor(
    private readonly records: RecordStore,
    readonly node: string,
  ) {}

  async put(at: number): Promise<void> {
    await this.records.put([KIND, this.node], Buffer.from(JSON.stringify({ at })));
  }

  /** False when another node took this one for dead, and counted for it. */
  async isHere(): Promise<boolean> {
    return (await this.records.get([KIND, this.node])) !== undefined;
  }

  async delete(): Promise<void> {
    await this.records.delete([KIND, this.node]);
  }

  /** Of other nodes that live, or were killed. */
  async others(): Promise<EditMark[]> {
    const marks: EditMark[] = [];
    for await (const { key, value, version } of this.records.scan([KIND])) {
      const [, node = ''] = key;
      const { at } = markSchema.parse(JSON.parse(Buffer.from(value).toString()));
      if (node !== this.node) marks.push({ node, at, version });
    }
    return marks;
  }

  async forget({ node }: EditMark): Promise<void> {
    await this.records.delete([KIND, node]);
  }
}
