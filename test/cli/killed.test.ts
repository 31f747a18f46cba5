import { webcrypto, X509Certificate } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { privateKeyFromPem } from '../../certs/keys.ts';
import * as x509 from '../../certs/x509.ts';
import { withBackends } from '../../src/cli/state-directory/backends.ts';
import { stateDirectoryAt } from '../../src/cli/state-directory/state-directory.ts';
import { fingerprintOf } from '../../src/identity/certificate.ts';
import type { Client } from '../../src/identity/principal.ts';
import { connect, enumerated, integer, readIdentity, structure, text, valueOf } from '../client.ts';
import { KmipdProcess } from '../fixture/kmipd.ts';
import { create, createIssuer, named } from './issuer.ts';
import { runCommand } from './run-command.ts';
import { capture, observe } from './snapshots.ts';

/**
 * A command that was killed at any of its steps leaves nothing that its repetition refuses, and the
 * repetition ends as the command would have.
 */

t.setTimeout(600_000);

const directory = t.testdir({ base: {}, password: 'a password of some length\n' });
const base = join(directory, 'base');
const password = join(directory, 'password');

/** Runs a command that must succeed and returns its output. */
async function mustRun(...args: readonly string[]): Promise<string> {
  const { code, output } = await capture(() => runCommand(...args));
  if (code !== 0) throw new Error(`${args.join(' ')}: ${output}`);
  return output;
}

const home = join(base, 'home');
await mustRun('init', '--home', home, '--listen', '127.0.0.1:0');
await mustRun('client', 'add', 'subject', '--home', home);
const credential = ['subject', '--username', 'known', '--password-file', password];
await mustRun('client', 'credential', 'add', ...credential, '--home', home);
await mustRun('client', 'add', 'off', '--home', home);
await mustRun('client', 'disable', 'off', '--home', home);
const { recipient, issuer, serial } = await makeObjects();
const { csr, certificate } = await makeForeignFiles();

/** A key that can be a recipient, and an issuer with a certificate that it issued. */
async function makeObjects() {
  const daemon = new KmipdProcess(['serve', '--home', home]);
  const { port } = await daemon.ready();
  const client = await connect({ port, ...(await readIdentity(join(home, 'clients', 'demo'))) });
  const aes = [enumerated('CryptographicAlgorithm', 3), integer('CryptographicLength', 256)];
  const attributes = structure('Attributes', ...aes, integer('CryptographicUsageMask', 16));
  const key = await create(client, 'Create', enumerated('ObjectType', 2), attributes);
  await create(client, 'Activate', text('UniqueIdentifier', key));
  const { publicKey, certificate: issuer } = await createIssuer(client);
  const names = structure('Attributes', named('Subject', 'leaf'), named('Issuer', 'Root'));
  const leaf = await create(client, 'Certify', text('UniqueIdentifier', publicKey), names);
  const got = await client.request('2.1', [{ operation: 'Get', payload: [text('UniqueIdentifier', leaf)] }]);
  const der = valueOf(got, 'BatchItem', 'ResponsePayload', 'Certificate', 'CertificateValue') as Uint8Array;
  client.close();
  await daemon.end();
  return { recipient: key, issuer, serial: new X509Certificate(der).serialNumber };
}

/** A certificate request, and a certificate that is its own authority. */
async function makeForeignFiles() {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, [
    'sign',
    'verify',
  ])) as webcrypto.CryptoKeyPair;
  const common = { keys, signingAlgorithm: algorithm };
  const request = await x509.Pkcs10CertificateRequestGenerator.create({ name: 'CN=any', ...common });
  const selfSigned = await x509.X509CertificateGenerator.createSelfSigned({ name: 'CN=own', ...common });
  const files = { csr: join(directory, 'csr.pem'), certificate: join(directory, 'own.pem') };
  writeFileSync(files.csr, request.toString('pem'));
  writeFileSync(files.certificate, selfSigned.toString('pem'));
  return files;
}

const clientsOf = (at: string) =>
  withBackends(stateDirectoryAt(join(at, 'home')), undefined, ({ clients }) => clients.list());
const clientOf = async (at: string, name: string): Promise<Client | undefined> => {
  const found = (await clientsOf(at)).filter((client) => client.name === name);
  return found.length > 1 ? Promise.reject(new Error(`${name} is enrolled ${found.length} times`)) : found[0];
};

/** Names of files that a command keeps only until it ends. */
const temporary = /\.new$|unfinished|\.pid$|root\.key\./;

interface Killed {
  /** Arguments besides `--home`; `at` is the directory above the home. */
  readonly args: (at: string) => readonly string[];
  /** What a repetition may say instead of succeeding. */
  readonly done?: RegExp;
  /** Starts from an empty directory. */
  readonly isFresh?: boolean;
  /** What is wrong after the repetition. `output` is that of the killed command and of its repetition. */
  readonly problem: (at: string, output: string) => Promise<string | undefined> | string | undefined;
}

async function filesProblem(at: string, out: string, name: string, files: readonly string[]) {
  const missing = files.filter((file) => !existsSync(join(out, file)));
  if (missing.length > 0) return `missing: ${missing}`;
  const client = await clientOf(at, name);
  if (client === undefined) return 'it is not enrolled';
  if (!files.includes('cert.pem')) return undefined;
  const pem = readFileSync(join(out, 'cert.pem'), 'utf8');
  const issued = new X509Certificate(pem);
  if (fingerprintOf(issued) !== client.fingerprint) return 'cert.pem is not the enrolled certificate';
  if (!files.includes('key.pem')) return undefined;
  const key = readFileSync(join(out, 'key.pem'), 'utf8');
  if (!issued.checkPrivateKey(privateKeyFromPem(key, 'key.pem'))) return 'key.pem does not fit cert.pem';
  return readFileSync(join(out, 'client.pem'), 'utf8') === pem + key
    ? undefined
    : 'client.pem is of another pair';
}

const keyFiles = ['ca.pem', 'cert.pem', 'key.pem', 'client.pem', 'client.p12', 'client.p12.password'];
const is = async (at: string, name: string, isDisabled: boolean) =>
  (await clientOf(at, name))?.disabled === isDisabled ? undefined : 'the client is as before';
const shows = async (pattern: RegExp, ...args: readonly string[]) => {
  const output = await mustRun(...args);
  return pattern.test(output) ? undefined : output;
};
const list = (at: string) => ['client', 'credential', 'list', 'subject', '--home', join(at, 'home')];

const commands: Readonly<Record<string, Killed>> = {
  init: {
    args: () => ['init'],
    isFresh: true,
    done: /is initialised already/,
    problem: (at) => filesProblem(at, join(at, 'home', 'clients', 'demo'), 'demo', keyFiles),
  },
  'client add': {
    args: () => ['client', 'add', 'added'],
    done: /"added" is enrolled already; its files are in \S+added: ca\.pem cert\.pem key\.pem client\.pem client\.p12 client\.p12\.password;/,
    problem: (at) => filesProblem(at, join(at, 'home', 'clients', 'added'), 'added', keyFiles),
  },
  'client add --csr': {
    args: (at) => ['client', 'add', 'added', '--csr', csr, '--out', join(at, 'out')],
    done: /"added" is enrolled already; its files are in \S+out: ca\.pem cert\.pem;/,
    problem: (at) => filesProblem(at, join(at, 'out'), 'added', ['ca.pem', 'cert.pem']),
  },
  'client add --cert': {
    args: () => ['client', 'add', 'added', '--cert', certificate],
    done: /"added" is enrolled already, by this certificate; give the client \S+added\/ca\.pem,/,
    problem: (at) => filesProblem(at, join(at, 'home', 'clients', 'added'), 'added', ['ca.pem']),
  },
  'client disable': {
    args: () => ['client', 'disable', 'subject'],
    problem: (at) => is(at, 'subject', true),
  },
  'client enable': { args: () => ['client', 'enable', 'off'], problem: (at) => is(at, 'off', false) },
  'client remove': {
    args: () => ['client', 'remove', 'subject'],
    done: /no client "subject" is enrolled/,
    problem: async (at) => ((await clientOf(at, 'subject')) === undefined ? undefined : 'it is enrolled'),
  },
  'client notify': {
    args: () => ['client', 'notify', 'subject', '--to', '127.0.0.1:9', '--put'],
    problem: (at) =>
      shows(
        /at 127\.0\.0\.1:9; it is sent new keys/,
        'client',
        'notify',
        'subject',
        '--home',
        join(at, 'home'),
      ),
  },
  'client notify --off': {
    args: () => ['client', 'notify', 'subject', '--off'],
    problem: (at) => shows(/it is sent no keys/, 'client', 'notify', 'subject', '--home', join(at, 'home')),
  },
  'client credential add': {
    args: () => ['client', 'credential', 'add', 'subject', '--username', 'new', '--password-file', password],
    problem: (at) => shows(/username known: password\nusername new: password\n$/, ...list(at)),
  },
  'client credential add --one-time': {
    args: () => ['client', 'credential', 'add', 'subject', '--username', 'once', '--one-time', '100'],
    done: /has 100 one-time passwords/,
    problem: async (at, output) =>
      (output.match(/^[0-9a-f]{32}$/gm)?.length ?? 0) < 100
        ? 'the passwords are stored, and nobody has seen them'
        : shows(/username once: 100 of 100 one-time passwords left/, ...list(at)),
  },
  'client credential remove': {
    args: () => ['client', 'credential', 'remove', 'subject', '--all'],
    done: /has no such credential/,
    problem: (at) => shows(/has none/, ...list(at)),
  },
  'object trust': {
    args: () => ['object', 'trust', recipient],
    problem: (at) => shows(/marked by an operator/, 'object', 'show', recipient, '--home', join(at, 'home')),
  },
  'crl --out': {
    args: (at) => ['crl', issuer, '--out', join(at, 'list.crl')],
    problem: (at) => (existsSync(join(at, 'list.crl')) ? undefined : 'there is no list'),
  },
  'crl --revoke --out': {
    args: (at) => ['crl', issuer, '--revoke', serial, '--out', join(at, 'list.crl')],
    problem: (_at, output) => (/: 1 revoked/.test(output) ? undefined : output),
  },
};

for (const [name, { args, done, isFresh, problem }] of Object.entries(commands)) {
  t.test(`${name} is repeated after a kill at each of its steps`, async (t) => {
    const at = join(directory, 'at');
    const copies = join(directory, 'copies');
    if (isFresh) mkdirSync(at);
    else cpSync(base, at, { recursive: true });
    mkdirSync(copies);
    const repeat = (where: string) => runCommand(...args(where), '--home', join(where, 'home'));
    const { snapshots, output: whole, code } = await observe(at, copies, () => repeat(at));
    t.equal(code, 0, whole);
    t.equal(await problem(at, whole), undefined, 'without a kill');
    for (const { call, copy, output } of snapshots) {
      const again = await capture(() => repeat(copy));
      const message = `killed before ${call} (${copy.slice(copies.length + 1)}): ${again.output}`;
      t.ok(again.code === 0 || done?.test(again.output), message);
      t.equal(await problem(copy, output + again.output), undefined, message);
      const left = readdirSync(copy, { recursive: true, encoding: 'utf8' });
      t.same(
        left.filter((file) => temporary.test(file)),
        [],
        message,
      );
    }
    t.ok(snapshots.length > 2, `${snapshots.length} steps`);
    for (const each of [at, copies]) rmSync(each, { recursive: true });
  });
}

t.test('the key of an enrolled client is not overwritten', async (t) => {
  const out = join(home, 'clients', 'subject');
  const { code, output } = await capture(() =>
    runCommand('client', 'add', 'another', '--home', home, '--out', out),
  );
  t.equal(code, 1);
  t.match(output, /key\.pem exists already/);
});
