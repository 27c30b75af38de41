/**
 * A process to be killed: appends numbered texts to a few documents, compacts them now and then, and prints each
 * position when it is acknowledged. `node crashing-writer.ts <folder> <first number>`.
 */
import { pino } from 'pino';
import { saying, textOf, textsOf } from '../../testing/store-under-test.js';
import { openEmbeddedStorage } from '../embedded-storage.js';

const DOCUMENTS = 4;
const COMPACT_EVERY = 7;

const [folder = '', first = '0'] = process.argv.slice(2);
const { documents } = await openEmbeddedStorage({ folder, node: 'writer', logger: pino({ level: 'silent' }) });

async function write(document: string): Promise<never> {
  for (let number = Number(first); ; number++) {
    const position = await documents.append(document, [saying(`${number},`)]);
    process.stdout.write(`${document} ${number} ${position}\n`);
    if (number % COMPACT_EVERY !== 0) continue;
    const { snapshot, updates, position: upTo } = await documents.load(document);
    await documents.compact(document, upTo, Buffer.from(textOf(snapshot) + textsOf(updates).join('')));
  }
}

await Promise.all(Array.from({ length: DOCUMENTS }, (_, i) => write(`document ${i}`)));
