import { type Command, homeOption, print } from '../../command.ts';
import { CommandError } from '../../failure.ts';
import { stateDirectoryAt } from '../../state-directory/state-directory.ts';

/** The command `audit key`. */
export const auditKey: Command<{ readonly home: string }> = {
  command: 'key',
  describe: 'Show the fingerprint by which checkpoints of this node are trusted; keep it elsewhere',
  builder: (yargs) => yargs.options(homeOption),
  async run({ home }) {
    const { keyFingerprintOf } = await import('../../../audit/checkpoints/signing-key.ts');
    const { readKeyList } = await import('../../../audit/checkpoints/signing-keys.ts');
    const keys = readKeyList(stateDirectoryAt(home).audit);
    const last = keys.at(-1);
    if (last === undefined)
      throw new CommandError(
        `no checkpoint was signed in ${home} yet; the daemon makes the first key when it starts`,
      );
    const firsts = keys.filter(({ signedBy }) => signedBy === undefined);
    for (const { day, first } of firsts) print(`first key, since ${formatDay(day)}: ${first}`);
    print(`key in use, since ${formatDay(last.day)}: ${keyFingerprintOf(last.key)}, of ${keys.length}`);
    if (firsts.length > 1)
      print(
        'a file of the signing key was lost: kmipd audit verify trusts the oldest first key, and others by --trust',
      );
  },
};

const formatDay = (day: string) => `${day.slice(0, 4)}-${day.slice(4, 6)}-${day.slice(6)}`;
