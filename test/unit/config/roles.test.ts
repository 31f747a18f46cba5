import t from 'tap';
import { ConfigError, parseConfig } from '../../../src/config/index.ts';

/** Roles as lists and as tables, and what is said of mistakes in them. */

const parse = (source: string) => parseConfig(source, 'kmipd.toml', '/home').roles;

t.test('a role is a list of operations, or a table with restrictions', (t) => {
  t.same(
    parse(`
      [roles]
      lab = ["veeam"]
      [roles.backup]
      operations = ["Locate", "Get", "veeam"]
      objectTypes = ["SymmetricKey", "SecretData"]
      algorithms = ["AES=256", "RSA >= 3072", "HMAC_SHA256", "none"]
      formats = ["Raw", "PKCS_8"]
      wrapping = "required"
      states = ["Active", "Deactivated"]
      [roles.plain]
      operations = []
      wrapping = "optional"
    `),
    {
      lab: ['veeam'],
      backup: {
        operations: ['Locate', 'Get', 'veeam'],
        objectTypes: ['SymmetricKey', 'SecretData'],
        algorithms: ['AES=256', 'RSA >= 3072', 'HMAC_SHA256', 'none'],
        formats: ['Raw', 'PKCS_8'],
        wrapping: 'required',
        states: ['Active', 'Deactivated'],
      },
      plain: { operations: [], wrapping: 'optional' },
    },
  );
  t.end();
});

const table = (line: string) => `[roles.a]\noperations = ["Get"]\n${line}`;

/** Each mistake and the one line about it. */
const mistakes: readonly (readonly [source: string, problem: RegExp])[] = [
  ['[roles.a]', /^kmipd.toml: "roles.a" needs operations = \["Get", …\]; objectTypes, algorithms/],
  ['[roles."a b"]', /"roles."a b"" needs operations/],
  ['[roles.a]\noperations = "Get"', /"roles.a.operations" must be a list of operations, such as/],
  ['[roles.a]\noperations = ["Gett"]', /"roles.a.operations": "Gett" is neither .*; did you mean "Get"\?$/],
  ['[roles.full]\noperations = ["Get"]', /"roles.full": the role "full" is built in/],
  [table('algorithm = ["AES"]'), /unknown key "roles.a.algorithm"; did you mean "algorithms"\?$/],
  [table('objectTypes = ["Key"]'), /"roles.a.objectTypes": "Key" is no Object Type of KMIP/],
  [table('objectTypes = ["symmetrickey"]'), /did you mean "SymmetricKey"\?$/],
  [table('objectTypes = "SymmetricKey"'), /"roles.a.objectTypes" must be a list of texts/],
  [
    table('objectTypes = []'),
    /"roles.a.objectTypes": the list is empty and would allow nothing; leave it out/,
  ],
  [
    table('algorithms = ["AES", "AES-256"]'),
    /"roles.a.algorithms": "AES-256" is neither .*: write "AES=256"$/,
  ],
  [table('algorithms = ["AES:256"]'), /: write "AES=256"$/],
  [table('algorithms = ["RSA:3072-"]'), /: write "RSA>=3072"$/],
  [table('algorithms = ["RSA<3072"]'), /"RSA<3072" is neither an algorithm nor one with a length/],
  [
    table('algorithms = ["HMAC_SHA25"]'),
    /is no Cryptographic Algorithm of KMIP; did you mean "HMAC_SHA256"\?$/,
  ],
  [table('algorithms = ["none=8"]'), /gives a length to "none"/],
  [
    table('formats = ["raw"]'),
    /"roles.a.formats": "raw" is no Key Format Type of KMIP; did you mean "Raw"\?$/,
  ],
  [table('wrapping = "require"'), /"roles.a.wrapping": "require" is none of .*; did you mean "required"\?$/],
  [table('wrapping = true'), /"roles.a.wrapping" must be a text in quotes$/],
  [table('states = ["Destroyed"]'), /"roles.a.states": "Destroyed" is no State of objects that have a value/],
  [table('states = ["PreActiv"]'), /did you mean "PreActive"\?$/],
];

t.test('a mistake in a role is one line that names its key', (t) => {
  for (const [source, problem] of mistakes) {
    const problems = problemsOf(source);
    t.equal(problems.length, 1, `${source}: ${problems.join('\n')}`);
    t.match(problems[0], problem);
    t.notMatch(problems[0], /\n/);
  }
  t.equal(problemsOf(table('states = ["x"]\nformats = ["x"]\nwrapping = "x"')).length, 3, 'one for each key');
  t.end();
});

function problemsOf(source: string): readonly string[] {
  try {
    parse(source);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems;
  }
}
