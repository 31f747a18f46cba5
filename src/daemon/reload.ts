import { isDeepStrictEqual } from 'node:util';
import { failureLines } from '../cli/failure.ts';
import { createRootSources } from '../cli/state-directory/root-sources.ts';
import type { StateDirectory } from '../cli/state-directory/state-directory.ts';
import { readStateConfig } from '../cli/state-directory/state-directory.ts';
import type { TokenRoots } from '../cli/state-directory/token-roots.ts';
import { JoinedRuns } from '../common/joined-runs.ts';
import {
  type Config,
  type ConfigOverrides,
  certificationRulesOf,
  cryptographicSettingsOf,
  protectionOf,
} from '../config/index.ts';
import { takeOverReloadable } from '../config/reloadable.ts';
import type { LocalVault } from '../vault/local-vault.ts';
import { attendanceOf } from './backends.ts';
import type { Connections } from './connections.ts';
import type { Services } from './services.ts';
import type { StartContext } from './start-context.ts';
import type { TlsMaterialSource } from './tls-material.ts';

/**
 * Reads the configuration of a state directory; the command line takes precedence.
 * @throws {ConfigError} with every problem of the file.
 */
export function loadConfig(stateDirectory: StateDirectory, overrides: ConfigOverrides): Config {
  return { ...readStateConfig(stateDirectory), ...overrides };
}

/**
 * Runs a reload after each SIGHUP and each request, one after another; those that wait share one, also those
 * that arrive before `start`. From the constructor on, SIGHUP no longer ends the process.
 */
export class ReloadQueue {
  readonly #reload = Promise.withResolvers<Reloader['reload']>();
  readonly #runs = new JoinedRuns(async () => (await this.#reload.promise)());

  constructor() {
    process.on('SIGHUP', () => void this.request());
  }

  /** Resolves to the result of a reload that begins after this call. */
  request(): ReturnType<Reloader['reload']> {
    return this.#runs.request();
  }

  /** `reload` must not reject. */
  start(reload: Reloader['reload']): void {
    this.#reload.resolve(reload);
  }
}

/** What uses the roots of a configuration. */
export interface RootUse {
  readonly vault: Pick<LocalVault, 'status' | 'useSources' | 'direct'>;
  readonly tokens: TokenRoots;
}

/** What a configuration says of the rows of the database. */
export interface ConfigChecks {
  /** Rejects for a configuration that must not be in force. */
  require(config: Config): Promise<void>;
  /** Logs what is suspicious in a configuration in force; must not reject. */
  warn(config: Config): Promise<void>;
}

/** Applies changes of the configuration and of the certificates to the running daemon. */
export class Reloader {
  readonly #context: StartContext;
  readonly #overrides: ConfigOverrides;
  readonly #material: TlsMaterialSource;
  readonly #services: Services;
  readonly #connections: Connections;
  readonly #vault: RootUse['vault'];
  readonly #tokens: RootUse['tokens'];
  readonly #checks: ConfigChecks;
  #config: Config;

  constructor(
    context: StartContext,
    overrides: ConfigOverrides,
    material: TlsMaterialSource,
    services: Services,
    connections: Connections,
    { vault, tokens }: RootUse,
    checks: ConfigChecks,
  ) {
    this.#context = context;
    this.#overrides = overrides;
    this.#material = material;
    this.#services = services;
    this.#connections = connections;
    this.#vault = vault;
    this.#tokens = tokens;
    this.#checks = checks;
    this.#config = context.config;
  }

  /** The configuration in force. */
  get config(): Config {
    return this.#config;
  }

  /**
   * Resolves to what has failed, one line, and never rejects: a configuration that cannot be used is logged,
   * and the former one stays in force. Open connections are checked in either case, by the configuration that
   * is in force then; without the client directory the next check does it.
   */
  async reload(): Promise<string | undefined> {
    const { log } = this.#context;
    const read = await this.#takeOver().catch((error: unknown) => ({ failure: failureLines(error) }));
    const unchecked = await this.#recheckConnections();
    if ('failure' in read) {
      log.error(
        { error: read.failure.join('\n') },
        'the reload failed; the former configuration stays in force',
      );
      return `its reload failed, and the former configuration stays in force: ${read.failure.join('; ')}`;
    }
    await this.#checks.warn(this.#config);
    log.info(
      'configuration reloaded: certificates, trusted authorities, roots, mode of values, roles, [authorities], [certification], [crypto], audit sinks and log level',
    );
    const keys = read.ignoredKeys;
    if (keys.length > 0) log.warn({ keys }, 'changes of these keys wait for a restart');
    return unchecked;
  }

  /** Reads the configuration and puts it in force; returns the keys whose changes wait for a restart. */
  async #takeOver(): Promise<{ readonly ignoredKeys: readonly string[] }> {
    const next = loadConfig(this.#context.stateDirectory, this.#overrides);
    const { config, ignoredKeys } = takeOverReloadable(this.#config, next);
    await this.#checks.require(config);
    await this.#apply(config);
    return { ignoredKeys };
  }

  /** Puts the configuration in force as a whole: only its first two steps can fail. */
  async #apply(config: Config): Promise<void> {
    const { replaceRoles, cryptographicPolicy, protection, certification, waitingPeriod } = this.#services;
    const material = await this.#material.read(config);
    this.#connections.reload(material);
    this.#material.replace(material);
    replaceRoles(config.roles);
    cryptographicPolicy.replace(cryptographicSettingsOf(config));
    protection.current = protectionOf(config);
    certification.current = certificationRulesOf(config);
    waitingPeriod.current = config.destroy;
    this.#context.log.level = config.log.level;
    this.#config = config;
    await this.#useRoots();
    await this.#useValueMode();
  }

  /** Uses the roots of the configuration; the log says which of them are not at hand. */
  async #useRoots(): Promise<void> {
    const { stateDirectory, log } = this.#context;
    const sources = createRootSources(stateDirectory, this.#config, {
      ...{ ...attendanceOf(log), tokens: this.#tokens },
    });
    const uris = sources.map(({ uri }) => uri);
    if (!isDeepStrictEqual(uris, this.#vault.status().configured)) await this.#vault.useSources(sources);
    else for (const source of sources) await source.close?.();
  }

  /** Takes direct mode over unless the key in the token can never serve it. */
  async #useValueMode(): Promise<void> {
    const { values } = this.#config.vault;
    const { direct } = this.#vault;
    if (values === direct.mode) return;
    const problem = values === 'direct' ? await direct.problem() : undefined;
    if (problem === undefined) direct.mode = values;
    else this.#context.log.error({ error: problem }, 'values stay in envelope mode');
  }

  /** Resolves to what has failed, if anything. */
  async #recheckConnections(): Promise<string | undefined> {
    try {
      await this.#connections.recheck();
      return undefined;
    } catch (error) {
      const { message } = error as Error;
      const problem = 'open connections are checked later: the check failed';
      this.#context.log.warn({ error: message }, problem);
      return problem;
    }
  }
}
