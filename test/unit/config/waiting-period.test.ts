import t from 'tap';
import { waitingSeconds } from '../../../src/common/waiting-period.ts';
import { ConfigError, parseConfig } from '../../../src/config/index.ts';

const read = (text: string) => parseConfig(text, 'kmipd.toml', '/home').destroy;
function problems(text: string): readonly string[] {
  try {
    read(text);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

t.test('nothing is kept unless the operator says so, and then of whom', (t) => {
  const of = (text: string, role: string | undefined, group: string) =>
    waitingSeconds(read(text), { ...(role !== undefined && { role }), group }) / 86_400;
  t.equal(of('', 'vcenter', 'a'), 0);
  t.equal(of('[destroy]\nwaitingDays = 7', 'vcenter', 'a'), 7);
  t.equal(of('[destroy]\nwaitingDays = 7', undefined, 'a'), 7);
  const named = '[destroy]\nwaitingDays = 7\nroles = ["vcenter"]\ngroups = ["b"]';
  t.equal(of(named, 'vcenter', 'a'), 7);
  t.equal(of(named, 'read-only', 'b'), 7);
  t.equal(of(named, undefined, 'b'), 7);
  t.equal(of(named, 'read-only', 'a'), 0);
  t.equal(of(named, undefined, 'vcenter'), 0);
  t.end();
});

t.test('a role that does not exist, and lists that keep nothing, are refused', (t) => {
  const pending = 'kmipd.toml: "destroy.roles" and "destroy.groups" need "destroy.waitingDays"';
  for (const list of ['roles = ["vcenter"]', 'groups = ["a"]', 'waitingDays = 0\ngroups = ["a"]'])
    t.strictSame(problems(`[destroy]\n${list}`), [`${pending}: nothing is kept without it`]);
  t.strictSame(problems('[destroy]\nwaitingDays = 1\nroles = ["vcentre", "mine"]'), [
    'kmipd.toml: "destroy.roles": the role "vcentre" is not defined; did you mean "vcenter"?',
    'kmipd.toml: "destroy.roles": the role "mine" is not defined',
  ]);
  t.strictSame(problems('[destroy]\nwaitingDays = 1\nroles = ["mine"]\n[roles]\nmine = ["Get"]'), []);
  t.match(problems('[destroy]\nwaitingDays = 3651'), [/must be a whole number from 0 to 3650/]);
  t.match(problems('[destroy]\nwaitingdays = 1'), [/unknown key "destroy.waitingdays"/]);
  t.end();
});
