import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { say } from './say.mjs';

/**
 * Holds a folder as a lock while `work` runs: two first starts at once must not install over each other.
 *
 * The lock is a folder with one file in it, named by its holder. It is taken by moving a full folder over none
 * or an empty one, and given back, or taken from a dead holder, by removing the file of that name: whoever does
 * so late, when another holds the lock, finds no such file and does no harm.
 */
export async function locked(root, work, name = 'lock') {
  const lock = join(root, '.runtime', name);
  mkdirSync(join(root, '.runtime'), { recursive: true });
  const holder = await take(lock);
  try {
    return await work();
  } finally {
    free(lock, holder);
  }
}

async function take(lock) {
  const own = mkdtempSync(`${lock}.`);
  const holder = `${process.pid}-${randomUUID()}`;
  writeFileSync(join(own, holder), '');
  for (let told = false; !isMoved(own, lock); ) {
    const other = holderOf(lock);
    if (other === undefined || !isAlive(other)) {
      free(lock, other);
      continue;
    }
    if (!told) say('omninode: another start is installing; waiting for it.');
    told = true;
    await delay(200);
  }
  return holder;
}

function isMoved(own, lock) {
  return hasDone(() => renameSync(own, lock), ['EEXIST', 'ENOTEMPTY', 'EPERM', 'EACCES']);
}

// An empty folder counts as free, but only POSIX replaces one when moving: so it goes too.
function free(lock, holder) {
  if (holder !== undefined) hasDone(() => unlinkSync(join(lock, holder)), ['ENOENT']);
  hasDone(() => rmdirSync(lock), ['ENOENT', 'ENOTEMPTY', 'EEXIST']);
}

/** Undefined when there is none any more. */
function holderOf(lock) {
  let holders = [];
  hasDone(() => (holders = readdirSync(lock)), ['ENOENT']);
  return holders[0];
}

function hasDone(step, expected) {
  try {
    step();
    return true;
  } catch (error) {
    if (expected.includes(error.code)) return false;
    throw error;
  }
}

function isAlive(holder) {
  try {
    process.kill(Number.parseInt(holder, 10), 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
