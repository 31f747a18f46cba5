import t from 'tap';
import { jobKinds } from '../../src/operations/asynchronous/jobs.ts';
import { Get } from '../../src/operations/transfer/get.ts';
import { Register } from '../../src/operations/transfer/register.ts';
import { padContent, paddedKinds, unpadContent } from '../../src/protocol/unit-of-work/padded-records.ts';
import { sealRecord } from '../../src/protocol/unit-of-work/record-boxes.ts';
import { UnitOfWork } from '../../src/protocol/unit-of-work/unit-of-work.ts';
import type { Store } from '../../src/store/store.ts';
import { recordKey } from '../row-index.ts';
import { readTree } from '../tidy/source.ts';
import { gatedOperation, poll, submit, waitForJobs } from './jobs.ts';
import { having, payloadOf, succeed } from './operations/ask.ts';
import { TestService } from './service.ts';

/** The size of a record can be read in the database: it must not tell the length of a secret. */

const lengths = [1, 8, 16, 40];

const registration = (length: number) => ({
  ObjectType: 'SecretData',
  Attributes: having({ name: 'CryptographicUsageMask', value: 0 }),
  Object: {
    type: 'SecretData',
    value: {
      SecretDataType: 'Password',
      KeyBlock: {
        KeyFormatType: 'Opaque',
        KeyValue: { KeyMaterial: new Uint8Array(length).fill(0x70), Attributes: [] },
      },
    },
  },
});

/** The sizes of all boxes of a kind, each once. */
async function sizesOf(store: Store, kind: string): Promise<{ count: number; sizes: number[] }> {
  const rows = await store.records({ kind, limit: 100, at: 0 });
  return { count: rows.length, sizes: [...new Set(rows.map(({ box }) => box.length))] };
}

t.test('the boxes of jobs are of one size for passwords of different lengths', async (t) => {
  const gate = gatedOperation('RNGSeed');
  const service = await TestService.open({ extra: [gate.operation] });
  t.teardown(() => service.close());
  const operation = 'Register';
  const seed = { operation: 'RNGSeed' };
  for (const length of lengths) {
    const payload = payloadOf('2.1', Register, registration(length));
    await submit(service, '2.1', [seed, { operation, payload }]);
  }
  t.strictSame((await sizesOf(service.store, jobKinds.message)).count, lengths.length);
  t.equal((await sizesOf(service.store, jobKinds.message)).sizes.length, 1, 'requests');
  gate.open();
  await waitForJobs(service);

  const answered: Uint8Array[] = [];
  for (const length of lengths) {
    const { UniqueIdentifier } = await succeed(service, '2.1', Register, registration(length));
    const { values } = await submit(service, '2.1', [
      { operation: 'Get', payload: payloadOf('2.1', Get, { UniqueIdentifier }) },
    ]);
    answered.push(...values);
  }
  await waitForJobs(service);
  for (const value of answered) t.equal((await poll(service, '2.1', value)).operation, 'Get');
  const jobs = answered.map((value) => value.subarray(0, 16).toHex());
  for (const kind of [jobKinds.answers, jobKinds.done]) {
    const rows = await Promise.all(
      jobs.map((id) => service.store.record(kind, recordKey(service.vault, kind, id))),
    );
    t.equal(new Set(rows.map((row) => row?.box.length)).size, 1, kind);
  }
});

t.test('a record without padding, of an older kmipd, is read', async (t) => {
  const service = await TestService.open();
  t.teardown(() => service.close());
  const { store, vault } = service;
  const contents = [Uint8Array.of(0x42, 0, 0x78), new TextEncoder().encode('[]'), new Uint8Array(300)];
  for (const kind of paddedKinds)
    for (const content of contents) {
      t.equal(unpadContent(kind, content), content);
      t.strictSame(unpadContent(kind, padContent(kind, content)), content);
      t.equal(padContent(kind, content).length % 256, 0);
    }
  t.strictSame(unpadContent('job-done', padContent('job-done', new Uint8Array())), new Uint8Array());
  t.throws(() => unpadContent('job-done', Uint8Array.of(1, 0, 0, 0, 9, 1)), RangeError);
  t.equal(padContent('ticket', contents[0]!), contents[0]);

  const row = { group: 'g', expires: null };
  const sizeOf = (kind: string, length: number) =>
    sealRecord(vault, { ...row, kind }, { id: 'i', content: new Uint8Array(length) }).put.box.length;
  for (const kind of paddedKinds) t.equal(sizeOf(kind, 1), sizeOf(kind, 250), kind);
  t.equal(sizeOf('ticket', 2), sizeOf('ticket', 1) + 1);

  const unit = new UnitOfWork(store, vault, { uniqueNames: false, now: 0 });
  unit.putRecord(jobKinds.message, 'm', 'g', contents[0]!);
  t.equal(await unit.commit(), 'committed');
  const later = new UnitOfWork(store, vault, { uniqueNames: false, now: 0 });
  t.strictSame((await later.record(jobKinds.message, 'm'))?.content, contents[0]);
});

/** Every kind of record, and why its length tells no secret of a client; undefined where it is padded. */
const kinds: Readonly<Record<string, string | undefined>> = {
  administrator: 'a hash and a secret of one length each',
  'administrator-list': 'names',
  approval: undefined,
  'audit-cut': 'a number and a hash',
  'authority-above': 'fingerprints of keys',
  'authority-certificates': 'certificates',
  'authority-key': 'a fingerprint of a key',
  'authority-subject': 'fingerprints of keys',
  client: 'hashes of passwords, of one length each',
  'client-certificate': 'a name',
  'compromised-key': 'dates',
  crl: 'a number',
  'destroyed-identity': 'fingerprints',
  endpoint: 'an address of the operator',
  'folded-lane': 'hashes and numbers',
  grant: 'names of clients and operations',
  grantee: 'nothing',
  issued: 'fields of a certificate',
  'issued-revoked': 'dates and fields of certificates',
  'issuer-name': 'a fingerprint of a key',
  'issuer-order': 'identifiers',
  job: 'names of operations and rights',
  'job-answers': undefined,
  'job-done': undefined,
  'job-holders': 'identifiers of jobs',
  'job-message': undefined,
  'job-waiting': 'names of operations and rights, and identifiers',
  'job-waiting-count': 'nothing',
  'key-copies': 'identifiers and counts',
  pkcs11: undefined,
  policy: 'attributes that every client of the group may read',
  quota: 'a number',
  'random-iv-uses': 'a count',
  recipient: 'public keys',
  'reserved-name': 'the maker of an object',
  restorable: 'the name of a client, dates',
  'revoked-part': 'dates',
  succession: 'a fingerprint',
  ticket: 'rights and counts',
  'token-keys': 'identifiers and a time',
  'value-key': 'a key of one length',
  'wrapped-value': undefined,
};

t.test('every kind of record is padded, or its length tells no secret', (t) => {
  const found = new Set<string>();
  for (const { path, text } of readTree()) {
    if (!/^src\/(operations|protocol|identity|store)\//.test(path)) continue;
    // `const someKind = 'kind'`, `const kind = 'kind'` and the members of `const someKinds = { … }`.
    for (const [, kind] of text.matchAll(/^(?:export )?const (?:\w*Kind|kind) = '([\w-]+)';/gm))
      found.add(kind!);
    for (const [, members] of text.matchAll(/^(?:export )?const (?:\w*K|k)inds = \{(.*?)\} as const;/gms))
      for (const [, kind] of members!.matchAll(/^ {2}\w+: '([\w-]+)',/gm)) found.add(kind!);
  }
  t.strictSame([...found].toSorted(), Object.keys(kinds).toSorted());
  const padded = Object.keys(kinds).filter((kind) => kinds[kind] === undefined);
  t.strictSame([...paddedKinds].toSorted(), padded.toSorted());
  t.end();
});
