import { webcrypto, X509Certificate } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { privateKeyFromPem } from '../../certs/keys.ts';
import * as x509 from '../../certs/x509.ts';
import { withBackends } from '../../src/cli/state-directory/backends.ts';
import { stateDirectoryAt } from '../../src/cli/state-directory/state-directory.ts';
import { fingerprintOf } from '../../src/identity/certificate.ts';
import { execute, prepare } from './script.ts';

/** Of commands that enrol clients at the same time each that succeeds has left the files of its client. */

t.setTimeout(600_000);

const directory = t.testdir({ home: {} });
const env = prepare(directory);
const home = join(directory, 'home');
const kmipd = (args: string) => execute(`kmipd ${args} --home '${home}'`, directory, env);
t.equal((await kmipd('init --listen 127.0.0.1:0')).code, 0);

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
const request = await x509.Pkcs10CertificateRequestGenerator.create({
  name: 'CN=any',
  keys,
  signingAlgorithm: algorithm,
});
writeFileSync(join(directory, 'request.pem'), request.toString('pem'));

const enrolled = () => withBackends(stateDirectoryAt(home), undefined, ({ clients }) => clients.list());

const commands = [0, 1, 2];
const kinds: readonly {
  readonly what: string;
  /** Name, directory of the files and further options of each command. */
  readonly each: (at: number) => { readonly name: string; readonly out: string; readonly more?: string };
  readonly succeed: number;
}[] = [
  { what: 'one name', each: () => ({ name: 'twin', out: 'home/clients/twin' }), succeed: 1 },
  {
    what: 'one name by a request',
    each: () => ({ name: 'signed', out: 'home/clients/signed', more: '--csr request.pem' }),
    succeed: 1,
  },
  { what: 'one name in several directories', each: (at) => ({ name: 'far', out: `far${at}` }), succeed: 1 },
  {
    what: 'several names in one directory',
    each: (at) => ({ name: `shared${at}`, out: 'shared' }),
    succeed: 1,
  },
  {
    what: 'several names',
    each: (at) => ({ name: `own${at}`, out: `home/clients/own${at}` }),
    succeed: commands.length,
  },
];

for (const { what, each, succeed } of kinds)
  t.test(`clients of ${what}`, async (t) => {
    const outcomes = await Promise.all(
      commands.map(async (at) => {
        const { name, out, more = '' } = each(at);
        return { name, out, ...(await kmipd(`client add ${name} --out '${out}' ${more}`)) };
      }),
    );
    const winners = outcomes.filter(({ code }) => code === 0);
    t.equal(winners.length, succeed, outcomes.map(({ errors }) => errors).join(''));
    for (const { code, errors } of outcomes)
      if (code !== 0) t.match(errors, /is enrolled already[,;]|exists already; remove it/);
    const clients = await enrolled();
    for (const { name, out } of winners) {
      const at = join(directory, out);
      const certificate = new X509Certificate(readFileSync(join(at, 'cert.pem')));
      const client = clients.find((one) => one.name === name);
      t.equal(fingerprintOf(certificate), client?.fingerprint, 'cert.pem is the enrolled certificate');
      const key = join(at, 'key.pem');
      if (existsSync(key))
        t.ok(certificate.checkPrivateKey(privateKeyFromPem(readFileSync(key, 'utf8'), key)), 'key.pem fits');
      t.notOk(existsSync(join(at, 'enrolment-unfinished')));
    }
    const names = new Set(outcomes.map(({ name }) => name));
    t.equal(clients.filter(({ name }) => names.has(name)).length, succeed, 'no other client is enrolled');
  });
