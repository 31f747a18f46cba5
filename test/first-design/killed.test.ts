import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import {
  checkConverted,
  clearTexts,
  convertUntil,
  insertMoreObjects,
  moreObjects,
  OldHome,
} from './fixture.ts';

t.setTimeout(600_000);

/** Kills in first attempts; each is followed by one in the second attempt. */
const kills = 8;

function newHome(t: { teardown(end: () => void): void }): OldHome {
  const home = new OldHome();
  t.teardown(() => home.remove());
  home.change(insertMoreObjects);
  return home;
}

t.test('a conversion that is killed anywhere begins again and loses nothing', async (t) => {
  const whole = await convertUntil(newHome(t), 0);
  const steps = Number(/^(\d+) steps$/m.exec(whole ?? '')?.[1]);
  t.ok(steps > 2 * kills, `${steps} steps`);
  for (let kill = 0; kill < kills; kill += 1) {
    const home = newHome(t);
    const first = Math.ceil(((kill + 0.5) * steps) / kills);
    t.equal(await convertUntil(home, first), undefined, `killed at step ${first} of ${steps}`);
    // When the old tables have been renamed, in the second half, few steps are left.
    const left = first < steps / 2 ? steps * 0.9 : steps / 6;
    const second = Math.ceil((left * (((kill * 3) % kills) + 0.5)) / kills);
    t.equal(await convertUntil(home, second), undefined, `killed again at step ${second}`);
    t.match(await convertUntil(home, 0), /steps/, 'completed by the third attempt');
    await checkConverted(t, home);
    checkFiles(t, home);
  }
});

type Test = Pick<typeof t, 'ok' | 'notOk' | 'equal'>;

function checkFiles(t: Test, { directory }: OldHome): void {
  const report = join(directory, 'first-design-conversion.txt');
  t.equal(statSync(report).mode & 0o777, 0o600);
  t.ok(readFileSync(report, 'utf8').includes(`more     SecretData          ${moreObjects}`));
  for (const name of readdirSync(directory)) {
    const content = readFileSync(join(directory, name));
    const found = clearTexts.filter((text) => content.includes(text));
    t.equal(found.length > 0, name.startsWith('kmipd.db.first-design'), `${name}: ${found}`);
  }
}
