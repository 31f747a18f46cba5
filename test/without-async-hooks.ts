import hooks from 'node:async_hooks';
import { syncBuiltinESMExports } from 'node:module';

/**
 * Loaded before each test file. tap has Node report every promise, to tell which test has thrown an error
 * that nobody catches, and tests with many promises take a fifth longer. Without the reports such an error
 * ends the file, which has failed then.
 */
const idle = { enable: () => idle, disable: () => idle };
hooks.createHook = () => idle;
syncBuiltinESMExports();
