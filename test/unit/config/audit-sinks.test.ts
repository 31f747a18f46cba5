import t from 'tap';
import { ConfigError, parseConfig } from '../../../src/config/index.ts';

const parse = (source: string) => parseConfig(source, 'kmipd.toml', '/home');
const sinksOf = (source: string) => parse(source).auditSinks;
const common = { records: true, checkpoints: true, onFailure: 'alarm' };
const bounds = { deadlineSeconds: 60, timeoutSeconds: 10, maxBacklog: 1_000_000 };
const tls = { ca: undefined, certificate: undefined, key: undefined };

t.test('sinks of every type are read with their defaults', async (t) => {
  t.same(
    sinksOf(`
      [[audit.sinks]]
      name = "archive"
      type = "file"
      path = "audit.jsonl"
      [[audit.sinks]]
      name = "siem"
      type = "syslog"
      address = "tls:siem.example.com:6514"
      [[audit.sinks]]
      name = "local"
      type = "syslog"
      address = "unix:///run/log"
      [[audit.sinks]]
      name = "web"
      type = "https"
      url = "https://siem.example.com/in?x=1"
      [[audit.sinks]]
      name = "otel"
      type = "otlp"
      url = "http://127.0.0.1:4318"
    `),
    [
      { name: 'archive', type: 'file', ...common, ...bounds, format: 'json', path: '/home/audit.jsonl' },
      {
        ...{
          name: 'siem',
          type: 'syslog',
          ...common,
          ...bounds,
          ...tls,
          format: 'json',
          facility: 'authpriv',
        },
        address: { transport: 'tls', host: 'siem.example.com', port: 6514 },
      },
      {
        ...{
          name: 'local',
          type: 'syslog',
          ...common,
          ...bounds,
          ...tls,
          format: 'json',
          facility: 'authpriv',
        },
        address: { transport: 'unix', path: '/run/log' },
      },
      {
        ...{ name: 'web', type: 'https', ...common, ...bounds, ...tls, tokenFile: undefined },
        url: 'https://siem.example.com/in?x=1',
      },
      {
        ...{ name: 'otel', type: 'otlp', ...common, ...bounds, ...tls, tokenFile: undefined },
        url: 'http://127.0.0.1:4318/v1/logs',
      },
    ],
  );
});

t.test('every key of a sink takes effect', async (t) => {
  t.same(
    sinksOf(`
      [[audit.sinks]]
      name = "siem"
      type = "syslog"
      address = "tls:[::1]:6514"
      format = "cef"
      facility = "local7"
      ca = "ca.pem"
      certificate = "c.pem"
      key = "/k.pem"
      records = true
      checkpoints = false
      onFailure = "refuse"
      deadlineSeconds = 5
      timeoutSeconds = 2
      maxBacklog = 100
      [[audit.sinks]]
      name = "otel"
      type = "otlp"
      url = "https://c.example/custom"
      tokenFile = "token"
    `),
    [
      {
        ...{ name: 'siem', type: 'syslog', address: { transport: 'tls', host: '::1', port: 6514 } },
        ...{
          format: 'cef',
          facility: 'local7',
          ca: '/home/ca.pem',
          certificate: '/home/c.pem',
          key: '/k.pem',
        },
        ...{ records: true, checkpoints: false, onFailure: 'refuse' },
        ...{ deadlineSeconds: 5, timeoutSeconds: 2, maxBacklog: 100 },
      },
      {
        ...{ name: 'otel', type: 'otlp', ...common, ...bounds, ...tls },
        ...{ url: 'https://c.example/custom', tokenFile: '/home/token' },
      },
    ],
  );
});

const sink = (lines: string) => `[[audit.sinks]]\nname = "a"\n${lines}`;
const file = sink('type = "file"\npath = "x"\n');
const syslog = sink('type = "syslog"\n');
const https = sink('type = "https"\n');

/** Configurations with one mistake, and the line that names it. */
const mistakes: readonly (readonly [source: string, problem: RegExp])[] = [
  ['[audit]\nsinks = 1', /"audit.sinks" must be tables: a line \[\[audit.sinks\]\]/],
  ['[audit.sinks]\nname = "a"', /"audit.sinks" must be tables/],
  ['[audit]\nsink = 1', /unknown key "audit.sink"; did you mean "audit.sinks"\?/],
  ['audit = 1', /unknown key "audit"/],
  ['[[audit.sinks]]\ntype = "file"\npath = "x"', /"audit.sinks.1.name" is missing/],
  [
    '[[audit.sinks]]\nname = "a b"\ntype = "file"\npath = "x"',
    /"audit.sinks.1.name" must be 1 to 64 letters/,
  ],
  [sink(''), /"audit.sinks.a.type" is missing/],
  [sink('type = "kafka"'), /"audit.sinks.a.type" must be one of "file", "syslog", "https", "otlp"/],
  [sink('type = "__proto__"'), /"audit.sinks.a.type" must be one of/],
  [sink('type = "file"'), /"audit.sinks.a.path" is missing/],
  [`${file}paths = "x"`, /unknown key "audit.sinks.a.paths"; did you mean "path"\?/],
  [`${file}url = "x"`, /"audit.sinks.a.url" is for sinks of type "https" and "otlp" only/],
  [`${file}facility = "cron"`, /"audit.sinks.a.facility" is for sinks of type "syslog" only/],
  [`${file}format = "xml"`, /"audit.sinks.a.format" must be one of "json", "cef"/],
  [`${file}onFailure = "stop"`, /"audit.sinks.a.onFailure" must be one of "refuse", "alarm"/],
  [`${file}deadlineSeconds = 0`, /"audit.sinks.a.deadlineSeconds" must be a whole number from 1 to 86400/],
  [`${file}maxBacklog = 10`, /"audit.sinks.a.maxBacklog" must be a whole number from 100/],
  [`${file}records = "yes"`, /"audit.sinks.a.records" must be true or false/],
  [`${file}${file}`, /"audit.sinks" has two sinks named "a"/],
  [`${file}${file.replace('"a"', '"b"')}`, /"audit.sinks" has two sinks that write to \/home\/x/],
  [`${file}records = false\ncheckpoints = false`, /"audit.sinks.a" gets neither records nor checkpoints/],
  [
    `${file}records = false\nonFailure = "refuse"`,
    /"audit.sinks.a.onFailure" is "refuse", which is for sinks that/,
  ],
  [syslog, /"audit.sinks.a.address" is missing/],
  [`${syslog}address = "siem:6514"`, /"audit.sinks.a.address" must be "tls:HOST:PORT", "tcp:HOST:PORT" or/],
  [`${syslog}address = "tls:siem"`, /"audit.sinks.a.address" must be "tls:HOST:PORT"/],
  [`${syslog}address = "tcp:siem:0"`, /"audit.sinks.a.address" must be "tls:HOST:PORT"/],
  [
    `${syslog}address = "tls:siem:6514"\nfacility = "local8"`,
    /"audit.sinks.a.facility" must be one of "kern"/,
  ],
  [`${syslog}address = "tcp:siem:514"\nca = "x"`, /"audit.sinks.a.ca" is only for connections by TLS/],
  [`${syslog}address = "tls:siem:6514"\nkey = "x"`, /"audit.sinks.a" needs both "certificate" and "key"/],
  [`${https}url = "siem.example.com"`, /"audit.sinks.a.url" must be a URL such as/],
  [`${https}url = "ftp://siem.example.com"`, /"audit.sinks.a.url" must be a URL such as/],
  [`${https}url = "http://siem.example.com/"`, /"audit.sinks.a.url" must begin with "https:"/],
  [`${https}url = "http://127.evil.example/"`, /"audit.sinks.a.url" must begin with "https:"/],
  [`${https}url = "https://u:canary@h/"`, /"audit.sinks.a.url" must not have a user or password/],
  [
    `${https}url = "http://localhost/"\ncertificate = "x"`,
    /"audit.sinks.a.certificate" is only for connections by/,
  ],
  [file.replace('"x"', '"kmipd.db-wal"'), /"audit.sinks.a.path" is a file of the database/],
  [file.repeat(17), /"audit.sinks" lists more than 16/],
];

t.test('each mistake in a sink is one clear line', async (t) => {
  for (const [source, expected] of mistakes) {
    try {
      parse(source);
      t.fail(`accepted: ${source}`);
    } catch (error) {
      t.ok(error instanceof ConfigError, source);
      const { problems } = error as ConfigError;
      t.ok(
        problems.some((line) => expected.test(line)),
        `${source}\n${problems.join('\n')}`,
      );
      t.notMatch(problems.join('\n'), /canary|\n.*\n.*undefined/, 'no secret is repeated');
      for (const line of problems) t.match(line, /^kmipd\.toml: .+$/);
    }
  }
});
