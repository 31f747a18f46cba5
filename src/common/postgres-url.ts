import { didYouMean } from './suggest.ts';

/**
 * Connection URIs of PostgreSQL, and the environment for what they leave out, read as libpq reads them
 * (PostgreSQL manual, 34.1.1.2, 34.1.2 and 34.15).
 */

/** How TLS is used: libpq's `sslmode`. */
export type SslMode = (typeof sslModes)[number];
const sslModes = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;

/** One server of a URI. */
export interface PostgresHost {
  /** Name, address, or the directory of a Unix-domain socket; undefined: the default of the environment. */
  readonly host: string | undefined;
  readonly port: number | undefined;
}

/** A connection URI with its environment. User, password and database may still come from there. */
export interface PostgresUrl {
  /** In the order in which they are tried; at least one. */
  readonly hosts: readonly PostgresHost[];
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly database: string | undefined;
  /** Undefined: neither URI nor environment say anything, and it depends on the host. */
  readonly sslMode: SslMode | undefined;
  /**
   * Paths of PEM files; `system` as root certificate: the authorities that the system trusts. Undefined: the
   * files in `~/.postgresql` where they exist.
   */
  readonly sslRootCertificate: string | undefined;
  readonly sslRevocationList: string | undefined;
  readonly sslCertificate: string | undefined;
  readonly sslKey: string | undefined;
  readonly connectTimeoutSeconds: number | undefined;
  readonly applicationName: string | undefined;
  /** Settings of the session, `-c name=value`. */
  readonly options: string | undefined;
}

/** Parameters of libpq without an effect here, or whose only effect is the default of this server. */
const withoutEffect: ReadonlySet<string> = new Set([
  'client_encoding',
  'fallback_application_name',
  'gssencmode',
  'keepalives',
  'keepalives_count',
  'keepalives_idle',
  'keepalives_interval',
  'sslcompression',
  'sslsni',
  'tcp_user_timeout',
]);
const withEffect: ReadonlySet<string> = new Set([
  ...['host', 'port', 'user', 'password', 'dbname', 'sslmode', 'sslrootcert', 'sslcrl', 'sslcert', 'sslkey'],
  ...['ssl', 'connect_timeout', 'application_name', 'options', 'target_session_attrs'],
]);

/** Other parameters of libpq. A message names no others: what is taken for a name may be of a password. */
const unsupported: ReadonlySet<string> = new Set([
  ...['channel_binding', 'gssdelegation', 'gsslib', 'hostaddr', 'krbsrvname', 'passfile'],
  ...['load_balance_hosts', 'max_protocol_version', 'min_protocol_version', 'replication', 'require_auth'],
  ...['requirepeer', 'requiressl', 'service', 'ssl_max_protocol_version', 'ssl_min_protocol_version'],
  ...['sslcertmode', 'sslcrldir', 'sslkeylogfile', 'sslnegotiation', 'sslpassword'],
]);

/** Variables of the environment for parameters; those for user, password and database are read by `pg`. */
const variables: Readonly<Record<string, string>> = {
  host: 'PGHOST',
  port: 'PGPORT',
  sslmode: 'PGSSLMODE',
  sslrootcert: 'PGSSLROOTCERT',
  sslcrl: 'PGSSLCRL',
  sslcert: 'PGSSLCERT',
  sslkey: 'PGSSLKEY',
  connect_timeout: 'PGCONNECT_TIMEOUT',
  application_name: 'PGAPPNAME',
  target_session_attrs: 'PGTARGETSESSIONATTRS',
};

/** Values of `target_session_attrs`. Whichever is stated, a server is used only if it can be written to. */
const sessionAttributes = ['any', 'read-write', 'primary'];

const uriPattern = /^postgres(?:ql)?:\/\/(?:([^@/?#]*)@)?([^/?#@]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/;

/** Parts of a URI by their names as parameters. */
type Parts = Map<string, string>;

/**
 * Parses a URI; a text says what is wrong with it, as the end of a sentence about the key or option that
 * holds it. It repeats nothing of the URI but names of parameters: a slip, such as : for @, turns a password
 * into a host, a port or a parameter.
 */
export function parsePostgresUrl(
  uri: string,
  environment: NodeJS.ProcessEnv = process.env,
): PostgresUrl | string {
  const match = uriPattern.exec(uri);
  if (match === null) return explainCharacters(uri);
  const [, login, authority = '', path = '', query = ''] = match;
  // A / or ? in a password ends the part before it.
  if (login === undefined && `${path}?${query}`.includes('@')) return explainCharacters(uri);
  const parts: Parts = new Map();
  const problem =
    readLogin(login ?? '', parts) ?? readHosts(authority, path, parts) ?? readQuery(query, parts);
  return problem ?? addEnvironment(parts, assemble(parts), environment);
}

/** Adds the parameters that a URI leaves to the environment, and says which variable does not fit. */
function addEnvironment(
  stated: Parts,
  url: PostgresUrl | string,
  environment: NodeJS.ProcessEnv,
): PostgresUrl | string {
  if (typeof url === 'string') return url;
  for (const name of unsupported) {
    const variable = `PG${name.replaceAll('_', '').toUpperCase()}`;
    // Password files are read by `pg`.
    if (environment[variable] !== undefined && name !== 'passfile')
      return `leaves ${name} to the variable ${variable}, which is not supported: unset it`;
  }
  const parts = new Map(stated);
  let result = url;
  for (const [name, variable] of Object.entries(variables)) {
    const value = environment[variable];
    if (value === undefined || parts.has(name) || (name === 'sslmode' && parts.has('ssl'))) continue;
    parts.set(name, value);
    const added = assemble(parts);
    if (typeof added === 'string') return `leaves ${name} to the variable ${variable}, which ${added}`;
    result = added;
  }
  return result;
}

function explainCharacters(uri: string): string {
  if (!uri.includes('@')) return 'must be "postgres://USER@HOST/DATABASE"';
  return (
    'has a character in user or password that a URI cannot hold: write %23 for #, %2F for /, %3F for ?, %40 for @, ' +
    '%25 for %, %20 for a space; or leave the password out and set PGPASSWORD or ~/.pgpass'
  );
}

function readLogin(login: string, parts: Parts): string | undefined {
  const [user = '', ...rest] = login.split(':');
  if (user !== '') parts.set('user', user);
  if (rest.length > 0) parts.set('password', rest.join(':'));
  return decodeParts(parts, ['user', 'password']);
}

const noHost =
  'has no host and port where they belong: write postgres://USER:PASSWORD@HOST:PORT/DATABASE, with @ before ' +
  'the host and brackets around an IPv6 address; or leave the password out and set PGPASSWORD or ~/.pgpass';

function readHosts(authority: string, path: string, parts: Parts): string | undefined {
  if (path !== '') parts.set('dbname', path);
  const hosts: string[] = [];
  const ports: string[] = [];
  for (const each of authority === '' ? [] : authority.split(',')) {
    const [, bracketed, plain, port = ''] =
      /^(?:\[([0-9a-f:.%]+)\]|([^:[\]]*))(?::(\d*))?$/i.exec(each) ?? [];
    if (bracketed === undefined && plain === undefined) return noHost;
    hosts.push(bracketed ?? plain ?? '');
    ports.push(port);
  }
  if (hosts.length > 0) parts.set('host', hosts.join(','));
  if (ports.some((port) => port !== '')) parts.set('port', ports.join(','));
  return decodeParts(parts, ['dbname', 'host']);
}

/** Parameters take precedence over the same parts before the question mark. */
function readQuery(query: string, parts: Parts): string | undefined {
  for (const pair of query === '' ? [] : query.split('&')) {
    const [name = '', ...rest] = pair.split('=');
    if (unsupported.has(name)) return `has a parameter "${name}" that is not supported`;
    if (!withEffect.has(name) && !withoutEffect.has(name))
      return `has a parameter that libpq does not have${didYouMean(name, withEffect) || `; choose from ${[...withEffect].join(', ')}`}`;
    parts.set(name, rest.join('='));
    const problem = decodeParts(parts, [name]);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function decodeParts(parts: Parts, names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = parts.get(name);
    if (value === undefined) continue;
    try {
      parts.set(name, decodeURIComponent(value));
    } catch {
      return `has a % in its ${name} that is none of %00 to %FF: write %25 for the character %`;
    }
  }
  return undefined;
}

function assemble(parts: Parts): PostgresUrl | string {
  const mode = readSslMode(parts);
  if (mode !== undefined && !isSslMode(mode))
    return `has an unknown sslmode; choose from ${sslModes.join(', ')}`;
  const hosts = pairHosts(parts.get('host'), parts.get('port'));
  if (typeof hosts === 'string') return hosts;
  const attributes = parts.get('target_session_attrs');
  if (attributes !== undefined && !sessionAttributes.includes(attributes))
    return `has target_session_attrs that do not fit, because kmipd writes; choose from ${sessionAttributes.join(', ')}`;
  const timeout = parts.get('connect_timeout');
  if (timeout !== undefined && !/^\d{1,6}$/.test(timeout))
    return 'has a connect_timeout that is no number of seconds';
  return {
    hosts,
    user: parts.get('user'),
    password: parts.get('password'),
    database: parts.get('dbname'),
    sslMode: parts.get('sslrootcert') === 'system' ? 'verify-full' : mode,
    // An empty path stands for the default.
    sslRootCertificate: parts.get('sslrootcert') || undefined,
    sslRevocationList: parts.get('sslcrl') || undefined,
    sslCertificate: parts.get('sslcert') || undefined,
    sslKey: parts.get('sslkey') || undefined,
    connectTimeoutSeconds: timeout === undefined ? undefined : Number(timeout),
    applicationName: parts.get('application_name'),
    options: parts.get('options'),
  };
}

function readSslMode(parts: Parts): string | undefined {
  const jdbc = parts.get('ssl');
  // JDBC's spelling, of which libpq takes this value as well.
  return parts.get('sslmode') ?? (jdbc === 'true' ? 'require' : jdbc);
}

function isSslMode(text: string): text is SslMode {
  return sslModes.some((mode) => mode === text);
}

/** A name, an address with its zone, or the path of a socket; @ for one in the abstract namespace. */
const hostPattern = /^(?:[\p{L}\p{N}._:%-]*|[/@].*)$/u;

/** One port, or one for each host, as in libpq. */
function pairHosts(hosts = '', ports = ''): readonly PostgresHost[] | string {
  const names = hosts.split(',');
  const numbers = ports.split(',');
  if (numbers.length > 1 && numbers.length !== names.length)
    return `has ${numbers.length} ports for ${names.length} hosts`;
  if (names.some((name) => !hostPattern.test(name))) return noHost;
  if (numbers.some((port) => port !== '' && !(Number(port) >= 1 && Number(port) <= 65_535)))
    return 'has a port outside 1 to 65535';
  return names.map((name, at) => {
    const port = numbers.length > 1 ? numbers[at] : numbers[0];
    return { host: name === '' ? undefined : name, port: port ? Number(port) : undefined };
  });
}
