import { readFileSync } from 'node:fs';
import { parse, TomlError } from 'smol-toml';
import type { Address } from './address.ts';
import * as values from './config-values.ts';
import { disabledProblem } from './crypto/rule-names.ts';
import { type CustomRoles, roleProblem } from './identity/policy.ts';
import { defaultLimits, type Limits } from './limits.ts';
import { didYouMean } from './nearest.ts';

export const tlsProfiles = ['modern', 'intermediate', 'legacy'] as const;
export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** Everything `kmipd.toml` says, with the defaults filled in and paths made absolute. */
export interface Config {
  readonly listen: Address;
  /** Undefined: no HTTPS listener. */
  readonly https: Address | undefined;
  /** `sqlite:/absolute/file` or `postgres://…`. */
  readonly store: string;
  /** Undefined: no metrics listener. */
  readonly metrics: Address | undefined;
  readonly uniqueNames: boolean;
  readonly interop: boolean;
  /** Nothing but what FIPS 140-3 approves, by OpenSSL's FIPS provider. */
  readonly fips: boolean;
  readonly log: { readonly level: (typeof logLevels)[number] };
  readonly tls: {
    readonly profile: (typeof tlsProfiles)[number];
    readonly certificate: string;
    readonly key: string;
    readonly names: readonly string[];
    readonly authorities: readonly string[];
  };
  /** Where issued certificates say that revocation lists are; undefined: they do not. */
  readonly certification: { readonly crlUrl: string | undefined };
  readonly crypto: {
    /** Names that `disabledProblem` finds nothing wrong with. */
    readonly disabled: readonly string[];
    readonly pkcs1Decryption: boolean;
  };
  readonly limits: Limits;
  readonly roles: CustomRoles;
}

/** The file cannot be used. Every problem is one line: file, key, what to do. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

interface Key<T = unknown> {
  /** As in the file; `section.key` inside a table. */
  readonly name: string;
  /** The comment above it in a written file. */
  readonly comment: string;
  /** In force when the key is absent, as the file would say it; undefined: nothing. */
  readonly initial: string | number | boolean | readonly string[] | undefined;
  readonly read: values.Reader<T>;
}

const key = <T>(name: string, initial: Key['initial'], read: values.Reader<T>, comment: string): Key<T> => ({
  name,
  comment,
  initial,
  read,
});

/** Lowest and highest value of each limit: below them clients break, above them the host does. */
const limitRanges: Readonly<Record<keyof Limits, readonly [least: number, most: number]>> = {
  requestBytes: [1_024, 1_073_741_824],
  responseBytes: [1_024, 1_073_741_824],
  depth: [8, 256],
  structureItems: [64, 1_048_576],
  batchItems: [1, 100_000],
  handshakeMilliseconds: [100, 600_000],
  messageMilliseconds: [100, 600_000],
  idleMilliseconds: [1_000, 2_147_483_647],
  writeMilliseconds: [100, 600_000],
  answerMilliseconds: [100, 600_000],
  drainMilliseconds: [0, 600_000],
  connections: [1, 1_000_000],
  connectionsPerClient: [1, 1_000_000],
  locateItems: [1, 1_048_576],
  ticketSeconds: [60, 2_147_483_647],
  announcements: [1, 100_000],
  parts: [0, 1_000_000],
  partsPerClient: [0, 1_000_000],
  partsMilliseconds: [1_000, 86_400_000],
  jobs: [0, 100_000],
  jobsPerClient: [0, 100_000],
  jobBytes: [1_024, 1_073_741_824],
  jobAnswerSeconds: [60, 31_536_000],
};

const limit = (name: keyof Limits): Key<number> =>
  key(`limits.${name}`, defaultLimits[name], values.wholeNumber(...limitRanges[name]), '');

const limitNames = Object.keys(limitRanges) as (keyof Limits)[];

function disabledNames(value: unknown, home: string): readonly string[] {
  const names = values.texts(value, home);
  const problem = names.map(disabledProblem).find((found) => found !== undefined);
  if (problem !== undefined) throw new values.WrongValue(`is wrong: ${problem}`);
  return names;
}

const known = {
  listen: key('listen', '127.0.0.1:5696', values.address, 'Where KMIP clients connect.'),
  https: key(
    'https',
    undefined,
    values.address,
    'KMIP over HTTPS: POST /kmip with TTLV, XML or JSON, the same clients and certificates. Off when left out.',
  ),
  store: key(
    'store',
    'sqlite:kmipd.db',
    values.store,
    '"sqlite:FILE", relative to this file, or "postgres://USER@HOST/DATABASE".',
  ),
  metrics: key(
    'metrics',
    undefined,
    values.address,
    'Prometheus metrics, /livez and /readyz over plain HTTP. Off when left out.',
  ),
  uniqueNames: key(
    'uniqueNames',
    false,
    values.flag,
    'Refuse a Name that another object of the group bears. Some clients name everything alike and need false.',
  ),
  interop: key(
    'interop',
    false,
    values.flag,
    'The Interop operation of conformance tests. Never in production.',
  ),
  fips: key(
    'fips',
    false,
    values.flag,
    "Nothing but what FIPS 140-3 approves, by OpenSSL's FIPS provider, which has to be installed.",
  ),
  logLevel: key('log.level', 'info', values.oneOf(logLevels), `One of ${logLevels.join(', ')}.`),
  tlsProfile: key(
    'tls.profile',
    'intermediate',
    values.oneOf(tlsProfiles),
    'modern: TLS 1.3; intermediate: also 1.2 with ECDHE and AEAD; legacy: also the CBC suites of old arrays.',
  ),
  tlsCertificate: key(
    'tls.certificate',
    'server/cert.pem',
    values.path,
    'Server certificate and its key (PEM). Without the file, a new certificate of the authority in ca/ is written.',
  ),
  tlsKey: key('tls.key', 'server/key.pem', values.path, ''),
  tlsNames: key(
    'tls.names',
    [],
    values.texts,
    'DNS names and addresses of a new server certificate, besides localhost and the name of this host.',
  ),
  tlsAuthorities: key(
    'tls.authorities',
    [],
    values.paths,
    'PEM files of further authorities. Their clients connect once their certificates are enrolled.',
  ),
  crlUrl: key(
    'certification.crlUrl',
    undefined,
    values.webAddress,
    'Where certificates say that the list of kmipd crl is; {issuer} stands for its ISSUER. They do not when left out.',
  ),
  cryptoDisabled: key(
    'crypto.disabled',
    [],
    disabledNames,
    'What is neither made nor used, by its name in KMIP: algorithms (also "RSA<2048", "AES=128"), hashes, modes, curves, ….',
  ),
  pkcs1Decryption: key(
    'crypto.pkcs1Decryption',
    false,
    values.flag,
    'Decrypt RSA with PKCS #1 v1.5 padding too. Clients that need it can be used to decrypt what others sent them.',
  ),
} satisfies Record<string, Key>;

/** Every key in the order of a written file; `[roles]` has free names and is read apart. */
const keys: ReadonlyMap<string, Key> = new Map(
  [...Object.values<Key>(known), ...limitNames.map(limit)].map((each) => [each.name, each]),
);

/** Reads and checks a file. Throws ConfigError, also when it cannot be read. */
export function readConfig(file: string, home: string): Config {
  let source: string;
  try {
    source = readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason =
      code === 'ENOENT'
        ? 'there is no such file; an empty one stands for all defaults'
        : `cannot be read (${code}); check its owner and mode`;
    throw new ConfigError([`${file}: ${reason}`]);
  }
  return parseConfig(source, file, home);
}

/** Checks TOML text; `file` is what messages call it, `home` where paths begin. Throws ConfigError with all problems. */
export function parseConfig(source: string, file: string, home: string): Config {
  const tree = parseToml(source, file);
  const problems: string[] = [];
  const given = new Map<string, unknown>();
  const roles = readRoles(tree.roles, problems);
  for (const [name, value] of leaves(tree)) {
    const expected = keys.get(name);
    if (expected === undefined) {
      problems.push(`unknown key "${name}"${didYouMean(name, [...keys.keys(), 'roles'])}`);
      continue;
    }
    try {
      given.set(name, expected.read(value, home));
    } catch (error) {
      if (!(error instanceof values.WrongValue)) throw error;
      problems.push(`"${name}" ${error.message}`);
    }
  }
  if (problems.length > 0) throw new ConfigError(problems.map((problem) => `${file}: ${problem}`));
  return assemble(given, roles, home);
}

function parseToml(source: string, file: string): Record<string, unknown> {
  try {
    return parse(source);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const reason = error.message.split('\n')[0]?.replace('Invalid TOML document: ', '');
    throw new ConfigError([`${file}:${error.line}:${error.column}: not valid TOML: ${reason}`]);
  }
}

const sections = new Set(
  [...keys.keys()].filter((name) => name.includes('.')).map((name) => name.split('.')[0]),
);

/** Dotted names and values; a table that is no section of ours stands for itself. */
function* leaves(tree: Record<string, unknown>): Generator<[string, unknown]> {
  for (const [name, value] of Object.entries(tree)) {
    if (name === 'roles') continue;
    if (!sections.has(name) || !isTable(value)) yield [name, value];
    else for (const [inner, innerValue] of Object.entries(value)) yield [`${name}.${inner}`, innerValue];
  }
}

function readRoles(value: unknown, problems: string[]): CustomRoles {
  if (value === undefined) return {};
  if (!isTable(value)) {
    problems.push('"roles" must be a table: a line [roles], below it NAME = ["Get", "Locate"]');
    return {};
  }
  const roles: Record<string, readonly string[]> = {};
  for (const [name, entries] of Object.entries(value)) {
    if (!Array.isArray(entries) || !entries.every((entry) => typeof entry === 'string')) {
      problems.push(`"roles.${name}" must be a list of operations, such as ["Get", "Locate"]`);
      continue;
    }
    const problem = roleProblem(name, entries);
    if (problem === undefined) roles[name] = entries;
    else problems.push(`"roles.${name}": ${problem}`);
  }
  return roles;
}

function assemble(given: ReadonlyMap<string, unknown>, roles: CustomRoles, home: string): Config {
  function value<T>({ name, initial, read }: Key<T>): T {
    return given.has(name) ? (given.get(name) as T) : read(initial, home);
  }
  const limits = Object.fromEntries(limitNames.map((name) => [name, value(limit(name))]));
  return {
    listen: value(known.listen),
    https: given.has('https') ? value(known.https) : undefined,
    store: value(known.store),
    metrics: given.has('metrics') ? value(known.metrics) : undefined,
    uniqueNames: value(known.uniqueNames),
    interop: value(known.interop),
    fips: value(known.fips),
    log: { level: value(known.logLevel) },
    tls: {
      profile: value(known.tlsProfile),
      certificate: value(known.tlsCertificate),
      key: value(known.tlsKey),
      names: value(known.tlsNames),
      authorities: value(known.tlsAuthorities),
    },
    certification: { crlUrl: given.has(known.crlUrl.name) ? value(known.crlUrl) : undefined },
    crypto: { disabled: value(known.cryptoDisabled), pkcs1Decryption: value(known.pkcs1Decryption) },
    limits: { ...defaultLimits, ...limits },
    roles,
  };
}

const isTable = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);

/**
 * A commented file for a new home: every key with its default behind a `#`, those of `settings` (dotted names) in
 * force.
 */
export function renderConfig(settings: Readonly<Record<string, Key['initial']>> = {}): string {
  const lines = [
    '# Configuration of kmipd. A line that begins with # shows the default. After a change: kmipd check-config,',
    '# then restart; certificates, roles and [crypto] are also read again on SIGHUP.',
  ];
  let section = '';
  for (const { name, comment, initial } of keys.values()) {
    const [first, second] = name.split('.') as [string, string?];
    if (second !== undefined && first !== section) {
      section = first;
      lines.push('', `[${section}]`);
    } else if (comment !== '') lines.push('');
    if (comment !== '') lines.push(`# ${comment}`);
    const setting = settings[name];
    // JSON's texts, numbers, booleans and lists of texts are TOML as well.
    const line = `${second ?? first} = ${JSON.stringify(setting ?? initial ?? examples[name])}`;
    lines.push(setting === undefined ? `#${line}` : line);
  }
  return `${[...lines, ...rolesExample].join('\n')}\n`;
}

/** What a written file shows for keys without a default. */
const examples: Readonly<Record<string, string>> = {
  https: '127.0.0.1:5697',
  metrics: '127.0.0.1:9696',
  'certification.crlUrl': 'http://pki.example.com/{issuer}.crl',
};

const rolesExample = [
  '',
  '[roles]',
  '# Further roles: operations of KMIP, and built-in roles that they contain. kmipd client add --help lists those.',
  '#vcenter-lab = ["vcenter", "Destroy"]',
];
