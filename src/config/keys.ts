import { defaultLimits, type Limits } from '../common/limits.ts';
import { findDisabledProblem } from '../crypto/policy/disabled-names.ts';
import * as values from './values.ts';

export const tlsProfiles = ['modern', 'intermediate', 'legacy'] as const;
export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** One key of the configuration. */
export interface Key<T = unknown> {
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
  failedDecryptions: [1, 1_000_000],
};

export const limit = (name: keyof Limits): Key<number> =>
  key(`limits.${name}`, defaultLimits[name], values.wholeNumber(...limitRanges[name]), '');

export const limitNames = Object.keys(limitRanges) as (keyof Limits)[];

function disabledNames(value: unknown, home: string): readonly string[] {
  const names = values.texts(value, home);
  const problem = names.map(findDisabledProblem).find((found) => found !== undefined);
  if (problem !== undefined) throw new values.ConfigValueError(`is wrong: ${problem}`);
  return names;
}

/** By what the code calls them. */
export const known = {
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

/** What a written file shows for keys without a default. */
export const examples: Readonly<Record<string, string>> = {
  https: '127.0.0.1:5697',
  metrics: '127.0.0.1:9696',
  'certification.crlUrl': 'http://pki.example.com/{issuer}.crl',
};

/** Every key in the order of a written file; `[roles]` has free names and is read apart. */
export const keys: ReadonlyMap<string, Key> = new Map(
  [...Object.values<Key>(known), ...limitNames.map(limit)].map((each) => [each.name, each]),
);
