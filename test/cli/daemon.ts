import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { connect, type Identity, readIdentity, text, valueOf } from '../client.ts';

const main = join(import.meta.dirname, '..', '..', 'src', 'main.ts');

/** A `kmipd` process with what it prints. */
export class Daemon {
  readonly process: ChildProcess;
  output = '';
  errors = '';

  constructor(words: readonly string[], cwd: string) {
    this.process = spawn(process.execPath, [main, ...words], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    this.process.stdout?.setEncoding('utf8').on('data', (chunk) => {
      this.output += chunk;
    });
    this.process.stderr?.setEncoding('utf8').on('data', (chunk) => {
      this.errors += chunk;
    });
  }

  /** Port of the ready line. Rejects when the process ends first. */
  async ready(): Promise<number> {
    const match = await this.prints(/^kmipd \S+ ready on 127\.0\.0\.1:(\d+) .*$/m);
    return Number(match[1]);
  }

  /** Waits for output behind `from` characters. */
  async prints(pattern: RegExp, from = 0): Promise<RegExpExecArray> {
    const deadline = Date.now() + 30_000;
    for (;;) {
      const match = pattern.exec(this.output.slice(from));
      if (match !== null) return match;
      const ended = this.process.exitCode !== null || this.process.signalCode !== null;
      if (ended || Date.now() > deadline) throw new Error(`no ${pattern} in\n${this.output}${this.errors}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Asks for a reload and waits until it is done, well or not. */
  async reload(): Promise<string> {
    const from = this.output.length;
    this.process.kill('SIGHUP');
    return (await this.prints(/^.*(configuration reloaded|reload failed).*$/m, from))[0];
  }

  /** Exit code, or the signal's name. */
  async ended(): Promise<number | string | null> {
    if (this.process.exitCode === null && this.process.signalCode === null) await once(this.process, 'close');
    return this.process.exitCode ?? this.process.signalCode;
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | string | null> {
    this.process.kill(signal);
    return this.ended();
  }
}

/** Runs a command to its end. */
export async function kmipd(cwd: string, ...words: string[]): Promise<Daemon> {
  const command = new Daemon(words, cwd);
  await command.ended();
  return command;
}

const reasons: Readonly<Record<string, string>> = {
  1: 'permitted',
  11: 'illegal',
  12: 'not permitted',
  256: 'failure',
};

/**
 * What becomes of a request to destroy an object that is not there: `permitted`, `not permitted`, or `refused` when the
 * server ends the connection.
 */
export async function tryDestroy(port: number, identity: Identity | string): Promise<string> {
  const pems = typeof identity === 'string' ? await readIdentity(identity) : identity;
  try {
    const client = await connect({ port, ...pems });
    try {
      const payload = [text('UniqueIdentifier', 'none')];
      const answer = await client.request('1.4', [{ operation: 'Destroy', payload }]);
      const reason = String(valueOf(answer, 'BatchItem', 'ResultReason'));
      return reasons[reason] ?? reason;
    } finally {
      await client.close();
    }
  } catch {
    return 'refused';
  }
}
