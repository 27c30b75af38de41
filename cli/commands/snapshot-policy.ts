/** `formloom snapshot policy`. */
import { InvalidArgumentError, type Command } from 'commander';
import type { z } from 'zod';
import { snapshotPolicySchema, type SnapshotPolicy } from '../../server/snapshots/index.js';
import { callApi } from '../api-client.js';
import type { Output } from '../output.js';
import { targetOf, withRemoteOptions, type RemoteOptions } from './remote-options.js';

type PolicyOptions = RemoteOptions & {
  readonly updates?: number | typeof OFF;
  readonly minutes?: number | typeof OFF;
  readonly onPublish?: boolean;
  readonly beforeRestore?: boolean;
} & { readonly [kept in keyof SnapshotPolicy['retention']]?: number };

const OFF = 'off';
const PATH = '/snapshots/policy';

export function addPolicyCommand(snapshot: Command, output: () => Output): void {
  withRemoteOptions(
    snapshot
      .command('policy')
      .description('show when the server takes snapshots by itself and how many it keeps; with options: change that'),
  )
    .option('--updates <n>', 'of a document that changes: after so many updates; or "off"', numberOrOff)
    .option('--minutes <n>', 'of a document that changes: so long after the first change; or "off"', numberOrOff)
    .option('--on-publish <yes|no>', 'when a form is published', yesOrNo)
    .option('--before-restore <yes|no>', 'before a snapshot is restored', yesOrNo)
    .option('--recent <n>', 'keep the newest, whatever their age', count)
    .option('--hourly <n>', 'keep the newest of each of so many hours', count)
    .option('--daily <n>', 'the same for days', count)
    .option('--weekly <n>', 'the same for weeks', count)
    .addHelpText(
      'after',
      '\nWhat is not named stays as it is. Snapshots that a person took are never deleted by the policy.',
    )
    .action(async (options: PolicyOptions) => {
      const target = targetOf(options);
      const before = await answered(callApi(target, { method: 'GET', path: PATH }));
      const after = changed(before, options);
      const isSame = JSON.stringify(before) === JSON.stringify(after);
      const policy = isSame ? before : await answered(callApi(target, { method: 'PUT', path: PATH, body: after }));
      output().result(policy, shown(policy));
    });
}

async function answered(response: Promise<Response>): Promise<SnapshotPolicy> {
  return snapshotPolicySchema.parse(await (await response).json());
}

function changed(before: SnapshotPolicy, options: PolicyOptions): z.input<typeof snapshotPolicySchema> {
  const { updates, minutes, onPublish, beforeRestore, recent, hourly, daily, weekly } = options;
  const { every, retention } = before;
  return {
    every: {
      updates: updates === OFF ? null : (updates ?? every.updates),
      minutes: minutes === OFF ? null : (minutes ?? every.minutes),
    },
    onPublish: onPublish ?? before.onPublish,
    beforeRestore: beforeRestore ?? before.beforeRestore,
    retention: {
      recent: recent ?? retention.recent,
      hourly: hourly ?? retention.hourly,
      daily: daily ?? retention.daily,
      weekly: weekly ?? retention.weekly,
    },
  };
}

function shown({ every, onPublish, beforeRestore, retention }: SnapshotPolicy): string[] {
  const { updates, minutes } = every;
  const times = [
    ...(updates === null ? [] : [`every ${updates} updates`]),
    ...(minutes === null ? [] : [`every ${minutes} minutes while it changes`]),
    ...(onPublish ? ['on publishing'] : []),
    ...(beforeRestore ? ['before a restore'] : []),
  ];
  const { recent, hourly, daily, weekly } = retention;
  return [
    `Taken of a document: ${times.length === 0 ? 'never by itself' : times.join(', ')}.`,
    `Kept of it: the newest ${Math.max(1, recent)}, and one for each of ${hourly} hours, ${daily} days and ${weekly} weeks.`,
    'Snapshots that a person took stay until they are deleted.',
  ];
}

function numberOrOff(text: string): number | typeof OFF {
  if (text === OFF) return OFF;
  const value = Number(text);
  if (text.trim() === '' || !(value > 0)) throw new InvalidArgumentError('A number above 0, or "off".');
  return value;
}

function count(text: string): number {
  if (!/^[0-9]{1,5}$/.test(text)) throw new InvalidArgumentError('A whole number, 0 or more.');
  return Number(text);
}

function yesOrNo(text: string): boolean {
  if (text !== 'yes' && text !== 'no') throw new InvalidArgumentError('"yes" or "no".');
  return text === 'yes';
}
