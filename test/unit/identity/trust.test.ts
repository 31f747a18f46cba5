import { X509Certificate } from 'node:crypto';
import t from 'tap';
import { createAuthority, issueClient } from '../../../certs/issue.ts';
import { generateKey, openAuthority } from '../../../certs/keys.ts';
import { fingerprintOf } from '../../../src/identity/certificate.ts';
import type { Client } from '../../../src/identity/principal.ts';
import { isTrusted, trustAnchors } from '../../../src/identity/trust.ts';

async function authority(name: string) {
  const key = await generateKey('ec');
  return openAuthority(await createAuthority(name, key), key);
}

const enrolled = (name: string, certificate: string, disabled = false): Client => ({
  name,
  group: 'default',
  role: 'full',
  fingerprint: fingerprintOf(new X509Certificate(certificate)),
  disabled,
  hasCredentials: false,
  enrolledAt: 1,
  certificate,
});

t.test(
  'trustAnchors returns the authorities, and certificates of clients that none of them issued',
  async (t) => {
    const own = await authority('same name');
    const foreign = await authority('same name');
    const mine = (await issueClient(own, 'mine')).certificate;
    const theirs = (await issueClient(foreign, 'theirs')).certificate + foreign.certificate;
    t.same(trustAnchors([own.certificate], []), [own.certificate]);
    t.same(trustAnchors([own.certificate], [enrolled('mine', mine)]), [own.certificate], 'issued here');
    t.same(trustAnchors([own.certificate], [enrolled('theirs', theirs)]), [own.certificate, theirs]);
    t.same(
      trustAnchors([own.certificate], [enrolled('theirs', theirs, true)]),
      [own.certificate],
      'disabled',
    );
    const both = [own.certificate, foreign.certificate];
    t.same(
      trustAnchors(both, [enrolled('mine', mine), enrolled('theirs', theirs)]),
      both,
      'any of the authorities',
    );
  },
);

t.test('isTrusted accepts a certificate that is an anchor or issued by one', async (t) => {
  const own = await authority('own');
  const foreign = await authority('foreign');
  const read = (pem: string) => new X509Certificate(pem);
  const mine = read((await issueClient(own, 'mine')).certificate);
  const theirs = read((await issueClient(foreign, 'theirs')).certificate);
  const now = new Date();
  const anchors = [read(own.certificate)];
  t.ok(isTrusted(mine, anchors, now));
  t.notOk(isTrusted(theirs, anchors, now));
  t.notOk(isTrusted(mine, [], now));
  t.ok(isTrusted(theirs, [...anchors, theirs], now), 'enrolled with its own issuer');
  t.notOk(isTrusted(mine, [theirs], now), 'the certificate of a client issues nothing');
  t.notOk(isTrusted(mine, anchors, new Date('2099-01-01')), 'the authority has expired');
});
