import t from 'tap';
import * as x509 from '../../../../certs/x509.ts';
import type { Node } from '../../../../codec/wire/node.ts';
import { Certify } from '../../../../src/operations/certificates/certify.ts';
import { Destroy } from '../../../../src/operations/lifecycle/destroy.ts';
import { Get } from '../../../../src/operations/transfer/get.ts';
import { openRecord } from '../../../../src/protocol/unit-of-work/record-boxes.ts';
import { enumerated } from '../../../client.ts';
import { uid } from '../../service.ts';
import { having, payloadOf, succeed } from '../ask.ts';
import { authority, certified, day, keyPair, linkTo, name, opened } from './authority.ts';
import { listOf, listsOf, serialOf } from './revocation.ts';

/** Certificates of which the record alone is left are revoked by their serial numbers. */

const serialsIn = ({ der }: { readonly der: Uint8Array }): string[] =>
  new x509.X509Crl(der).entries.map(({ serialNumber }) => serialNumber);

t.test('a certificate of an undone batch is revoked by its serial number', async (t) => {
  const service = await opened(t);
  const issuer = await authority(service);
  const { publicKey } = await keyPair(service);
  const request = {
    UniqueIdentifier: publicKey,
    Attributes: having(...name('Subject', { CN: 'lost' }), linkTo(issuer.certificate)),
  };
  const { value: payload } = payloadOf('2.1', Certify, request) as Node & { type: 'Structure' };
  await service.batch(
    '2.1',
    [
      { operation: 'Certify', payload },
      { operation: 'Get', payload: [uid('nobody')] },
    ],
    [enumerated('BatchErrorContinuationOption', 3)],
  );
  const records = await service.store.records({ kind: 'issued', group: 'g', limit: 9 });
  const contents = records.map((row) =>
    JSON.parse(new TextDecoder().decode(openRecord(service.vault, row).content)),
  );
  const lost = contents.find(({ subject }) => subject === 'CN=lost');
  t.same(serialsIn(await listOf(service, issuer)), [], 'not on the list unless an operator revokes it');
  const digits = lost.serial.slice(4);
  const serial = Uint8Array.fromHex(digits);
  t.equal(await listsOf(service).revoke(issuer.certificate, serial), 'CN=lost');
  t.equal(await listsOf(service).revoke(issuer.certificate, serial), 'CN=lost', 'again');
  t.same(serialsIn(await listOf(service, issuer)), [digits]);
  service.now = (lost.notAfter + 30 * day) * 1000;
  const later = await authority(service, 'Later');
  t.same(serialsIn(await listOf(service, later)), []);
});

t.test('only certificates on record are revoked, those of their issuer, in any writing', async (t) => {
  const service = await opened(t);
  const [issuer, other] = [await authority(service, 'One'), await authority(service, 'Two')];
  const leaf = await certified(service, issuer, 'leaf');
  const serial = Uint8Array.fromHex(serialOf(leaf).toLowerCase().padStart(40, '0'));
  const lists = listsOf(service);
  t.equal(await lists.revoke(other.certificate, serial), undefined, 'of another issuer');
  t.equal(await lists.revoke(issuer.certificate, Uint8Array.of(1, 2)), undefined, 'an unknown serial number');
  t.equal(await lists.revoke('nobody', serial), undefined, 'an unknown issuer');
  t.equal(await lists.revoke(leaf.certificate, serial), undefined, 'not an issuer');
  await succeed(service, '2.1', Destroy, { UniqueIdentifier: leaf.publicKey });
  t.equal(await lists.revoke(issuer.certificate, serial), 'CN=leaf', 'with leading zeros');
  t.equal(serialsIn(await listOf(service, issuer)).length, 1);
  t.same(serialsIn(await listOf(service, other)), []);
  await succeed(service, '2.1', Get, { UniqueIdentifier: leaf.certificate });
});
