import { failureLines } from '../cli/failure.ts';
import type { StateDirectory } from '../cli/state-directory/state-directory.ts';
import { readStateConfig } from '../cli/state-directory/state-directory.ts';
import {
  type Config,
  type ConfigOverrides,
  certificationRulesOf,
  cryptographicSettingsOf,
  protectionOf,
} from '../config/index.ts';
import { takeOverReloadable } from '../config/reloadable.ts';
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
 * Runs one reload for each SIGHUP and each request, one after another. Those that arrive before `start` wait
 * for it. From the constructor on, SIGHUP no longer ends the process.
 */
export class ReloadQueue {
  readonly #reload = Promise.withResolvers<() => Promise<void>>();
  #last: Promise<void> = Promise.resolve();

  constructor() {
    process.on('SIGHUP', () => void this.request());
  }

  /** Resolves once a reload that began after this call has ended. */
  request(): Promise<void> {
    this.#last = this.#last.then(async () => (await this.#reload.promise)());
    return this.#last;
  }

  /** `reload` must not reject. */
  start(reload: () => Promise<void>): void {
    this.#reload.resolve(reload);
  }
}

/** Applies changes of the configuration and of the certificates to the running daemon. */
export class Reloader {
  readonly #context: StartContext;
  readonly #overrides: ConfigOverrides;
  readonly #material: TlsMaterialSource;
  readonly #services: Services;
  readonly #connections: Connections;
  readonly #warnOf: (config: Config) => Promise<void>;
  /** The configuration in force. */
  #config: Config;

  /** `warnOf` logs what is suspicious in a configuration in force; it must not reject. */
  constructor(
    context: StartContext,
    overrides: ConfigOverrides,
    material: TlsMaterialSource,
    services: Services,
    connections: Connections,
    warnOf: (config: Config) => Promise<void>,
  ) {
    this.#context = context;
    this.#overrides = overrides;
    this.#material = material;
    this.#services = services;
    this.#connections = connections;
    this.#warnOf = warnOf;
    this.#config = context.config;
  }

  /**
   * Never rejects: a configuration that cannot be used is logged, and the former one stays in force. Once the
   * new one is in force, open connections are checked; without the client directory the next check does it.
   */
  async reload(): Promise<void> {
    const { log } = this.#context;
    try {
      const next = loadConfig(this.#context.stateDirectory, this.#overrides);
      const { config, ignoredKeys } = takeOverReloadable(this.#config, next);
      await this.#apply(config);
      await this.#recheckConnections();
      await this.#warnOf(config);
      log.info(
        'configuration reloaded: certificates, trusted authorities, roles, [authorities], [certification], [crypto] and log level',
      );
      if (ignoredKeys.length > 0) log.warn({ keys: ignoredKeys }, 'changes of these keys wait for a restart');
    } catch (error) {
      log.error(
        { error: failureLines(error).join('\n') },
        'the reload failed; the former configuration stays in force',
      );
    }
  }

  /** Puts the configuration in force as a whole: only its first two steps can fail. */
  async #apply(config: Config): Promise<void> {
    const { rolePolicy, cryptographicPolicy, protection, certification } = this.#services;
    const material = await this.#material.read(config);
    this.#connections.reload(material);
    this.#material.replace(material);
    rolePolicy.replace(config.roles);
    cryptographicPolicy.replace(cryptographicSettingsOf(config));
    protection.current = protectionOf(config);
    certification.current = certificationRulesOf(config);
    this.#context.log.level = config.log.level;
    this.#config = config;
  }

  async #recheckConnections(): Promise<void> {
    try {
      await this.#connections.recheck();
    } catch (error) {
      const { message } = error as Error;
      this.#context.log.warn({ error: message }, 'open connections are checked later: the check failed');
    }
  }
}
