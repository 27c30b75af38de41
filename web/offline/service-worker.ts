/**
 * Keeps the shell of the app in the browser, so that a page opens without a network: its HTML, and the scripts and styles of
 * the pages that were opened here. Nothing that the API answers and no token is ever kept: requests outside of `/app/` pass
 * by, and the one page that is kept is fetched without what its address or its cookies carried.
 *
 * The build puts `SHELL` in: which assets each page needs, and a version that changes with any of them. A new version is
 * fetched beside the old one and takes over when no page of the old one is open. Pages come from the network first, so a
 * page that is loaded anew is of the newest version at once, and finds its assets in the network.
 */
interface Shell {
  readonly version: string;
  /** The HTML, and what every page needs. */
  readonly always: readonly string[];
  /** By the name that a page gives itself: what it needs beyond that. */
  readonly pages: Readonly<Record<string, readonly string[]>>;
}
declare const SHELL: Shell;

/** What the standard calls ExtendableEvent, FetchEvent and ExtendableMessageEvent. */
interface WorkerEvent {
  readonly request: Request;
  readonly data: unknown;
  waitUntil(work: Promise<unknown>): void;
  respondWith(answer: Promise<Response>): void;
}
interface Worker {
  readonly location: Location;
  readonly clients: { claim(): Promise<void> };
  addEventListener(type: 'install' | 'activate' | 'fetch' | 'message', listener: (event: WorkerEvent) => void): void;
}

const PAGE = '/app/';
const PREFIX = 'formloom-app-';
const CURRENT = PREFIX + SHELL.version;
/** A network that does not answer is as good as none. */
const PATIENCE_MS = 4_000;

/** The server answers alike whatever headers a request has: what is in an asset stands in its name. */
const WHATEVER_VARIES = { ignoreVary: true };

const worker = self as unknown as Worker;

worker.addEventListener('install', (event) => event.waitUntil(keep([PAGE, ...SHELL.always])));
worker.addEventListener('activate', (event) => event.waitUntil(takeOver()));
worker.addEventListener('message', (event) => {
  const page = typeof event.data === 'object' && event.data !== null && 'keep' in event.data ? event.data.keep : '';
  // Without a network it is kept the next time.
  if (typeof page === 'string') event.waitUntil(keep(SHELL.pages[page] ?? []).catch(() => undefined));
});
worker.addEventListener('fetch', (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== 'GET' || origin !== worker.location.origin || !pathname.startsWith(PAGE)) return;
  if (request.mode === 'navigate') event.respondWith(page(request));
  else if (pathname.startsWith(`${PAGE}assets/`)) event.respondWith(asset(request));
});

/** All or nothing. What is there already is not fetched again: names of assets hold a hash of what is in them. */
async function keep(paths: readonly string[]): Promise<void> {
  const cache = await caches.open(CURRENT);
  const known = await Promise.all(paths.map(async (path) => (await cache.match(path, WHATEVER_VARIES)) !== undefined));
  const missing = paths.filter((_path, index) => known[index] !== true);
  await cache.addAll(
    missing.map((path) => new Request(path, { credentials: 'omit', cache: path === PAGE ? 'reload' : 'default' })),
  );
}

async function takeOver(): Promise<void> {
  for (const name of await caches.keys()) {
    if (name.startsWith(PREFIX) && name !== CURRENT) await caches.delete(name);
  }
  // The page that brought the worker opens without a network too.
  await worker.clients.claim();
}

/** From the network; where it fails or dawdles, as it was kept. */
async function page(request: Request): Promise<Response> {
  const kept = (await caches.open(CURRENT)).match(PAGE, WHATEVER_VARIES);
  const late = new Promise<undefined>((resolve) => setTimeout(resolve, PATIENCE_MS, undefined));
  const fetched = fetch(request);
  const answer = await Promise.race([fetched.catch(() => undefined), late]);
  // A proxy whose server is down answers too.
  if (answer !== undefined && answer.status < 500) return answer;
  return (await kept) ?? answer ?? fetched;
}

async function asset(request: Request): Promise<Response> {
  return (await (await caches.open(CURRENT)).match(request, WHATEVER_VARIES)) ?? fetch(request);
}
