/** The app that the server shows under `/app/`; built into `dist/web`. */
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import { shellAssets } from './offline/shell-assets.js';

export default defineConfig({
  base: '/app/',
  plugins: [react(), shellAssets()],
  // Nothing of the app is inlined: the content security policy takes scripts and styles from files alone.
  build: {
    outDir: '../dist/web',
    emptyOutDir: true,
    manifest: 'manifest.json',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
