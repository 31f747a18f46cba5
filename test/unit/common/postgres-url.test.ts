import t from 'tap';
import { type PostgresUrl, parsePostgresUrl } from '../../../src/common/postgres-url.ts';

/** The parts of a URI that are not those of an empty one. */
function partsOf(uri: string): Partial<PostgresUrl> | string {
  const parsed = parsePostgresUrl(uri);
  const empty = parsePostgresUrl('postgres://') as PostgresUrl;
  if (typeof parsed === 'string') return parsed;
  const entries = Object.entries(parsed).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(empty[name as keyof PostgresUrl]),
  );
  return Object.fromEntries(entries);
}

const host = (name?: string, port?: number) => ({ host: name, port });

const understood: Record<string, Partial<PostgresUrl>> = {
  'postgres://': {},
  'postgresql://localhost': { hosts: [host('localhost')] },
  'postgres://u@h/d': { hosts: [host('h')], user: 'u', database: 'd' },
  'postgres://u:p@h:5433/d': { hosts: [host('h', 5433)], user: 'u', password: 'p', database: 'd' },
  'postgres://u:%23%2F%3F%40%25%20:x@h/d': {
    hosts: [host('h')],
    user: 'u',
    password: '#/?@% :x',
    database: 'd',
  },
  'postgres://u:p q@h/d': { hosts: [host('h')], user: 'u', password: 'p q', database: 'd' },
  'postgres://u:@h/d': { hosts: [host('h')], user: 'u', password: '', database: 'd' },
  'postgres://u@[::1]:5433/d': { hosts: [host('::1', 5433)], user: 'u', database: 'd' },
  'postgres://u@a:1,b,[fe80::1]:3/d': {
    hosts: [host('a', 1), host('b'), host('fe80::1', 3)],
    user: 'u',
    database: 'd',
  },
  'postgres://u@a,b:5433/d': { hosts: [host('a'), host('b', 5433)], user: 'u', database: 'd' },
  'postgres://u@/d?host=/run/postgresql': { hosts: [host('/run/postgresql')], user: 'u', database: 'd' },
  'postgres:///d?host=/a,b&port=1,2&user=u': {
    hosts: [host('/a', 1), host('b', 2)],
    user: 'u',
    database: 'd',
  },
  'postgres://h/?dbname=d&password=p%26q': { hosts: [host('h')], database: 'd', password: 'p&q' },
  'postgres://%2Frun%2Fpg/d': { hosts: [host('/run/pg')], database: 'd' },
  'postgres://h/d?ssl=true': { hosts: [host('h')], database: 'd', sslMode: 'require' },
  'postgres://h/d?sslmode=prefer': { hosts: [host('h')], database: 'd', sslMode: 'prefer' },
  'postgres://h/d?sslmode=disable': { hosts: [host('h')], database: 'd', sslMode: 'disable' },
  'postgres://h/d?sslmode=verify-ca&sslrootcert=/ca.pem&sslcert=/c.pem&sslkey=/k.pem': {
    hosts: [host('h')],
    database: 'd',
    sslMode: 'verify-ca',
    sslRootCertificate: '/ca.pem',
    sslCertificate: '/c.pem',
    sslKey: '/k.pem',
  },
  'postgres://h/d?sslrootcert=system': {
    hosts: [host('h')],
    database: 'd',
    sslMode: 'verify-full',
    sslRootCertificate: 'system',
  },
  'postgres://h/d?connect_timeout=3&application_name=kms&options=-c%20search_path%3Dk&target_session_attrs=primary':
    {
      hosts: [host('h')],
      database: 'd',
      connectTimeoutSeconds: 3,
      applicationName: 'kms',
      options: '-c search_path=k',
    },
};

for (const attributes of ['any', 'read-write', 'primary'])
  understood[`postgres://h/d?target_session_attrs=${attributes}`] = { hosts: [host('h')], database: 'd' };

for (const [uri, expected] of Object.entries(understood)) {
  t.test(`reads ${uri}`, (t) => {
    t.same(partsOf(uri), expected);
    t.end();
  });
}

const refused: Record<string, RegExp> = {
  'postgres://u:p#w@h/d': /write %23 for #, .* or leave the password out and set PGPASSWORD/,
  'postgres://u:p/w@h/d': /write .*%2F for \//,
  'postgres://u:p?w@h/d': /write .*%3F for \?/,
  'postgres://u:p@w@h/d': /write .*%40 for @/,
  'postgres://u:100%@h/d': /has a % in its password .* write %25/,
  'postgres://h/d#fragment': /must be "postgres:\/\/USER@HOST\/DATABASE"/,
  'postgres://h:port/d': /names no host by "h:port"/,
  'postgres://h:0/d': /has a port "0" outside 1 to 65535/,
  'postgres://h:65536/d': /has a port "65536"/,
  'postgres://a,b,c/d?port=1,2': /has 2 ports for 3 hosts/,
  'postgres://h/d?sslmode=on':
    /has sslmode "on"; choose from disable, allow, prefer, require, verify-ca, verify-full/,
  'postgres://h/d?ssl=false': /has sslmode "false"; choose from/,
  'postgres://h/d?channel_binding=require': /has a parameter "channel_binding" that is not supported/,
  'postgres://h/d?sslmod=require': /has a parameter "sslmod"/,
  'postgres://h/d?connect_timeout=soon': /has a connect_timeout that is no number/,
};

for (const attributes of ['read-only', 'standby', 'prefer-standby', '', 'master'])
  refused[`postgres://h/d?target_session_attrs=${attributes}`] = new RegExp(
    `has target_session_attrs "${attributes}", but kmipd writes; choose from any, read-write, primary`,
  );

for (const [uri, problem] of Object.entries(refused)) {
  t.test(`refuses ${uri}`, (t) => {
    const answer = parsePostgresUrl(uri);
    t.match(answer, problem);
    t.notMatch(JSON.stringify(answer), /p.w|100/, 'without the password');
    t.end();
  });
}
