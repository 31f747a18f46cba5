import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { text } from '../client.ts';
import { Daemon } from '../fixture/daemon.ts';
import { runKmipd } from '../fixture/kmipd.ts';
import { waitUntil } from '../wait-until.ts';
import { ask, create, get } from './messages.ts';

/** A sink of the audit log that hangs or refuses, and what becomes of the requests meanwhile. */

// The processes take long on a loaded machine.
t.setTimeout(600_000);

type Behaviour = 'serve' | 'hang' | 'fail';

/** Takes JSON lines, as badly as a test wants. */
class Sink {
  behaviour: Behaviour = 'serve';
  /** Client Correlation Values of the lines that it has taken. */
  readonly taken = new Set<string>();
  readonly #waiting = new Set<ServerResponse>();
  readonly #server: Server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk;
    if (this.behaviour === 'hang') return void this.#waiting.add(response);
    if (this.behaviour === 'serve') this.#take(body);
    response.writeHead(this.behaviour === 'serve' ? 204 : 500).end();
  });

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/audit`;
  }

  /** Serves from now on, also those that wait. */
  recover(): void {
    this.behaviour = 'serve';
    for (const response of this.#waiting) response.destroy();
    this.#waiting.clear();
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #take(body: string): void {
    for (const line of body.split('\n').filter(Boolean)) {
      const { clientCorrelation } = JSON.parse(line) as { clientCorrelation?: string };
      if (clientCorrelation !== undefined) this.taken.add(clientCorrelation);
    }
  }
}

async function open(t: Test, onFailure: 'refuse' | 'alarm') {
  const sink = new Sink();
  const url = await sink.listen();
  t.teardown(() => sink.close());
  const lines = [`url = "${url}"`, `onFailure = "${onFailure}"`, 'deadlineSeconds = 1', 'timeoutSeconds = 1'];
  const config = `[[audit.sinks]]\nname = "siem"\ntype = "https"\n${lines.join('\n')}\n`;
  const server = await Daemon.prepare({ config });
  t.teardown(() => server.remove());
  await server.start();
  const client = await server.connect();
  t.teardown(() => client.close());
  let count = 0;
  /** Those that were answered with success. */
  const served: string[] = [];
  const send = async (request: Parameters<typeof ask>[1][0]) => {
    const value = `message-${count++}`;
    const [answer] = await ask(client, [request], [text('ClientCorrelationValue', value)]);
    if (answer?.ok === true) served.push(value);
    return answer;
  };
  const { id } = (await send(create('key'))) ?? {};
  const read = () => send(get(id));
  const allTaken = () =>
    waitUntil('every record at the sink', () => served.every((value) => sink.taken.has(value)));
  await allTaken();
  return { server, sink, served, read, allTaken };
}

for (const behaviour of ['hang', 'fail'] as const) {
  t.test(`no key leaves while a sink that must have every record does ${behaviour}`, async (t) => {
    const { server, sink, served, read, allTaken } = await open(t, 'refuse');
    sink.behaviour = behaviour;
    t.ok((await read())?.ok, 'the record may wait until the deadline');
    await server.waitForOutput(/an audit sink is behind: requests are refused/);
    const before = served.length;
    for (let at = 0; at < 5; at += 1) {
      const refused = await read();
      t.match(refused, { ok: false, payload: undefined, message: /reference/ });
      t.notMatch(refused?.message, /siem|http|sink/, 'the client is told nothing of the sink');
    }
    t.equal(served.length, before);
    sink.recover();
    await server.waitForOutput(/the audit sink has the entries that waited/);
    t.ok((await read())?.ok, 'requests are served again');
    await allTaken();
    t.pass('the sink has every record of what was served');
    t.equal(await server.end(), 0);
  });

  t.test(`service goes on while a sink does ${behaviour}, and that is recorded afterwards`, async (t) => {
    const { server, sink, read, allTaken } = await open(t, 'alarm');
    sink.behaviour = behaviour;
    t.ok((await read())?.ok);
    await server.waitForOutput(/an audit sink is behind; requests are served all the same/);
    for (let at = 0; at < 20; at += 1) t.ok((await read())?.ok);
    sink.recover();
    await server.waitForOutput(/the audit sink has the entries that waited/);
    await allTaken();
    t.equal(await server.end(), 0);
    const args = ['--json', '--operation', 'AuditSinkRecovered'];
    const show = await runKmipd('.', 'audit', 'show', '--home', server.home, ...args);
    t.equal(await show.exited(), 0);
    t.match(JSON.parse(show.output.trim()), { kind: 'audit', details: { sink: 'siem', entries: Number } });
  });
}
