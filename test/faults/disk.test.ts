import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { children, connect, type Identity, text, valueOf } from '../client.ts';
import { Daemon, enrolClients } from '../fixture/daemon.ts';
import { runKmipd } from '../fixture/kmipd.ts';
import { integrity } from './kill.ts';
import { ask, get, hashOf, locate, located, materialHash, register } from './messages.ts';
import { fillDisk, mountSmallDisk, unmountDisk } from './small-disk.ts';

// The processes take long on a loaded machine.
t.setTimeout(900_000);

const mount = mkdtempSync(join(tmpdir(), 'kmipd-disk-'));

const missing = mountSmallDisk(mount, '6m');
t.teardown(() => {
  if (missing === undefined) unmountDisk(mount);
  rmSync(mount, { recursive: true, force: true });
});

const material = (seed: number): Uint8Array => new Uint8Array(32).fill(seed);

t.test(
  'the daemon refuses changes and keeps its data when the disk is full',
  { skip: missing ?? false, timeout: 900_000 },
  async (t) => {
    const role = 'lab = ["Locate"]';
    const config = `[roles]\n${role}\n`;
    const server = await Daemon.prepare({ database: join(mount, 'kmipd.db'), config });
    t.teardown(() => server.remove());
    const identity = (await enrolClients(server.home, ['lab'], 'lab')).get('lab') as Identity;
    await server.start();
    const lab = await connect({ port: server.port, ...identity });
    const mayLocate = async () => (await ask(lab, [locate('none')]))[0]?.ok;
    const disable = async () => {
      const command = await runKmipd('.', 'client', 'disable', 'lab', '--home', server.home);
      return { code: await command.exited(), output: command.combinedOutput };
    };
    const client = await server.connect();
    const kept = new Map<string, string>();
    const refused: string[] = [];
    const tryOne = async (at: number): Promise<boolean> => {
      const [answer] = await ask(client, [register(`key-${at}`, material(at & 0xff)), get()]);
      // Get is in the same batch: the first Get of a key is a change (Fresh), which a full disk cannot store.
      if (answer?.ok) kept.set(answer.id, hashOf(material(at & 0xff)));
      else refused.push(answer?.message ?? '');
      return answer?.ok ?? false;
    };
    for (let at = 0; at < 10; at++) t.ok(await tryOne(at));
    const ballast = join(mount, 'ballast');
    fillDisk(ballast);
    // The space that the write-ahead log has allocated is used up first.
    let at = 10;
    while (at < 5_000 && (await tryOne(at))) at++;
    t.ok(at < 5_000, `the disk was full after ${at} keys`);
    const again = await client.request('1.4', [register('late', material(9))]);
    const [item] = children(again, 'BatchItem');
    t.equal(item && valueOf(item, 'ResultReason'), 0x100, 'General Failure');
    const message = String(item && valueOf(item, 'ResultMessage'));
    t.match(message, /reference/, 'with a reference for the log');
    t.notMatch(message, /disk|sqlite|\/|full/i, 'and nothing of the inside');
    t.match(server.output, /full/i, 'the log says why');
    const check = async (when: string) => {
      const reader = await server.connect();
      let wrong = 0;
      for (const [id, hash] of kept) {
        const [answer] = await ask(reader, [get(id)]);
        if (answer === undefined || materialHash(answer) !== hash) wrong++;
      }
      t.equal(wrong, 0, `${when}: every one of ${kept.size} acknowledged keys is there`);
      const [none] = await ask(reader, [locate('late')]);
      t.same(none && located(none), [], `${when}: what was refused is not`);
      await reader.close();
    };
    await check('full');
    t.same(
      valueOf(
        await client.request('1.4', [
          { operation: 'Activate', payload: [text('UniqueIdentifier', [...kept.keys()][0] ?? '')] },
        ]),
        'BatchItem',
        'ResultStatus',
      ),
      1,
      'no change either',
    );
    const refusal = await disable();
    t.equal(refusal.code, 1, 'no client is disabled');
    t.match(refusal.output, /full/i, 'the command says why');
    t.equal(await mayLocate(), true, 'the client is served on');
    const file = join(server.home, 'kmipd.toml');
    writeFileSync(file, readFileSync(file, 'utf8').replace(role, 'lab = ["Ping"]'));
    process.kill(server.pid, 'SIGHUP');
    await server.waitForOutput(/configuration reloaded/);
    t.equal(await mayLocate(), false, 'a role that is reloaded shuts its clients out');
    rmSync(ballast);
    t.same((await disable()).code, 0, 'with free space a client is disabled');
    await lab.close();
    t.ok(await tryOne(5_001), 'with free space it serves again, without a restart');
    await client.close();
    await server.end('SIGKILL');
    await server.start();
    await check('after a restart');
    t.equal(await server.end(), 0);
    t.same(integrity(server.database), []);
  },
);
