import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import * as x509 from '../../certs/x509.ts';
import { RevocationReasonCode } from '../../codec/enums.ts';
import { connect, enumerated, readIdentity, structure, text, valueOf } from '../client.ts';
import { KmipdProcess, runKmipd } from '../fixture/kmipd.ts';
import { create, createIssuer, named } from './issuer.ts';

/** `kmipd crl` beside a running daemon: the CRL contains certificates that clients have just revoked. */

t.setTimeout(900_000);

t.test('kmipd crl writes a CRL while the daemon runs', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'kmipd-crl-'));
  const daemon = new KmipdProcess(['serve', '--home', 'home', '--listen', '127.0.0.1:0'], { cwd: directory });
  t.teardown(async () => {
    await daemon.end('SIGKILL');
    await rm(directory, { recursive: true, force: true });
  });
  const { port } = await daemon.ready();
  const client = await connect({ port, ...(await readIdentity(join(directory, 'home', 'clients', 'demo'))) });
  t.teardown(() => client.close());
  const root = await createIssuer(client);
  t.match(
    (await runKmipd(directory, 'crl', '--home', 'home')).output,
    new RegExp(`^${root.certificate}  group default, until \\d{4}-\\d\\d-\\d\\d: CN=Root\n$`),
  );
  const leaf = await create(
    client,
    'Certify',
    text('UniqueIdentifier', root.publicKey),
    structure('Attributes', named('Subject', 'leaf'), named('Issuer', 'Root')),
  );
  await create(
    client,
    'Revoke',
    text('UniqueIdentifier', leaf),
    structure(
      'RevocationReason',
      enumerated('RevocationReasonCode', RevocationReasonCode.toNumber('Superseded')),
    ),
  );
  const args = ['crl', root.certificate, '--home', 'home'];
  const first = await runKmipd(directory, ...args, '--out', 'issuer.crl');
  t.match(first.output, /^CRL 1: 1 revoked, valid until \d{4}-\d\d-\d\d\n$/);
  const file = join(directory, 'issuer.crl');
  t.equal((await stat(file)).mode & 0o777, 0o644, 'the file is readable for every user');
  const list = new x509.X509Crl(new Uint8Array(await readFile(file)));
  t.match(list, { issuer: 'CN=Root', entries: [{ reason: x509.X509CrlReason.superseded }] });
  const second = await runKmipd(directory, ...args, '--pem', '--days', '1');
  t.equal(new x509.X509Crl(second.output).entries.length, 1, 'as PEM on standard output');
  t.match(second.output, /^-----BEGIN X509 CRL-----\n/);

  const kept = await create(
    client,
    'Certify',
    text('UniqueIdentifier', root.publicKey),
    structure('Attributes', named('Subject', 'kept'), named('Issuer', 'Root')),
  );
  const answer = await client.request('2.1', [
    { operation: 'Get', payload: [text('UniqueIdentifier', kept)] },
  ]);
  const der = valueOf(
    answer,
    'BatchItem',
    'ResponsePayload',
    'Certificate',
    'CertificateValue',
  ) as Uint8Array;
  const serial = new x509.X509Certificate(der).serialNumber;
  const bySerial = await runKmipd(directory, ...args, '--revoke', serial, '--out', 'issuer.crl');
  t.match(bySerial.output, /CRL 3: 2 revoked/);
  const refused: [string[], number, RegExp][] = [
    [
      [...args, '--revoke', '0102', '--out', 'issuer.crl'],
      1,
      /has issued no certificate with the serial .* 0102/,
    ],
    [['crl', '--home', 'home', '--revoke', '0102'], 2, /--revoke needs ISSUER/],
    [[...args, '--pem', '--revoke', 'x'], 2, /it is not a serial number in hex/],
  ];
  for (const [each, code, message] of refused) {
    const command = await runKmipd(directory, ...each);
    t.equal(await command.exited(), code);
    t.match(command.errors, message);
  }
});
