import { DatabaseSync } from 'node:sqlite';

/**
 * Is loaded before a kmipd that ends by SIGKILL at a commit of SQLite: `KMIPD_KILL_AT_COMMIT` counts the
 * transactions of one thread that write, the process ends before the commit of that one, or after it with
 * `KMIPD_KILL_AFTER`.
 */

const target = Number(process.env.KMIPD_KILL_AT_COMMIT);
const isAfter = process.env.KMIPD_KILL_AFTER !== undefined;
const { exec } = DatabaseSync.prototype;
let commits = 0;

DatabaseSync.prototype.exec = function (this: DatabaseSync, sql: string): void {
  const isLast = sql === 'commit' && this.isTransaction && ++commits === target;
  if (isLast && !isAfter) process.kill(process.pid, 'SIGKILL');
  exec.call(this, sql);
  if (isLast) process.kill(process.pid, 'SIGKILL');
};
