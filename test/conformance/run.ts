import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { connect, type Identity } from '../client.ts';
import { type FormName, forms, HttpsClient } from '../https-client.ts';
import { type Case, groupCases, matches, readCases, withPredecessors } from './case.ts';
import { type Connection, type Result, runGroup } from './exchange.ts';
import { pageFile, pageOf } from './page.ts';
import {
  type CaseResult,
  classify,
  describeFailures,
  type ExpectedFailures,
  leaveOut,
  matrix,
  type Outcome,
  reasonIn,
  summary,
  toJson,
  unusedExcuses,
} from './report.ts';
import { isReversed, runReversed } from './reversed.ts';
import { TestServer } from './server.ts';

/**
 * `npm run conformance [DIR]`: runs the OASIS cases of a directory over mutual TLS against a fresh server.
 */

const usage = `npm run conformance -- [DIR] [--only PATTERN] [--version V] [--https] [--encoding E] [--verbose] [--json FILE] [--keep]
DIR holds profiles/VERSION/*.xml and test-cases/VERSION/*.xml; default $KMIPD_OASIS, then ../shared/oasis.
--only     case names, * stands for any text
--version  only cases of that protocol version
--https    over HTTPS, by default in TTLV, instead of plain TTLV over TLS
--encoding ttlv, xml or json over HTTPS
--verbose  both messages of a failing exchange as XML
--json     the results for other programs
--keep     leave the server's home where it is
--page     run all in every encoding and record it in docs/conformance.md`;

const checkout = join(import.meta.dirname, '..', '..');

/** Directory of the cases: the argument, the environment variable, or the default beside the checkout. */
export function casesDirectory(given?: string): string {
  return resolve(given ?? process.env['KMIPD_OASIS'] ?? join(checkout, '..', 'shared', 'oasis'));
}

/** Transport of the messages: TTLV over TLS, or one of the encodings over HTTPS. */
export type Transport = 'tls' | FormName;

export interface Selection {
  readonly only?: string;
  readonly version?: string;
  /** Plain TTLV when left out. */
  readonly transport?: Transport;
}

export interface Run {
  readonly results: readonly CaseResult[];
  /** Operations excused from Query's answers that every answer of a whole run names. */
  readonly unused: readonly string[];
}

export async function readExpectedFailures(): Promise<ExpectedFailures> {
  return JSON.parse(
    await readFile(join(import.meta.dirname, 'expected-failures.json'), 'utf8'),
  ) as ExpectedFailures;
}

/** Runs the selected cases of a directory against a server that it starts. */
export async function runConformance(
  directory: string,
  selection: Selection = {},
  keep = false,
): Promise<Run> {
  const all = await readCases(directory);
  const selected = withPredecessors(all, (each) => isSelected(each, selection));
  const expected = await readExpectedFailures();
  const leftOut = selected.flatMap((each) => {
    const reason = reasonIn(expected.notPlayed, each.name);
    return reason === undefined ? [] : [leaveOut(each, reason)];
  });
  if (selected.length === 0) throw new Error(`no case in ${directory} was selected`);
  const groups = groupCases(selected.filter((each) => !leftOut.some((left) => left.case === each)));
  const clients = groups.map((_, index) => `conformance-${index + 1}`);
  const server = await TestServer.start({ clients, keep });
  const results: Result[] = [];
  try {
    for (const [index, group] of groups.entries()) {
      if (!server.running) throw new Error('the server ended before all cases were run');
      const name = clients[index] as string;
      const identity = server.identities.get(name) as Identity;
      const [first] = group.cases;
      if (first !== undefined && isReversed(first)) results.push(await runReversed(first, server, name));
      else
        results.push(...(await runGroup(group, () => open(server, identity, selection.transport ?? 'tls'))));
    }
  } catch (error) {
    throw new Error(`${(error as Error).message}\nlast output of the server:\n${server.output}`);
  } finally {
    await server.stop();
    if (keep) console.log(`state directory of the server: ${server.home}`);
  }
  const judged = [...classify(results, expected), ...leftOut];
  return { results: judged, unused: selected.length === all.length ? unusedExcuses(judged, expected) : [] };
}

async function open(server: TestServer, identity: Identity, transport: Transport): Promise<Connection> {
  if (transport === 'tls') return connect({ port: server.port, ...identity });
  const client = new HttpsClient({ port: server.httpsPort, ...identity });
  return { exchange: (request) => client.exchange(request, transport), close: () => client.close() };
}

function isSelected(each: Case, { only, version, transport = 'tls' }: Selection): boolean {
  if (!matches(only ?? '*', each.name) || (version !== undefined && each.version !== version)) return false;
  // Requests of the server always use plain TTLV.
  return transport === 'tls' || !isReversed(each);
}

function print({ results, unused }: Run, expected: ExpectedFailures, verbose: boolean): void {
  const having = (outcome: Outcome) => results.filter((each) => each.outcome === outcome);
  for (const each of having('failed')) console.log(`${describeFailures(each, verbose)}\n`);
  for (const each of having('unexpected pass')) {
    console.log(`${each.case.name} passes, but is listed as failing: ${each.reason}\n`);
  }
  for (const entry of unused) console.log(`Query names ${entry}, but it is excused from it\n`);
  for (const [outcome, label] of [
    ['expected failure', 'fails'],
    ['not run', 'not run'],
  ] as const) {
    for (const [reason, cases] of Map.groupBy(having(outcome), (each) => each.reason)) {
      console.log(`${label}: ${reason}\n  ${cases.map((each) => each.case.name).join(' ')}`);
    }
  }
  const excused = [...new Set(results.flatMap((each) => each.excused))];
  const cases = results
    .filter((each) => each.excused.length > 0 && each.outcome === 'passed')
    .map((each) => each.case.name);
  for (const [reason, operations] of Map.groupBy(
    excused,
    (operation) => expected.queryOperations[operation],
  )) {
    console.log(`not named by Query: ${reason}\n  ${operations.join(' ')}`);
  }
  if (cases.length > 0) console.log(`passed but for these operations: ${cases.join(' ')}`);
  console.log(`\n${matrix(results)}\n\n${summary(results)}`);
}

function transportOf(https: boolean, encoding: string | undefined): Transport {
  if (encoding === undefined) return https ? 'ttlv' : 'tls';
  const form = (Object.keys(forms) as FormName[]).find((name) => name === encoding);
  if (form === undefined) throw new Error(`--encoding must be one of ${Object.keys(forms).join(', ')}`);
  return form;
}

/** Runs every case in every encoding and writes the page, failures included; a failure fails the command. */
async function recordPage(directory: string): Promise<number> {
  const runIn = async (transport: Transport, only?: string) =>
    (await runConformance(directory, { transport, ...(only && { only }) })).results;
  const runs = {
    tls: await runIn('tls'),
    ttlv: await runIn('ttlv', 'MSGENC-*'),
    xml: await runIn('xml'),
    json: await runIn('json'),
  };
  await writeFile(pageFile, pageOf(runs, new Date().toISOString().slice(0, 10)));
  console.log(`docs/conformance.md is written\n\n${summary(Object.values(runs).flat())}`);
  const wrong = Object.values(runs)
    .flat()
    .filter(({ outcome }) => outcome === 'failed' || outcome === 'unexpected pass');
  return wrong.length > 0 ? 1 : 0;
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      only: { type: 'string' },
      version: { type: 'string' },
      https: { type: 'boolean', default: false },
      encoding: { type: 'string' },
      verbose: { type: 'boolean', default: false },
      json: { type: 'string' },
      keep: { type: 'boolean', default: false },
      page: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const directory = casesDirectory(positionals[0]);
  if (!existsSync(directory)) {
    console.log(`no conformance cases in ${directory}: skipped\n\n0 passed, 0 failed, 0 skipped`);
    return 0;
  }
  if (values.page) return recordPage(directory);
  const { only, version } = values;
  const selection = { ...(only && { only }), ...(version && { version }) };
  const run = await runConformance(
    directory,
    { ...selection, transport: transportOf(values.https, values.encoding) },
    values.keep,
  );
  print(run, await readExpectedFailures(), values.verbose);
  if (values.json !== undefined) await writeFile(values.json, toJson(run.results));
  const wrong = run.results.some(({ outcome }) => outcome === 'failed' || outcome === 'unexpected pass');
  return wrong || run.unused.length > 0 ? 1 : 0;
}

if (import.meta.main) {
  try {
    process.exitCode = await main();
  } catch (error) {
    console.error(`conformance: ${(error as Error).message}`);
    process.exitCode = 1;
  }
}
