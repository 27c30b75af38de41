/** The scenarios that differ in their numbers alone: who types where, and how fast. */
import type { ServerName } from '../servers/server.js';
import { editingFigures, runEditing, type EditingPlan } from './editing.js';
import type { Scenario } from './scenario.js';

const ALL: readonly ServerName[] = ['formloom', 'yws', 'hocuspocus', 'relay', 'relay-batched'];
const WITH_STORE: readonly ServerName[] = ['formloom', 'yws', 'yws-leveldb', 'hocuspocus', 'relay', 'relay-batched'];

interface Entry {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly group: Scenario['group'];
  readonly servers: readonly ServerName[];
  readonly full: EditingPlan;
  readonly quick: Partial<EditingPlan>;
}

const ENTRIES: readonly Entry[] = [
  {
    id: 's1',
    title: 'S1 one writer, 100 readers, 200 edits/s',
    description: 'One room; each keystroke goes to 100 readers.',
    group: 'standard',
    servers: WITH_STORE,
    full: {
      rooms: 1,
      writersPerRoom: 1,
      readersPerRoom: 100,
      warmUpEdits: 400,
      measuredEdits: 2_000,
      editsPerSecond: 200,
      unit: 'delivery',
    },
    quick: { warmUpEdits: 200, measuredEdits: 600 },
  },
  {
    id: 's1-load',
    title: 'S1 under node load: four such rooms, 800 edits/s',
    description: 'Four rooms of one writer and 100 readers keep the node busy, so that an adaptive tick lengthens.',
    group: 'standard',
    servers: ALL,
    full: {
      rooms: 4,
      writersPerRoom: 1,
      readersPerRoom: 100,
      warmUpEdits: 400,
      measuredEdits: 2_000,
      editsPerSecond: 800,
      unit: 'delivery',
    },
    quick: { warmUpEdits: 200, measuredEdits: 600 },
  },
  {
    id: 's1-max',
    title: 'S1 as fast as it goes',
    description: 'One writer sends its keystrokes as fast as the socket takes them, 32 to a write; 100 readers.',
    group: 'standard',
    servers: ALL,
    full: {
      rooms: 1,
      writersPerRoom: 1,
      readersPerRoom: 100,
      warmUpEdits: 1_000,
      measuredEdits: 10_000,
      editsPerSecond: undefined,
      unit: 'delivery',
    },
    quick: { warmUpEdits: 500, measuredEdits: 3_000 },
  },
  {
    id: 's2',
    title: 'S2 500 rooms × 2 writers, 1,000 edits/s',
    description: 'Many small rooms: every edit costs a transaction, an append and two writes.',
    group: 'standard',
    servers: WITH_STORE,
    full: {
      rooms: 500,
      writersPerRoom: 2,
      readersPerRoom: 0,
      warmUpEdits: 3,
      measuredEdits: 10,
      editsPerSecond: 1_000,
      unit: 'edit',
    },
    quick: { warmUpEdits: 1, measuredEdits: 4 },
  },
  {
    id: 's6',
    title: 'S6 10 rooms × 10 writers at full speed',
    description: 'Every writer sends as fast as its socket takes it, 32 keystrokes to a write.',
    group: 'standard',
    servers: WITH_STORE,
    full: {
      rooms: 10,
      writersPerRoom: 10,
      readersPerRoom: 0,
      warmUpEdits: 100,
      measuredEdits: 600,
      editsPerSecond: undefined,
      unit: 'edit',
    },
    quick: { warmUpEdits: 50, measuredEdits: 200 },
  },
  {
    id: 'fan-out-2000',
    title: 'One writer, 2,000 readers, 20 edits/s',
    description: 'A lecture hall: 40,000 deliveries a second from one room.',
    group: 'big',
    servers: ['formloom', 'hocuspocus', 'relay'],
    full: {
      rooms: 1,
      writersPerRoom: 1,
      readersPerRoom: 2_000,
      warmUpEdits: 40,
      measuredEdits: 200,
      editsPerSecond: 20,
      unit: 'delivery',
    },
    quick: { warmUpEdits: 20, measuredEdits: 60 },
  },
  {
    id: 'rooms-2000',
    title: '2,000 rooms × 2 writers, 1,000 edits/s',
    description: 'S2 with four times the rooms: the cost of an edit must not depend on how many rooms are open.',
    group: 'big',
    servers: ['formloom', 'yws-leveldb', 'hocuspocus', 'relay'],
    full: {
      rooms: 2_000,
      writersPerRoom: 2,
      readersPerRoom: 0,
      warmUpEdits: 1,
      measuredEdits: 4,
      editsPerSecond: 1_000,
      unit: 'edit',
    },
    quick: { measuredEdits: 2 },
  },
];

export const EDIT_SCENARIOS: readonly Scenario[] = ENTRIES.map(({ full, quick, ...entry }) => ({
  ...entry,
  figures: editingFigures(full.unit),
  run: (context) => runEditing(context, context.isQuick ? { ...full, ...quick } : full),
}));
