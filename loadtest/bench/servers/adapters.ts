import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { HOCUSPOCUS, Y_WEBSOCKET } from '../../load/clients/dialects.js';
import type { Peers } from './peers.js';
import type { ServerAdapter, ServerName } from './server.js';

export const SERVER_NAMES: readonly ServerName[] = [
  'formloom',
  'yws',
  'yws-leveldb',
  'hocuspocus',
  'relay',
  'relay-batched',
];
const PEERS = new Set<ServerName>(['yws', 'yws-leveldb', 'hocuspocus']);

export const needsPeers = (names: readonly ServerName[]): boolean => names.some((name) => PEERS.has(name));

/** Built `main.js` files of Formloom. */
export interface Builds {
  readonly formloomMain: string;
  readonly besideMain: string | undefined;
}

/** @throws Error when Formloom is not built. */
export function createAdapter(name: ServerName, builds: Builds, peers: Peers | undefined): ServerAdapter {
  switch (name) {
    case 'formloom':
      return formloom(builds.formloomMain);
    case 'other-build':
      return { ...formloom(required(builds.besideMain)), name, title: `Formloom, ${builds.besideMain ?? ''}` };
    case 'yws':
    case 'yws-leveldb':
      return yWebsocketServer(name, required(peers));
    case 'hocuspocus':
      return hocuspocus(required(peers));
    case 'relay':
    case 'relay-batched':
      return relay(name);
  }
}

/** The product as an operator starts it, with its embedded store; only the caps on connections are raised. */
function formloom(main: string): ServerAdapter {
  if (!existsSync(main)) throw new Error(`${main} is missing: run "npm run build" first, or choose other --servers`);
  return {
    name: 'formloom',
    title: 'Formloom, embedded durable log',
    dialect: Y_WEBSOCKET,
    readyPath: '/api/v1/health/ready',
    keepsState: true,
    isDurable: true,
    isEchoing: true,
    launch: ({ port, dataDir, profileDir }) => ({
      node: process.execPath,
      nodeFlags: profileDir === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDir}`],
      script: [main, 'serve'],
      env: {
        PORT: String(port),
        HOST: '127.0.0.1',
        AUTH: 'off',
        DATA_DIR: dataDir,
        CONNECTION_POOL_SIZE: '20000',
        LOG_LEVEL: 'warn',
        DRAIN_SECONDS: '0',
      },
    }),
  };
}

function yWebsocketServer(name: 'yws' | 'yws-leveldb', peers: Peers): ServerAdapter {
  const isDurable = name === 'yws-leveldb';
  return {
    name,
    title: `@y/websocket-server 0.1.1${isDurable ? ' with LevelDB' : ', no store'}`,
    dialect: Y_WEBSOCKET,
    readyPath: '/',
    keepsState: true,
    isDurable,
    isEchoing: true,
    launch: ({ port, dataDir }) => ({
      node: process.execPath,
      nodeFlags: [],
      script: [peers.yWebsocketServer],
      env: { PORT: String(port), HOST: '127.0.0.1', ...(isDurable ? { YPERSISTENCE: dataDir } : {}) },
    }),
  };
}

function hocuspocus(peers: Peers): ServerAdapter {
  return {
    name: 'hocuspocus',
    title: '@hocuspocus/server 4.7.0 on Node 22, no store',
    dialect: HOCUSPOCUS,
    readyPath: '/',
    keepsState: true,
    isDurable: false,
    isEchoing: true,
    launch: ({ port }) => ({ node: peers.node22, nodeFlags: [], script: [peers.hocuspocus, String(port)], env: {} }),
  };
}

function relay(name: 'relay' | 'relay-batched'): ServerAdapter {
  // From the sources this runs through tsx, as the benchmark itself does.
  const isSource = import.meta.url.endsWith('.ts');
  const script = fileURLToPath(new URL(`../relays/relay.${isSource ? 'ts' : 'js'}`, import.meta.url));
  return {
    name,
    title:
      name === 'relay' ? 'stateless relay (ws.send per receiver)' : 'stateless relay, one write per turn (the floor)',
    dialect: Y_WEBSOCKET,
    readyPath: '/',
    keepsState: false,
    isDurable: false,
    isEchoing: true,
    launch: ({ port }) => ({
      node: process.execPath,
      nodeFlags: isSource ? ['--import', import.meta.resolve('tsx')] : [],
      script: [script, String(port), ...(name === 'relay-batched' ? ['--batched'] : [])],
      env: {},
    }),
  };
}

function required<T>(part: T | undefined): T {
  if (part === undefined) throw new Error('what this server needs is not installed');
  return part;
}
