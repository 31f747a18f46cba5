import { isIP } from 'node:net';
import { parseAddress } from '../common/address.ts';
import {
  type AuditSinkSettings,
  failureModes,
  type HttpSinkSettings,
  type SyslogAddress,
  type SyslogFacility,
  sinkFormats,
  syslogFacilities,
} from '../common/audit-sink-settings.ts';
import { isPlainName } from '../common/plain-name.ts';
import { didYouMean } from '../common/suggest.ts';
import {
  ConfigValueError,
  choiceOf,
  integerBetween,
  isTable,
  readBoolean,
  readPath,
  readText,
  type ValueReader,
} from './values.ts';

/** The tables `[[audit.sinks]]` of the configuration. */

/** Each has timers, a connection, and a position in every chain. */
const maxSinks = 16;

/** A reader, and the value of a key that is absent; a key without one must be there. */
interface Field<T = unknown> {
  readonly read: ValueReader<T>;
  readonly defaultValue?: T;
  readonly isOptional: boolean;
}

const required = <T>(read: ValueReader<T>): Field<T> => ({ read, isOptional: false });
const optional = <T>(read: ValueReader<T>, defaultValue?: T): Field<T | undefined> => ({
  ...{ read, isOptional: true },
  ...(defaultValue === undefined ? {} : { defaultValue }),
});

const readName: ValueReader<string> = (value, directory) => {
  const name = readText(value, directory);
  if (isPlainName(name)) return name;
  throw new ConfigValueError('must be 1 to 64 letters, digits and . _ @ -, and begin with a letter or digit');
};

const readSyslogAddress: ValueReader<SyslogAddress> = (value, directory) => {
  const text = typeof value === 'string' ? value : '';
  const [, transport = '', rest = ''] = /^(unix|tcp|tls):(?:\/\/)?(.+)$/.exec(text) ?? [];
  if (transport === 'unix') return { transport, path: readPath(rest, directory) };
  const address = parseAddress(rest);
  if (address !== undefined && address.port > 0) return { transport: transport as 'tcp' | 'tls', ...address };
  throw new ConfigValueError('must be "tls:HOST:PORT", "tcp:HOST:PORT" or "unix:PATH"');
};

const isLocal = (host: string) =>
  host === 'localhost' || host === '[::1]' || (isIP(host) === 4 && host.startsWith('127.'));

/** No message repeats the URL: a password may stand in it. */
const readSinkUrl: ValueReader<string> = (value) => {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.hash !== '')
    throw new ConfigValueError('must be a URL such as "https://siem.example.com/audit"');
  if (url.username !== '' || url.password !== '')
    throw new ConfigValueError('must not have a user or password; put a token into the file of "tokenFile"');
  if (url.protocol === 'http:' && !isLocal(url.hostname))
    throw new ConfigValueError(
      'must begin with "https:"; "http:" is only for this machine, such as "http://127.0.0.1:4318"',
    );
  return url.href;
};

const facilities = Object.keys(syslogFacilities) as readonly SyslogFacility[];

const common = {
  name: required(readName),
  type: required(choiceOf(['file', 'syslog', 'https', 'otlp'])),
  records: optional(readBoolean, true),
  checkpoints: optional(readBoolean, true),
  onFailure: optional(choiceOf(failureModes), 'alarm'),
  deadlineSeconds: optional(integerBetween(1, 86_400), 60),
  timeoutSeconds: optional(integerBetween(1, 600), 10),
  maxBacklog: optional(integerBetween(100, 1_000_000_000), 1_000_000),
};
const tls = { ca: optional(readPath), certificate: optional(readPath), key: optional(readPath) };
const format = optional(choiceOf(sinkFormats), 'json');
const http = { ...common, ...tls, url: required(readSinkUrl), tokenFile: optional(readPath) };

/** The keys of each type. */
const fieldsOf: Readonly<Record<AuditSinkSettings['type'], Readonly<Record<string, Field>>>> = {
  file: { ...common, format, path: required(readPath) },
  syslog: {
    ...{ ...common, ...tls, format },
    address: required(readSyslogAddress),
    facility: optional(choiceOf(facilities), 'authpriv'),
  },
  https: http,
  otlp: http,
};

/** Reads the sinks of the audit log in their order, and adds what is wrong to `problems`. */
export function readAuditSinks(
  value: unknown,
  directory: string,
  problems: string[],
): readonly AuditSinkSettings[] {
  if (value === undefined) return [];
  if (!Array.isArray(value) || !value.every(isTable)) {
    problems.push('"audit.sinks" must be tables: a line [[audit.sinks]], below it name = "siem"');
    return [];
  }
  if (value.length > maxSinks) problems.push(`"audit.sinks" lists more than ${maxSinks}`);
  const sinks = value.flatMap((table, at) => readSink(table, at, directory, problems) ?? []);
  for (const [at, { name }] of sinks.entries())
    if (sinks.findIndex((other) => other.name === name) !== at)
      problems.push(`"audit.sinks" has two sinks named "${name}"; their names must differ`);
  const paths = sinks.flatMap((sink) => (sink.type === 'file' ? [sink.path] : []));
  const repeated = paths.find((path, at) => paths.indexOf(path) !== at);
  if (repeated !== undefined) problems.push(`"audit.sinks" has two sinks that write to ${repeated}`);
  return sinks;
}

function readSink(
  table: Readonly<Record<string, unknown>>,
  at: number,
  directory: string,
  problems: string[],
): AuditSinkSettings | undefined {
  const { name, type } = table;
  const label = `audit.sinks.${typeof name === 'string' && isPlainName(name) ? name : at + 1}`;
  const isKnown = Object.hasOwn(fieldsOf, String(type));
  const fields = isKnown ? fieldsOf[type as AuditSinkSettings['type']] : common;
  const found: string[] = [];
  for (const key of Object.keys(table)) {
    if (Object.hasOwn(fields, key) || !isKnown) continue;
    const others = Object.entries(fieldsOf).filter(([, each]) => Object.hasOwn(each, key));
    found.push(
      others.length > 0
        ? `"${label}.${key}" is for sinks of type ${others.map(([each]) => `"${each}"`).join(' and ')} only`
        : `unknown key "${label}.${key}"${didYouMean(key, Object.keys(fields))}`,
    );
  }
  const settings: Record<string, unknown> = {};
  for (const [key, { read, defaultValue, isOptional }] of Object.entries(fields)) {
    try {
      if (Object.hasOwn(table, key)) settings[key] = read(table[key], directory);
      else if (isOptional) settings[key] = defaultValue;
      else found.push(`"${label}.${key}" is missing`);
    } catch (error) {
      if (!(error instanceof ConfigValueError)) throw error;
      found.push(`"${label}.${key}" ${error.message}`);
    }
  }
  if (found.length === 0) found.push(...contradictionsIn(settings as unknown as AuditSinkSettings, label));
  problems.push(...found);
  return found.length > 0 ? undefined : completeUrl(settings as unknown as AuditSinkSettings);
}

function contradictionsIn(settings: AuditSinkSettings, label: string): readonly string[] {
  const { records, checkpoints, onFailure } = settings;
  if (!records && !checkpoints) return [`"${label}" gets neither records nor checkpoints`];
  if (!records && onFailure === 'refuse')
    return [`"${label}.onFailure" is "refuse", which is for sinks that get records`];
  if (settings.type === 'file') return [];
  const { ca, certificate, key } = settings;
  const hasTls =
    settings.type === 'syslog' ? settings.address.transport === 'tls' : settings.url.startsWith('https:');
  const files = Object.entries({ ca, certificate, key }).filter(([, file]) => file !== undefined);
  if (!hasTls) return files.map(([name]) => `"${label}.${name}" is only for connections by TLS`);
  if ((certificate === undefined) !== (key === undefined))
    return [`"${label}" needs both "certificate" and "key", or neither`];
  return [];
}

/** Collectors of OpenTelemetry are named without the path that the protocol fixes. */
function completeUrl(settings: AuditSinkSettings): AuditSinkSettings {
  if (settings.type !== 'otlp' || new URL(settings.url).pathname !== '/') return settings;
  const completed: HttpSinkSettings = { ...settings, url: new URL('/v1/logs', settings.url).href };
  return completed;
}

/** Suffixes of the files of a SQLite database. */
const databaseSuffixes = ['', '-wal', '-shm', '-journal'];

/** Returns problems of sinks that would write into a file of the database. */
export function findDatabaseSinks(sinks: readonly AuditSinkSettings[], store: string): readonly string[] {
  const files = databaseSuffixes.map((suffix) => `${store}${suffix}`);
  return sinks.flatMap((sink) =>
    sink.type === 'file' && files.includes(`sqlite:${sink.path}`)
      ? [`"audit.sinks.${sink.name}.path" is a file of the database; name another file`]
      : [],
  );
}
