import t from 'tap';
import * as x509 from '../../../../certs/x509.ts';
import { Certify } from '../../../../src/operations/certificates/certify.ts';
import type { TestService } from '../../service.ts';
import { ask, having, succeed } from '../ask.ts';
import {
  attribute,
  certificateOf,
  clientKeys,
  keyPair,
  linkTo,
  mask,
  name,
  opened,
  readX509,
  signOutside,
} from './authority.ts';
import { brought, broughtKey, pairWith } from './brought.ts';

/** An authority that came first and has issued nothing yet loses no name and no place to a later one. */

t.setTimeout(900_000);

const own = attribute('ObjectGroup', 'own');
const common = 'Corp CA';

const senders: Readonly<Record<string, TestService['sender']>> = {
  'an unlimited client': {},
  'a holder of Rights for an Object Group': { rights: [{ groups: ['own'] }] },
};

/** Makes an authority in the Object Group `own`, behind so many other keys that may issue. */
async function makeLater(service: TestService, others: number, subject: string): Promise<void> {
  for (let at = 0; at < others; at++) await pairWith(service, [own], [own]);
  const { publicKey } = await pairWith(service, [own], [own]);
  await succeed(service, '2.1', Certify, {
    UniqueIdentifier: publicKey,
    Attributes: having(
      ...name('Subject', { CN: subject }),
      ...name('Issuer', { CN: subject }),
      mask('CertificateSign'),
      own,
    ),
  });
}

const requests = { 'by name': name('Issuer', { CN: common }), 'without an issuer': [] } as const;

for (const [who, sender] of Object.entries(senders))
  for (const [others, subject] of [
    [0, common],
    [0, 'Another CA'],
    [70, common],
    [70, 'Another CA'],
  ] as const)
    t.test(`the first authority signs after ${who} made ${subject} behind ${others} keys`, async (t) => {
      const service = await opened(t);
      const keys = await clientKeys();
      const first = await signOutside(service.now, {
        subject: [{ CN: [common] }],
        keys,
        extensions: [
          new x509.BasicConstraintsExtension(true, undefined, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
        ],
      });
      await broughtKey(service, keys, linkTo(await brought(service, first)));
      service.now += 1_000;
      service.sender = sender;
      await makeLater(service, others, subject);
      service.sender = {};
      for (const [what, issuer] of Object.entries(requests)) {
        const { publicKey } = await keyPair(service);
        const { payload, reason } = await ask(service, '2.1', Certify, {
          UniqueIdentifier: publicKey,
          Attributes: having(...name('Subject', { CN: 'an end' }), ...issuer),
        });
        t.equal(reason, undefined, what);
        const certificate = readX509(await certificateOf(service, payload.UniqueIdentifier));
        t.ok(await certificate.verify({ publicKey: keys.publicKey, signatureOnly: true }), what);
      }
    });
