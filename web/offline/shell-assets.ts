/** Tells the service worker, when it is built, which assets each page needs. */
import { createHash } from 'node:crypto';
import type { Plugin, Rollup } from 'vite';

const WORKER = 'service-worker.js';
/** Pages that open without a network, by the modules that they are. */
const PAGES = { respond: 'respond/respond-page.tsx', editor: 'editor/editor-page.tsx' } as const;

export function shellAssets(): Plugin {
  return {
    name: 'formloom-shell-assets',
    apply: 'build',
    enforce: 'post',
    buildStart() {
      this.emitFile({ type: 'chunk', id: 'offline/service-worker.ts', fileName: WORKER });
    },
    generateBundle(_options, bundle) {
      const worker = bundle[WORKER];
      if (worker?.type !== 'chunk') throw new Error('The service worker was not built.');
      if (worker.imports.length > 0) throw new Error('The service worker imports chunks: it has to be one file.');
      const chunks = Object.values(bundle).filter((output) => output.type === 'chunk');
      const one = (what: string, isIt: (chunk: Rollup.OutputChunk) => boolean): Rollup.OutputChunk => {
        const found = chunks.find(isIt);
        if (found === undefined) throw new Error(`The build has no ${what}.`);
        return found;
      };
      const entry = one('entry', (chunk) => chunk.isEntry && chunk.fileName !== WORKER);
      const always = closure(bundle, entry, false);
      const pages = Object.fromEntries(
        Object.entries(PAGES).map(([name, module]) => {
          const page = one(module, ({ facadeModuleId }) => facadeModuleId?.endsWith(`/web/${module}`) === true);
          return [name, [...closure(bundle, page, true)].filter((file) => !always.has(file)).map(pathOf)];
        }),
      );
      const shell = { always: [...always].map(pathOf), pages };
      const html = bundle['index.html'];
      const version = createHash('sha256')
        .update(JSON.stringify(shell))
        .update(html?.type === 'asset' ? html.source : '')
        .update(worker.code)
        .digest('hex')
        .slice(0, 16);
      worker.code = `const SHELL = ${JSON.stringify({ version, ...shell })};\n${worker.code}`;
    },
  };
}

const pathOf = (file: string): string => `/app/${file}`;

/** Names of the chunk, of all that it imports, and of their styles. @param isDeep with what is loaded when it is needed */
function closure(
  bundle: Rollup.OutputBundle,
  chunk: Rollup.OutputChunk,
  isDeep: boolean,
  found = new Set<string>(),
): Set<string> {
  if (found.has(chunk.fileName)) return found;
  found.add(chunk.fileName);
  for (const style of chunk.viteMetadata?.importedCss ?? []) found.add(style);
  for (const file of chunk.viteMetadata?.importedAssets ?? []) found.add(file);
  for (const name of [...chunk.imports, ...(isDeep ? chunk.dynamicImports : [])]) {
    const next = bundle[name];
    if (next?.type === 'chunk' && !next.isEntry) closure(bundle, next, isDeep, found);
    else if (next?.type === 'chunk') found.add(next.fileName);
  }
  return found;
}
