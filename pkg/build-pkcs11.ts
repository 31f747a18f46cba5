import { spawnSync } from 'node:child_process';
import { mkdirSync, renameSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/**
 * Compiles pkcs11js, which keeps the root key in tokens; everything else in kmipd runs without it. One call of
 * g++ over the three files that its binding.gyp names, against the headers of the package node-api-headers:
 * node-gyp would need Python and download headers. `--required`: fail where it cannot be compiled; otherwise
 * say so and go on, so that an installation without a compiler succeeds.
 */
function compile(): string | undefined {
  const source = findPackage('pkcs11js');
  const headers = findPackage('node-api-headers');
  if (source === undefined || headers === undefined) return 'pkcs11js or node-api-headers is not installed';
  const folder = join(source, 'build', 'Release');
  const output = join(folder, 'pkcs11.node');
  mkdirSync(folder, { recursive: true });
  const { error, status, stderr } = spawnSync(
    process.env['CXX'] ?? 'g++',
    [
      ...['-shared', '-fPIC', '-O2', '-std=c++17', '-fstack-protector-strong', '-D_FORTIFY_SOURCE=2'],
      ...['-Wl,-z,relro,-z,now', '-DNAPI_DISABLE_CPP_EXCEPTIONS', '-DNODE_GYP_MODULE_NAME=pkcs11'],
      ...['-I', join(headers, 'include'), '-I', join(source, 'includes')],
      ...['dl', 'common', 'main'].map((name) => join(source, 'src', `${name}.cpp`)),
      ...['-o', `${output}.new`],
    ],
    { encoding: 'utf8' },
  );
  if (error !== undefined) return `there is no C++ compiler (${(error as NodeJS.ErrnoException).code})`;
  if (status !== 0) return `the compiler failed:\n${stderr}`;
  renameSync(`${output}.new`, output);
  return undefined;
}

function findPackage(name: string): string | undefined {
  try {
    return dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
  } catch {
    return undefined;
  }
}

const isRequired = process.argv.includes('--required');
const problem = compile();
if (problem !== undefined) {
  console.error(`PKCS #11 tokens cannot be used: ${problem}. Install g++ and run npm run build:pkcs11.`);
  if (isRequired) process.exitCode = 1;
}
