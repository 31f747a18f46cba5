import { X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import type { KeyKind } from '../../../certs/keys.ts';
import type { Pkcs12Encryption } from '../../../certs/pkcs12.ts';
import { formatAddress } from '../../common/address.ts';
import type { Config } from '../../config/index.ts';
import { fingerprintOf } from '../../identity/certificate.ts';
import { describeRoles, presets } from '../../identity/policy.ts';
import type { ClientDetails, ManagementCall } from '../../management/api.ts';
import { type Command, homeOption, print, readInput, requirePlainName, storeOption } from '../command.ts';
import { CommandError } from '../failure.ts';
import { requireRole } from '../known-roles.ts';
import type { TrustedAuthority } from '../state-directory/authority.ts';
import {
  requireInitialised,
  type StateDirectory,
  stateDirectoryAt,
} from '../state-directory/state-directory.ts';

interface Arguments {
  readonly client: string;
  readonly home: string;
  readonly store?: string;
  readonly out?: string;
  readonly group: string;
  readonly role: string;
  readonly csr?: string;
  readonly cert?: string;
  readonly key: KeyKind;
  readonly p12: Pkcs12Encryption;
  readonly 'p12-password'?: string;
}

/** The command `client add`. */
export const clientAdd: Command<Arguments> = {
  command: 'add <client>',
  isManaged: true,
  describe: 'Enrol a client and write its certificate files',
  builder: (yargs) =>
    yargs
      .positional('client', { type: 'string', describe: 'Name of the client, such as vcenter01' })
      .options(homeOption)
      .options(storeOption)
      .option('out', {
        type: 'string',
        requiresArg: true,
        describe: 'Directory for the files [HOME/clients/NAME]',
      })
      .option('group', {
        type: 'string',
        default: 'default',
        requiresArg: true,
        describe: 'Owner of the objects it creates; the clients of a group share them',
      })
      .option('role', {
        type: 'string',
        default: 'full',
        requiresArg: true,
        describe: `Its rights: ${Object.keys(presets).join(', ')}, or a role of the configuration`,
      })
      .option('csr', {
        type: 'string',
        requiresArg: true,
        describe: 'Sign this certificate request (PKCS#10)',
      })
      .option('cert', {
        type: 'string',
        requiresArg: true,
        describe: 'Enrol this certificate: self-signed, or with its chain in the file (PEM, DER, PKCS#7)',
      })
      .option('key', { choices: ['ec', 'rsa'] as const, default: 'ec', describe: 'Kind of the new key' })
      .option('p12', {
        choices: ['aes', '3des'] as const,
        default: 'aes',
        describe: 'Encryption of client.p12; 3des for Windows before 2019',
      })
      .option('p12-password', {
        type: 'string',
        requiresArg: true,
        describe: 'File with its password [a new one]',
      })
      .conflicts({ cert: 'csr' }),
  async run(args) {
    const name = requirePlainName('the name', args.client);
    const group = requirePlainName('the group', args.group);
    const stateDirectory = stateDirectoryAt(args.home);
    const config = requireInitialised(stateDirectory);
    requireRole(describeRoles(config.roles), args.role);
    const out = resolve(args.out ?? join(stateDirectory.clients, name));

    const { withManagement } = await import('../state-directory/management.ts');
    const { withEnrolmentLock } = await import('../state-directory/lock.ts');
    const { endEnrolment } = await import('../state-directory/client-files.ts');
    const enrol = async (call: ManagementCall): Promise<void> => {
      const existing = await call('client.find', { name });
      if (existing !== null) {
        // That is all that is left to do when this command was killed after the enrolment.
        endEnrolment(out, existing.fingerprint);
        const how = await describeEnrolled(existing, out, args, stateDirectory);
        throw new CommandError(`client "${name}" is enrolled already${how}`);
      }
      const certificate = await obtainCertificate(name, out, args, stateDirectory, config, call);
      const parsed = new X509Certificate(certificate);
      await call('client.add', { name, group, role: args.role, certificate });
      endEnrolment(out, fingerprintOf(parsed));
      const until = parsed.validToDate.toISOString().slice(0, 10);
      print(
        `client ${name} is enrolled: group ${group}, role ${args.role}, certificate valid until ${until}`,
      );
    };
    const notify = args.cert !== undefined;
    await withEnrolmentLock(stateDirectory, () =>
      withManagement(stateDirectory, args.store, enrol, { notify }),
    );
    printUsage(out, args, config);
  },
};

/** Returns how a client is enrolled already: where the files of this command are, and what to do. */
async function describeEnrolled(
  { name, fingerprint }: ClientDetails,
  out: string,
  { cert, csr }: Arguments,
  { authority }: StateDirectory,
): Promise<string> {
  const { findClientFiles } = await import('../state-directory/client-files.ts');
  if (cert !== undefined) {
    const { readCertificateFile } = await import('../../../certs/certificate-file.ts');
    const [own] = await prefixErrors(cert, async () => readCertificateFile(readInput(cert, 'certificates')));
    const ca = [join(out, 'ca.pem'), authority.certificate].find((file) => existsSync(file));
    if (fingerprintOf(own) === fingerprint)
      return `, by this certificate; give the client ${ca}, so that it can check the server`;
  }
  const again = `kmipd client remove ${name}, then add it again`;
  const files = findClientFiles(out, fingerprint);
  if (files.length === 0)
    return `, and its files are not in ${out}; choose another name, or, if its key is lost: ${again}`;
  if (files.includes('key.pem') || csr !== undefined)
    return `; its files are in ${out}: ${files.join(' ')}; choose another name for another client`;
  return `; ${out} has its ${files.join(' ')}, and not its key; if that is lost: ${again}`;
}

/**
 * Signs, accepts or issues the client's certificate, as the options say, and writes the client's files.
 * Resolves to the certificate, with its chain where it has one (PEM).
 */
async function obtainCertificate(
  name: string,
  out: string,
  args: Arguments,
  stateDirectory: StateDirectory,
  config: Config,
  call: ManagementCall,
): Promise<string> {
  const { issueClient, signRequest } = await import('../../../certs/issue.ts');
  const { readTrustedAuthorities, readAuthority } = await import('../state-directory/authority.ts');
  const { beginEnrolment, requireNoClientKey, writeClientFiles, writeCertificates } = await import(
    '../state-directory/client-files.ts'
  );
  const trusted = readTrustedAuthorities(stateDirectory, config);
  const authorities = trusted.map(({ pem }) => pem).join('');
  if (args.cert !== undefined) {
    const certificate = await readOwnCertificate(args.cert, trusted);
    writeCertificates(out, undefined, authorities);
    return certificate;
  }
  if (args.csr !== undefined) {
    const request = readInput(args.csr, 'certificates');
    const certificate = await prefixErrors(args.csr, () =>
      signRequest(readAuthority(stateDirectory), name, request),
    );
    writeCertificates(out, certificate, authorities);
    return certificate;
  }
  const isEnrolled = async (fingerprint: string) => (await call('client.find', { fingerprint })) !== null;
  await requireNoClientKey(out, isEnrolled);
  const client = await issueClient(readAuthority(stateDirectory), name, args.key);
  const password = args['p12-password'] === undefined ? undefined : readPkcs12Password(args['p12-password']);
  beginEnrolment(out, fingerprintOf(new X509Certificate(client.certificate)));
  writeClientFiles(out, client, { name, authorities, encryption: args.p12, password });
  return client.certificate;
}

/**
 * Reads a certificate that the client has already, with the chain above it unless it is self-signed: OpenSSL
 * requires the whole chain up to a root. Resolves to the PEM of the chain, the client's certificate first.
 * @throws {CommandError} when no TLS handshake could use it.
 */
async function readOwnCertificate(file: string, trusted: readonly TrustedAuthority[]): Promise<string> {
  const { readCertificateFile } = await import('../../../certs/certificate-file.ts');
  const { refuseWeakKey } = await import('../../../certs/keys.ts');
  const { findAbove, findChainProblem } = await import('../state-directory/client-chain.ts');
  return prefixErrors(file, async () => {
    const [certificate, ...more] = readCertificateFile(readInput(file, 'certificates'));
    refuseWeakKey(certificate.publicKey);
    const authorities = trusted.map(({ pem, file: place }) => ({ place, issuer: new X509Certificate(pem) }));
    const issuers = [...more, ...authorities.map(({ issuer }) => issuer)];
    const problem = await findChainProblem(certificate, issuers, new Date());
    if (problem !== undefined) throw new CommandError(problem);
    if ((await findChainProblem(certificate, more, new Date())) !== undefined) {
      const ancestors = findAbove(certificate, issuers);
      explainTrust(authorities.filter(({ issuer }) => ancestors.has(issuer)).map(({ place }) => place));
    }
    return [certificate, ...more].map((each) => each.toString()).join('');
  });
}

/**
 * Says where the authority is trusted that stands behind a certificate. It is not stored with the client, so
 * that the configuration can withdraw it, and so another node does not know it.
 */
function explainTrust(files: readonly string[]): void {
  const places = [...new Set(files)].join(', ');
  print(
    `its authority is not in the file; this node trusts it by ${places}: every other node with this database needs ` +
      'a copy, listed in tls.authorities of its kmipd.toml, and a reload (SIGHUP), or refuses the client',
  );
}

/** Prefixes the messages of errors of `work` with the name of the file that causes them. */
async function prefixErrors<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Error) || 'path' in error) throw error;
    throw new CommandError(`${file} cannot be used: ${error.message}`);
  }
}

function readPkcs12Password(file: string): string {
  const password = new TextDecoder().decode(readInput(file, 'password')).split(/\r?\n/, 1)[0] ?? '';
  if (password === '')
    throw new CommandError(`${file} is empty; its first line is the password of client.p12`);
  return password;
}

function printUsage(out: string, args: Arguments, config: Config): void {
  const { host, port } = config.listen;
  const reachable = host === '0.0.0.0' || host === '::' ? hostname() : host;
  const ca = join(out, 'ca.pem');
  if (args.cert !== undefined) {
    print(`give the client ${ca}, so that it can check the server`);
    return;
  }
  const cert = join(out, 'cert.pem');
  if (args.csr !== undefined) {
    print(`give the client ${cert} and ${ca}`);
    return;
  }
  const key = join(out, 'key.pem');
  const password = args['p12-password'] ?? join(out, 'client.p12.password');
  print(`files:    ${out}: ca.pem cert.pem key.pem client.pem client.p12 (password in ${password})`);
  print(
    `openssl:  openssl s_client -connect ${formatAddress({ host: reachable, port })} -CAfile ${ca} -cert ${cert} -key ${key}`,
  );
  print(
    `PyKMIP:   ProxyKmipClient(hostname='${reachable}', port=${port}, ca='${ca}', cert='${cert}', key='${key}')`,
  );
}
