import { webcrypto } from 'node:crypto';
import t from 'tap';
import * as x509 from '../../../../certs/x509.ts';
import { nodeCrypto } from '../../../../src/crypto/node/node.ts';
import type { ManagedObject } from '../../../../src/object/managed-object.ts';
import {
  findRecordedCertificates,
  findRecordedKeys,
  recordCertificate,
} from '../../../../src/operations/authority-certificates.ts';
import { keepAuthorityKey } from '../../../../src/operations/authority-records.ts';
import { Certify } from '../../../../src/operations/certificates/certify.ts';
import { ReCertify } from '../../../../src/operations/certificates/re-certify.ts';
import type { Context } from '../../../../src/operations/context.ts';
import { keyFingerprint } from '../../../../src/operations/record-identifiers.ts';
import { Import } from '../../../../src/operations/transfer/import.ts';
import { Register } from '../../../../src/operations/transfer/register.ts';
import type { TestService } from '../../service.ts';
import { having, outcome, succeed } from '../ask.ts';
import {
  authority,
  ca,
  clientKeys,
  day,
  ecdsa,
  extracted,
  mask,
  name,
  opened,
  type Pair,
  signOutside,
  spellingsOf,
} from './authority.ts';

/** The record of an authority's certificates forgets none, is bounded, and never stops renewals. */

t.setTimeout(300_000);

const start = Date.parse('2026-01-01T00:00:00Z') / 1000;

/** The context of one group whose records stand in memory; `lasting` are the kinds of lasting changes. */
function memory(group = 'g') {
  const contents = new Map<string, Uint8Array>();
  const lasting: string[] = [];
  const at = (kind: string, id: string) => `${kind}/${id}`;
  const put = (kind: string, id: string, content: Uint8Array) => contents.set(at(kind, id), content);
  const records = {
    load: async (kind: string, id: string) => contents.get(at(kind, id)),
    put,
    putLasting: (kind: string, id: string, change: (content?: Uint8Array) => Uint8Array) => {
      lasting.push(kind);
      put(kind, id, change(contents.get(at(kind, id))));
    },
  };
  const context = { crypto: nodeCrypto, principal: { group }, work: { records }, now: start };
  return { context: context as unknown as Context, lasting };
}

const objectOf = (CertificateValue: Uint8Array) =>
  ({
    type: 'Certificate',
    value: { type: 'Certificate', value: { CertificateType: 'X_509', CertificateValue } },
  }) as unknown as ManagedObject;

type Keys = Awaited<ReturnType<typeof clientKeys>>;
const spkiOf = async ({ publicKey }: Keys) =>
  new Uint8Array(await webcrypto.subtle.exportKey('spki', publicKey));

/** Makes a self-signed certificate that is valid on those days of the test. */
async function validOn(keys: Keys, first: number, last: number, subject = 'CN=Root'): Promise<Uint8Array> {
  const made = await x509.X509CertificateGenerator.createSelfSigned(
    {
      name: subject,
      keys,
      notBefore: new Date((start + first * day) * 1000),
      notAfter: new Date((start + last * day) * 1000),
      signingAlgorithm: ecdsa,
      extensions: [ca()],
    },
    webcrypto as Crypto,
  );
  return new Uint8Array(made.rawData);
}

t.test(
  'a renewal by the server takes the place of what is no longer needed, and nothing else does',
  async (t) => {
    const keys = await clientKeys();
    const issuerKey = await spkiOf(keys);
    const fingerprint = keyFingerprint(issuerKey, nodeCrypto);
    const rows: readonly [
      what: string,
      days: readonly [number, number],
      subject: string,
      expected: number,
    ][] = [
      ['the first one', [0, 10], 'CN=Root', 1],
      ['one that ends later', [0, 20], 'CN=Root', 1],
      ['one that ends sooner', [0, 5], 'CN=Root', 1],
      ['one that begins later', [30, 40], 'CN=Root', 2],
      ['one of another name', [0, 30], 'CN=Other', 3],
    ];
    const { context, lasting } = memory();
    for (const [what, [first, last], subject, expected] of rows) {
      await recordCertificate(objectOf(await validOn(keys, first, last, subject)), context, issuerKey);
      t.equal((await findRecordedCertificates(fingerprint, context)).length, expected, what);
    }
    t.ok(lasting.length > 0, 'the certificates were signed whatever becomes of the item');
    const [kept] = await findRecordedCertificates(fingerprint, context);
    const { notAfter } = await nodeCrypto.certification.readCertificate(kept as Uint8Array);
    t.equal(notAfter, start + 20 * day);
    const brought = memory();
    for (const last of [10, 20])
      await recordCertificate(objectOf(await validOn(keys, 0, last)), brought.context);
    const both = await findRecordedCertificates(fingerprint, brought.context);
    t.equal(both.length, 2, 'certificates of clients take no place');
    await recordCertificate(objectOf(both[0] as Uint8Array), brought.context);
    t.same(await findRecordedCertificates(fingerprint, brought.context), both, 'the same one again');
    t.same(brought.lasting, []);
  },
);

t.test('a name in whatever spelling finds the keys of the group', async (t) => {
  const { context } = memory();
  const expected: string[] = [];
  const spellings = Object.values(spellingsOf('Root'));
  for (const subject of spellings) {
    const keys = await clientKeys();
    expected.push(keyFingerprint(await spkiOf(keys), nodeCrypto));
    await recordCertificate(
      objectOf(await signOutside(start * 1000, { subject, keys, extensions: [ca()] })),
      context,
    );
  }
  for (const subject of spellings)
    t.same(await findRecordedKeys(new Uint8Array(new x509.Name(subject).toArrayBuffer()), context), expected);
});

t.test(
  'a full record of a name refuses another key, and not that of an older database that goes',
  async (t) => {
    const { context } = memory();
    const subject = new Uint8Array(new x509.Name('CN=Root').toArrayBuffer());
    const records = context.work.records;
    const put = records.put.bind(records);
    let isFull = false;
    records.put = (kind, id, content) => {
      const isOfName = kind === 'authority-subject' && !isFull;
      if (isOfName) isFull = true;
      put(
        kind,
        id,
        isOfName ? new TextEncoder().encode(JSON.stringify(Array.from({ length: 1_000 }, String))) : content,
      );
    };
    await recordCertificate(objectOf(await validOn(await clientKeys(), 0, 1)), context);
    const other = objectOf(await validOn(await clientKeys(), 0, 1));
    await t.rejects(recordCertificate(other, context), { reason: 'ServerLimitExceeded' } as never);
    t.equal((await findRecordedKeys(subject, context)).length, 1_000);
    await t.resolves(keepAuthorityKey(other, context));
    t.equal((await findRecordedKeys(subject, context)).length, 1_001);
  },
);

const value = (der: Uint8Array) =>
  ({ type: 'Certificate', value: { CertificateType: 'X_509', CertificateValue: der } }) as const;
const register = (service: TestService, der: Uint8Array) =>
  outcome(service, '2.1', Register, {
    ObjectType: 'Certificate',
    Attributes: having(),
    Object: value(der),
  });

/** Makes certificates of an authority outside the group for the key of one in it. */
async function crossing(service: TestService, { privateKey, publicKey }: Pair) {
  const client = await clientKeys();
  const issuer = { name: [{ CN: ['Own'] }], keys: client };
  const keys = await extracted(service, { privateKey, publicKey });
  return (common: string, ...extensions: x509.Extension[]) =>
    signOutside(service.now, { subject: [{ CN: [common] }], keys, issuer, extensions });
}

t.test('a full record refuses every way in, and no renewal', async (t) => {
  const service = await opened(t);
  const root = await authority(service);
  const cross = await crossing(service, root);
  for (let count = 1; count < 64; count++)
    t.equal(await register(service, await cross(`own ${count}`, ca())), 'Success');
  const more = await cross('own 64', ca());
  t.equal(await register(service, more), 'ServerLimitExceeded', 'Register');
  const imported = { UniqueIdentifier: 'i', Attributes: [], Object: value(more) };
  t.equal(await outcome(service, '2.1', Import, imported), 'ServerLimitExceeded', 'Import');
  const renamed = [
    ...name('Subject', { CN: 'Else' }),
    ...name('Issuer', { CN: 'Else' }),
    mask('CertificateSign'),
  ];
  const certify = { UniqueIdentifier: root.publicKey, Attributes: having(...renamed) };
  t.equal(await outcome(service, '2.1', Certify, certify), 'ServerLimitExceeded', 'Certify');
  t.equal(await register(service, root.der), 'Success', 'a copy');
  t.equal(await register(service, await cross('leaf')), 'Success', 'of no authority');
  for (let count = 0; count < 2; count++)
    await succeed(service, '2.1', ReCertify, { UniqueIdentifier: root.certificate });
});

t.test('a record of 256 KiB is full', async (t) => {
  const service = await opened(t);
  const cross = await crossing(service, await authority(service));
  const note = new x509.Extension('1.3.6.1.4.1.99999.1', false, new Uint8Array(100_000));
  const answers: string[] = [];
  for (const common of ['1', '2', '3'])
    answers.push(await register(service, await cross(common, ca(), note)));
  t.same(answers, ['Success', 'Success', 'ServerLimitExceeded']);
  t.equal(await register(service, await cross('leaf', note)), 'Success', 'of no authority');
});
