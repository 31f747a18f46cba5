import { execFileSync } from 'node:child_process';
import { closeSync, openSync, writeSync } from 'node:fs';

/** File systems that are small enough to fill. */

/** Mounts one at a directory, of a size such as `6m`; returns the reason when that is not possible. */
export function mountSmallDisk(directory: string, size: string): string | undefined {
  try {
    const options = `size=${size},mode=0700`;
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', directory], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'only root can mount a file system that is small enough to fill';
  }
}

/** Gives it another size. */
export function resizeDisk(directory: string, size: string): void {
  execFileSync('mount', ['-o', `remount,size=${size}`, directory]);
}

/** Removes it. */
export function unmountDisk(directory: string): void {
  execFileSync('umount', [directory]);
}

/** Fills the file system of a file to its last byte. */
export function fillDisk(file: string): void {
  const descriptor = openSync(file, 'w');
  try {
    for (const size of [65_536, 4_096, 1]) {
      const block = new Uint8Array(size).fill(1);
      for (let full = false; !full; ) {
        try {
          full = writeSync(descriptor, block) < size;
        } catch {
          full = true;
        }
      }
    }
  } finally {
    closeSync(descriptor);
  }
}
