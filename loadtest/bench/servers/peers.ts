/**
 * The servers of others. They are no dependencies of the product: the benchmark installs them on first use into
 * `loadtest/bench/peers/node_modules`, with the Node 22 that one of them needs.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

export interface Peers {
  /** Node 22 or later. */
  readonly node22: string;
  readonly yWebsocketServer: string;
  /** The small script that starts Hocuspocus. */
  readonly hocuspocus: string;
}

const REQUIRED = ['@y/websocket-server', '@hocuspocus/server', 'y-leveldb', 'yjs'];
const NODE_WITH_HOCUSPOCUS = 22;

/** @throws Error with npm's last words when the installation fails. */
export async function installPeers(root: string, say: (line: string) => void): Promise<Peers> {
  const folder = path.join(root, 'loadtest/bench/peers');
  if (!existsSync(path.join(folder, 'package.json'))) {
    throw new Error(
      `${folder}/package.json is missing: the peers can only be measured in a checkout of the repository`,
    );
  }
  const modules = path.join(folder, 'node_modules');
  const ownNode = path.join(modules, `node-linux-${process.arch}/bin/node`);
  const isNodeNew = Number(process.versions.node.split('.')[0]) >= NODE_WITH_HOCUSPOCUS;
  const isInstalled =
    REQUIRED.every((name) => existsSync(path.join(modules, name, 'package.json'))) &&
    (isNodeNew || existsSync(ownNode));
  if (!isInstalled) {
    say(`Installing the peers into ${path.relative(process.cwd(), modules)} (about 200 MB, once) …`);
    try {
      await promisify(execFile)('npm', ['install', '--no-audit', '--no-fund'], { cwd: folder });
    } catch (error) {
      const words = error instanceof Error ? error.message.split('\n').slice(-8).join('\n') : String(error);
      throw new Error(`the peers could not be installed; --servers formloom,relay needs none.\n${words}`, {
        cause: error,
      });
    }
  }
  return {
    node22: existsSync(ownNode) ? ownNode : process.execPath,
    yWebsocketServer: path.join(modules, '@y/websocket-server/src/server.js'),
    hocuspocus: path.join(folder, 'hocuspocus.mjs'),
  };
}
