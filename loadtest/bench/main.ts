/** `npm run bench`. */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { runBenchCommand } from './command.js';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
process.exitCode = await runBenchCommand(process.argv.slice(2), root);
