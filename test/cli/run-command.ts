import { run } from '../../src/cli/run.ts';
import { capture, type Observed } from './snapshots.ts';

const unexpected = async () => {
  throw new Error('no command of this test starts the daemon');
};

/** Runs a command in this process; resolves to its exit code. */
export const runCommand = (...args: readonly string[]): Promise<number> =>
  run(args, '0', { boot: unexpected, inspect: unexpected });

/** Runs a command on a state directory in this process and keeps what it writes. */
export const captureCommand = (
  home: string,
  ...args: readonly string[]
): Promise<Omit<Observed, 'snapshots'>> => capture(() => runCommand(...args, '--home', home));
