// In an application of your own, `formloom/client` comes from node_modules and needs no alias.
import path from 'node:path';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const source = (file) => path.resolve(import.meta.dirname, '..', file);
const pages = ['codemirror', 'react', 'surveyjs', 'tiptap'];

export default defineConfig({
  plugins: [react()],
  cacheDir: '../node_modules/.cache/examples',
  resolve: {
    alias: [
      { find: /^formloom\/client\/react$/, replacement: source('client/react/index.ts') },
      { find: /^formloom\/client$/, replacement: source('client/index.ts') },
    ],
    // Two copies of Yjs do not know each other's types.
    dedupe: ['yjs'],
  },
  optimizeDeps: { entries: pages.map((page) => `${page}/index.html`) },
});
