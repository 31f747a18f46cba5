import t from 'tap';
import type { RequestItem, ResponseItem } from '../../../codec/envelope.ts';
import { MessageAudit } from '../../../src/protocol/audit/message-audit.ts';

/** A message cannot make its entry as long as it likes, and no item can take the share of all others. */

t.test('each item names objects, however many those before it have named', async (t) => {
  const audit = new MessageAudit({ node: 'n', hasNames: true }, 0);
  const items = Array.from(
    { length: 30 },
    () => ({ operation: 'Get', payload: [] }) as unknown as RequestItem,
  );
  const absent = Array.from({ length: 2_000 }, (_, at) => `${at}${'x'.repeat(500)}`);
  for (const item of items) audit.trace(item, { request: undefined, objects: [], absent, found: 0 });
  const answers = items.map(() => [{ operation: 'Get', status: 'Success' } as unknown as ResponseItem]);
  const principal = { client: 'a', group: 'g' };
  const entry = audit.entryOf({ kind: 'message', principal, version: '2.1' }, items, answers);
  const named = entry.items.map(({ objects = [] }) => objects.length);
  t.strictSame(named, [...Array(16).fill(1_024), ...Array(14).fill(4)]);
  for (const { objects = [], more = 0 } of entry.items) {
    t.equal(objects.length + more, absent.length, 'the others are counted');
    for (const { id } of objects) t.equal(id.length, 128);
  }
});
