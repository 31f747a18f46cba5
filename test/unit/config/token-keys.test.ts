import t from 'tap';
import { type ConfigError, parseConfig } from '../../../src/config/index.ts';

const read = (text: string) => parseConfig(text, 'kmipd.toml', '/home').tokenKeys;
const problems = (text: string): readonly string[] => {
  try {
    read(text);
    return [];
  } catch (error) {
    return (error as ConfigError).problems;
  }
};

t.test('no keys are made in a token unless one is named', (t) => {
  t.equal(read('').token, undefined);
  t.equal(read('[tokenKeys]\ngroups = []').token, undefined);
  t.end();
});

t.test('groups whose keys belong into a token need one', (t) => {
  for (const groups of ['"*"', '"a", "b"'])
    t.strictSame(problems(`[tokenKeys]\ngroups = [${groups}]`), [
      'kmipd.toml: "tokenKeys.groups" needs "tokenKeys.token": keys of these groups are made in that token',
    ]);
  t.end();
});

t.test('a token with its groups and validations', (t) => {
  t.strictSame(read('[tokenKeys]\ntoken = "pkcs11:token=a?module-path=/b"'), {
    ...{ token: 'pkcs11:token=a?module-path=/b', groups: [], processes: 2, validations: [] },
  });
  const { validations } = read(`[tokenKeys]
      token = "pkcs11:token=a"
      validations = ["NISTCMVP 140-3 3 4000", "CommonCriteria 3.1 4", "NISTCMVP 140 2"]`);
  t.strictSame(validations, [
    { authority: 'NISTCMVP', major: 140, level: 3, certificate: '4000', minor: 3 },
    { authority: 'CommonCriteria', major: 3, level: 4, certificate: undefined, minor: 1 },
    { authority: 'NISTCMVP', major: 140, level: 2, certificate: undefined, minor: undefined },
  ]);
  t.end();
});

t.test('an operator is told what is wrong, and no message has the URI', (t) => {
  t.strictSame(problems('[tokenKeys]\ntoken = "file:x?pin-value=1234"'), [
    'kmipd.toml: "tokenKeys.token" must begin with "pkcs11:"; docs/tokens.md has the attributes',
  ]);
  t.match(problems('[tokenKeys]\nvalidations = ["FIPS 140-3"]'), [
    /"tokenKeys.validations" must be a list of "AUTHORITY VERSION LEVEL CERTIFICATE", such as/,
  ]);
  t.match(problems('[tokenKeys]\nprocesses = 0'), [
    /"tokenKeys.processes" must be a whole number from 1 to 16/,
  ]);
  t.match(problems('[tokenKeys]\ngroups = "a"'), [/"tokenKeys.groups" must be a list of texts/]);
  t.end();
});
