/** docs/guarantees.md promises with a test for each row: it has to be there. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import t from 'tap';

const ROW = /^\| (\d+) \| .+ \| \[.+\]\((.+\.test\.ts)\) \|$/gm;

void t.test('each guarantee has a test with its number', async (t) => {
  const rows = [...(await readFile('docs/guarantees.md', 'utf8')).matchAll(ROW)];
  t.equal(rows.length, 39);
  for (const [, row = '', file = ''] of rows) {
    const test = await readFile(path.join('docs', file), 'utf8');
    t.match(test, new RegExp(`\\brows? (?:\\d+ and )*${row}\\b`), `row ${row} in ${file}`);
  }
});
