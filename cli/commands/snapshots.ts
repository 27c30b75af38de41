/** `formloom snapshot` and `formloom restore`. */
import type { Command } from 'commander';
import { z } from 'zod';
import { callApi } from '../api-client.js';
import type { Output } from '../output.js';
import { targetOf, withRemoteOptions, type RemoteOptions } from './remote-options.js';
import { withConfigOptions } from './serve.js';
import { addPolicyCommand } from './snapshot-policy.js';

const snapshotSchema = z.object({
  id: z.string(),
  label: z.string().nullish(),
  createdAt: z.string(),
  bytes: z.number(),
});
const listSchema = z.object({ data: z.array(snapshotSchema), nextCursor: z.string().nullable() });

export function addSnapshotCommands(
  program: Command,
  output: () => Output,
  environment: Readonly<Record<string, string | undefined>>,
): void {
  const snapshot = program
    .command('snapshot')
    .description('take, list or delete snapshots of a document; set when the server takes them');
  withRemoteOptions(
    snapshot.command('take').description('keep the document as it is now').argument('<document>', 'such as form/<id>'),
  )
    .option('--label <text>', 'a name for people', 'manual')
    .action(async (document: string, options: RemoteOptions & { label: string }) => {
      const response = await callApi(targetOf(options), {
        method: 'POST',
        path: `/documents/${encodeURIComponent(document)}/snapshots`,
        body: { label: options.label },
      });
      const taken = snapshotSchema.parse(await response.json());
      output().result(taken, [`Snapshot ${taken.id} (${taken.bytes} bytes).`]);
    });
  withRemoteOptions(
    snapshot.command('list').description('newest first').argument('<document>', 'such as form/<id>'),
  ).action(async (document: string, options: RemoteOptions) => {
    const all: z.infer<typeof snapshotSchema>[] = [];
    let cursor: string | null = null;
    do {
      const query: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      const path = `/documents/${encodeURIComponent(document)}/snapshots?limit=200${query}`;
      const page = listSchema.parse(await (await callApi(targetOf(options), { method: 'GET', path })).json());
      all.push(...page.data);
      cursor = page.nextCursor;
    } while (cursor !== null);
    output().result(
      all,
      all.length === 0
        ? ['No snapshots.']
        : all.map((entry) => `${entry.id}  ${entry.createdAt}  ${entry.bytes} bytes  ${entry.label ?? ''}`),
    );
  });
  withRemoteOptions(
    snapshot.command('delete').argument('<document>', 'such as form/<id>').argument('<snapshot>', 'its id'),
  ).action(async (document: string, id: string, options: RemoteOptions) => {
    await callApi(targetOf(options), {
      method: 'DELETE',
      path: `/documents/${encodeURIComponent(document)}/snapshots/${encodeURIComponent(id)}`,
    });
    output().result({ deleted: id }, [`Deleted snapshot ${id}.`]);
  });

  addPolicyCommand(snapshot, output);

  withConfigOptions(
    withRemoteOptions(
      program
        .command('restore')
        .description('turn a document back into a snapshot, or put an archive of `backup` into an empty store')
        .argument('<documentOrFile>', 'with a snapshot: a document, such as form/<id>; alone: an archive')
        .argument('[snapshot]', "a snapshot's id"),
    )
      .option('--dry-run', 'say what would change, change nothing', false)
      .option('--verify', 'of an archive: then open every document in the store and compare it', false)
      .option('--move', 'of an archive: nobody has edited since it was made; copies in browsers stay good', false)
      .addHelpText(
        'after',
        '\nA snapshot is restored by the server at --url, as a forward edit that live editors merge with.\nAn archive is restored into the store that DATA_DIR or REDIS_URL name: it must be empty. It is verified first, and\na damaged one changes nothing. Documents begin a new life: a copy in a browser that has more than the archive is set\naside there, not merged. With --move they go on: for an archive of a stopped server that this store replaces.',
      ),
  ).action(async (subject: string, id: string | undefined, options: RestoreOptions) => {
    if (id !== undefined) return restoreSnapshot(subject, id, options, output());
    const { dryRun: isDryRun, verify: isVerified, move: isMove, ...flags } = options;
    const { restoreStore } = await import('./archives.js');
    return restoreStore(subject, { isDryRun, isVerified, isMove }, flags, environment, output());
  });
}

type RestoreOptions = RemoteOptions & { readonly dryRun: boolean; readonly verify: boolean; readonly move: boolean };

async function restoreSnapshot(document: string, id: string, options: RestoreOptions, output: Output): Promise<void> {
  const query = options.dryRun ? '?dryRun=true' : '';
  const response = await callApi(targetOf(options), {
    method: 'POST',
    path: `/documents/${encodeURIComponent(document)}/snapshots/${encodeURIComponent(id)}/restore${query}`,
    body: {},
  });
  const report: unknown = await response.json();
  output.result(report, [
    options.dryRun ? 'This would change:' : `Restored ${document} to ${id}:`,
    JSON.stringify(report, null, 2),
  ]);
}
