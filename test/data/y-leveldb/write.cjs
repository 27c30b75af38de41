const { LeveldbPersistence } = require('y-leveldb'); const Y = require('yjs');
(async () => {
  const p = new LeveldbPersistence(process.argv[2]);
  const doc = new Y.Doc(); doc.clientID = 11;
  const text = doc.getText('text'); const updates = [];
  doc.on('update', (u) => updates.push(u));
  'A document of y-websocket-server.'.split('').forEach((c, i) => text.insert(i, c));
  text.delete(0, 2); text.insert(0, 'The ');
  for (const u of updates) await p.storeUpdate('notes/früh & spät', u);
  const map = new Y.Doc(); map.clientID = 12; map.getMap('m').set('a', 1); map.getMap('m').set('b', [1, 2, { c: 'x' }]);
  await p.storeUpdate('second', Y.encodeStateAsUpdate(map));
  await p.setMeta('second', 'owner', 'somebody');
  const many = new Y.Doc(); many.clientID = 13;
  many.on('update', (u) => many.q.push(u)); many.q = [];
  for (let i = 0; i < 700; i++) many.getArray('a').push([i]);
  for (const u of many.q) await p.storeUpdate('many', u); // beyond its threshold, folded by itself
  await p.flushDocument('many');
  for (let i = 700; i < 710; i++) { many.q = []; many.getArray('a').push([i]); await p.storeUpdate('many', many.q[0]); }
  await p.destroy();
})().catch((e) => { console.error(e); process.exit(1); });
