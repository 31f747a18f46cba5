import t from 'tap';
import { type PostgresUrl, parsePostgresUrl } from '../../../src/common/postgres-url.ts';

/** The parts of a URI that are not those of an empty one. */
function partsOf(uri: string, environment: NodeJS.ProcessEnv = {}): Partial<PostgresUrl> | string {
  const parsed = parsePostgresUrl(uri, environment);
  const empty = parsePostgresUrl('postgres://', {}) as PostgresUrl;
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
  'postgres://h/d?sslcrl=/l.pem': { hosts: [host('h')], database: 'd', sslRevocationList: '/l.pem' },
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

const inEnvironments: readonly (readonly [string, NodeJS.ProcessEnv, Partial<PostgresUrl>])[] = [
  ['postgres://', { PGHOST: 'a,b', PGPORT: '1,2' }, { hosts: [host('a', 1), host('b', 2)] }],
  ['postgres://', { PGHOST: '', PGPORT: '' }, {}],
  ['postgres://h', { PGHOST: 'a', PGPORT: '7' }, { hosts: [host('h', 7)] }],
  ['postgres://', { PGSSLMODE: 'require' }, { sslMode: 'require' }],
  ['postgres://?sslmode=disable', { PGSSLMODE: 'require' }, { sslMode: 'disable' }],
  ['postgres://?ssl=true', { PGSSLMODE: 'disable' }, { sslMode: 'require' }],
  [
    'postgres://',
    { PGSSLROOTCERT: '/ca', PGSSLCRL: '/l' },
    { sslRootCertificate: '/ca', sslRevocationList: '/l' },
  ],
  ['postgres://', { PGSSLROOTCERT: 'system' }, { sslMode: 'verify-full', sslRootCertificate: 'system' }],
  ['postgres://?sslrootcert=/a', { PGSSLROOTCERT: '/b' }, { sslRootCertificate: '/a' }],
  ['postgres://', { PGSSLCERT: '/c', PGSSLKEY: '/k' }, { sslCertificate: '/c', sslKey: '/k' }],
  ['postgres://?sslcert=', { PGSSLCERT: '/c', PGSSLKEY: '' }, {}],
  ['postgres://', { PGTARGETSESSIONATTRS: 'primary' }, {}],
  ['postgres://?target_session_attrs=any', { PGTARGETSESSIONATTRS: 'standby' }, {}],
  [
    'postgres://',
    { PGCONNECT_TIMEOUT: '3', PGAPPNAME: 'k' },
    { connectTimeoutSeconds: 3, applicationName: 'k' },
  ],
  ['postgres://', { PGUSER: 'u', PGPASSWORD: 'p', PGDATABASE: 'd', PGPASSFILE: '/f', PGTZ: 'UTC' }, {}],
];

for (const [uri, environment, expected] of inEnvironments)
  t.test(`reads ${uri} with ${JSON.stringify(environment)}`, async (t) => {
    t.same(partsOf(uri, environment), expected);
  });

t.test('a variable that does not fit is named', async (t) => {
  const problems: readonly (readonly [NodeJS.ProcessEnv, string | RegExp])[] = [
    [{ PGSSLMODE: 'on' }, /^leaves sslmode to the variable PGSSLMODE, which has an unknown sslmode; choose/],
    [{ PGSSLMODE: '' }, /^leaves sslmode to the variable PGSSLMODE, which has an unknown sslmode; choose/],
    [
      { PGTARGETSESSIONATTRS: 'standby' },
      /^leaves target_session_attrs to the variable PGTARGETSESSIONATTRS, which/,
    ],
    [{ PGPORT: '1,2' }, 'leaves port to the variable PGPORT, which has 2 ports for 1 hosts'],
    [{ PGCONNECT_TIMEOUT: 'x' }, /^leaves connect_timeout to the variable PGCONNECT_TIMEOUT, which/],
    ...['PGCHANNELBINDING', 'PGREQUIREAUTH', 'PGSSLMINPROTOCOLVERSION', 'PGSERVICE', 'PGHOSTADDR'].map(
      (name) =>
        [{ [name]: '' }, new RegExp(`^leaves [a-z_]+ to the variable ${name}, which is not supp`)] as const,
    ),
  ];
  for (const [environment, problem] of problems)
    t.match(parsePostgresUrl('postgres://h', environment), problem);
});

const refused: Record<string, RegExp> = {
  'postgres://u:p#w@h/d': /write %23 for #, .* or leave the password out and set PGPASSWORD/,
  'postgres://u:p/w@h/d': /write .*%2F for \//,
  'postgres://u:p?w@h/d': /write .*%3F for \?/,
  'postgres://u:p@w@h/d': /write .*%40 for @/,
  'postgres://u:100%@h/d': /has a % in its password .* write %25/,
  'postgres://h/d#fragment': /must be "postgres:\/\/USER@HOST\/DATABASE"/,
  'postgres://h:port/d': /has no host and port where they belong: write postgres:\/\/USER:PASSWORD@HOST:PORT/,
  'postgres://h:0/d': /has a port outside 1 to 65535/,
  'postgres://h:65536/d': /has a port outside/,
  'postgres://a,b,c/d?port=1,2': /has 2 ports for 3 hosts/,
  'postgres://h/d?sslmode=on':
    /has an unknown sslmode; choose from disable, allow, prefer, require, verify-ca, verify-full/,
  'postgres://h/d?ssl=false': /has an unknown sslmode; choose from/,
  'postgres://h/d?channel_binding=require': /has a parameter "channel_binding" that is not supported/,
  'postgres://h/d?sslmod=require': /has a parameter that libpq does not have; did you mean "sslmode"\?/,
  'postgres://h/d?connect_timeout=soon': /has a connect_timeout that is no number/,
};

for (const attributes of ['read-only', 'standby', 'prefer-standby', '', 'master'])
  refused[`postgres://h/d?target_session_attrs=${attributes}`] =
    /has target_session_attrs that do not fit, because kmipd writes; choose from any, read-write, primary/;

for (const [uri, problem] of Object.entries(refused)) {
  t.test(`refuses ${uri}`, (t) => {
    const answer = parsePostgresUrl(uri);
    t.match(answer, problem);
    t.notMatch(JSON.stringify(answer), /p.w|100/, 'without the password');
    t.end();
  });
}

/** Slips around a password: each URI holds `Geheim`, which no message may contain. */
const slips = [
  ...['u:Geheim:h/d', 'u:Geheim/d', 'u:Geheim', 'u;Geheim!h/d', 'u Geheim/d', 'Geheim=u/d', 'Geheim%21/d'],
  ...['u:Geheim,h/d', 'h,u:Geheim/d', '[u:Geheim]/d', 'u:[Geheim]/d', 'u:Geheim#@h/d', 'u:#Geheim@h/d'],
  ...['u:/Geheim@h/d', 'u:Geheim/@h/d', 'u:?Geheim@h/d', 'u:Geheim?@h/d', 'u:@Geheim@h/d', 'u:Geheim@@h/d'],
  ...['u:x@h?Geheim@h/d', 'u:x@h/Geheim%zz@h/d', 'u:Geheim%@h/d', 'u:Geheim%zz@h/d', 'Geheim%zz:p@h/d'],
  ...['u:1?Geheim', 'u:1?Geheim=x', 'h/d?Geheim', 'h/d?Geheim=x', 'h/d?sslmode=Geheim', 'h/d?port=Geheim'],
  ...['h/d?ssl=Geheim', 'h/d?connect_timeout=Geheim', 'h/d?target_session_attrs=Geheim', 'h/d?pass=Geheim'],
  ...['h/d?password=Geheim%zz', 'h/d?passwort=Geheim', 'h/d?password=Geheim&sslmode=x', 'h/d?host=Geheim!'],
  ...['h:99999/d?password=Geheim', 'a,b/d?port=1,2,3&password=Geheim', 'h/d?sslpassword=Geheim'],
];

for (const slip of slips) {
  t.test(`tells nothing of the password in ${slip}`, (t) => {
    const answer = parsePostgresUrl(`postgres://${slip}`);
    t.type(answer, 'string', 'it is refused');
    t.notMatch(answer, /geheim/i, 'without the password');
    t.match(
      answer,
      /must be|write|choose from|did you mean|not supported|outside 1 to|is no number|ports for/,
    );
    t.end();
  });
}
