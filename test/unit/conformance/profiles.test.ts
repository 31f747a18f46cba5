import { existsSync } from 'node:fs';
import t from 'tap';
import { ProfileName } from '../../../codec/enums.ts';
import { type Version, versions } from '../../../codec/version.ts';
import { profiles } from '../../../profiles/index.ts';
import { isCaseOf, matches, readCases } from '../../conformance/case.ts';
import { casesDirectory, readExpectedFailures } from '../../conformance/run.ts';

t.test('every name is one that Query may answer', async (t) => {
  for (const { name, servers } of profiles) {
    for (const [version, member] of Object.entries(servers)) {
      t.ok(versions.includes(version as Version), `${name} ${version}`);
      t.ok(ProfileName.members.includes(member), `${name} ${member}`);
      if (version.startsWith('1.')) t.match(member, new RegExp(`V1_${version.slice(2)}$`));
      else t.notMatch(member, /KMIPV/);
    }
  }
});

t.test('every name of a server belongs to a profile', async (t) => {
  const ours = new Set<string>(profiles.flatMap(({ servers }) => Object.values(servers)));
  const all = ProfileName.members.filter((member) => member.includes('Server'));
  t.same(
    all.filter((member) => !ours.has(member)),
    [],
  );
});

t.test('a profile is kept and has cases, or says what is missing', async (t) => {
  for (const { name, supported, cases, missing } of profiles) {
    t.equal(missing === undefined, supported, name);
    if (supported) t.ok(cases.length > 0, `${name} can be proved`);
  }
});

t.test('no two profiles share a name or cases', async (t) => {
  const names = profiles.flatMap(({ servers }) => [...new Set(Object.values(servers))]);
  t.equal(new Set(names).size, names.length);
  // Those about encoding have the same cases, in another encoding each.
  const cases = profiles.flatMap(({ cases, encoding = '' }) => cases.map((stem) => `${encoding} ${stem}`));
  t.equal(new Set(cases).size, cases.length);
});

t.test('a kept profile has no case among the expected failures', async (t) => {
  const { cases, notPlayed } = await readExpectedFailures();
  for (const profile of profiles.filter(({ supported }) => supported)) {
    for (const stem of profile.cases) {
      const clash = Object.keys({ ...cases, ...notPlayed }).filter((pattern) => overlap(stem, pattern));
      t.same(clash, [], profile.name);
    }
  }
});

/** Whether two patterns may name the same case; the version at the end of a name stands for itself. */
function overlap(stem: string, pattern: string): boolean {
  return matches(`${stem}*`, pattern) || matches(pattern, `${stem}-14`);
}

const directory = casesDirectory();

t.test('every mandatory case belongs to a profile', async (t) => {
  if (!existsSync(directory)) return t.comment('no conformance cases here');
  const mandatory = (await readCases(directory)).filter(
    ({ file, name }) => file.startsWith('profiles/') && !/-O-/.test(name),
  );
  for (const { name } of mandatory)
    t.ok(
      profiles.some((profile) => isCaseOf(profile, name)),
      name,
    );
});
