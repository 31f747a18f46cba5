import fc from 'fast-check';
import t from 'tap';
import { openEndpoint } from './endpoint.ts';
import { TestService } from './service.ts';

/** Whatever a client answers, it costs its own connection at most: no bug of ours, nothing that hangs. */

t.test(
  'the server survives answers with changed, missing and additional bytes',
  { timeout: 120_000 },
  async (t) => {
    const shared = await TestService.open();
    t.teardown(() => shared.close());
    const change = fc.record({
      /** Which answer: Discover Versions, Query, Notify. */
      nth: fc.integer({ min: 0, max: 2 }),
      edits: fc.array(
        fc.oneof(
          { arbitrary: fc.record({ at: fc.nat(400), set: fc.integer({ min: 0, max: 255 }) }), weight: 12 },
          { arbitrary: fc.record({ at: fc.nat(400), cut: fc.constant(true) }), weight: 1 },
          {
            arbitrary: fc.record({ at: fc.nat(400), insert: fc.uint8Array({ minLength: 1, maxLength: 24 }) }),
            weight: 1,
          },
        ),
        { minLength: 1, maxLength: 3 },
      ),
    });
    for (const { nth, edits } of fc.sample(change, { numRuns: 400, seed: 20_261_123 })) {
      await t.test(`answer ${nth} ${JSON.stringify(edits)}`, async (t) => {
        let count = 0;
        const mangle = (answer: Uint8Array): Uint8Array => {
          if (count++ !== nth) return answer;
          return edits.reduce<Uint8Array>((bytes, edit) => {
            const at = edit.at % (bytes.length + 1);
            if ('set' in edit) return bytes.map((byte, index) => (index === at ? edit.set : byte));
            const inserted = 'insert' in edit ? edit.insert : new Uint8Array(0);
            const rest = 'insert' in edit ? bytes.subarray(at) : new Uint8Array(0);
            return Uint8Array.from([...bytes.subarray(0, at), ...inserted, ...rest]);
          }, answer);
        };
        const { service, client, cutReasons, events, ended } = await openEndpoint(t, {
          mangle,
          service: shared,
        });
        await client.seen(nth === 0 ? 'DiscoverVersions' : 'Query').catch(() => {});
        await new Promise(setImmediate);
        if (cutReasons.length === 0) {
          await service.key();
          await Promise.race([client.seen('Notify', 1), ended]);
          await service.key();
          await Promise.race([client.seen('Notify', 2), ended]);
        }
        t.same(
          events.filter(({ kind }) => kind === 'failed'),
          [],
          cutReasons[0] ?? 'goes on',
        );
      });
    }
  },
);
