import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { say } from './say.mjs';

/** Holds a folder as a lock while `work` runs: two first starts at once must not install over each other. */
export async function locked(root, work, name = 'lock') {
  const lock = join(root, '.runtime', name);
  mkdirSync(join(root, '.runtime'), { recursive: true });
  await take(lock);
  try {
    return await work();
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

async function take(lock) {
  const own = mkdtempSync(`${lock}.`);
  writeFileSync(join(own, 'pid'), String(process.pid));
  for (let told = false; !isMoved(own, lock); told = true) {
    const pid = holderOf(lock);
    if (pid !== undefined && !isAlive(pid)) takeAway(lock, pid);
    else if (!told) say('omninode: another start is installing; waiting for it.');
    await delay(200);
  }
}

// A folder with something in it is not replaced: so the lock is never without its holder's id, whenever one is killed.
function isMoved(own, lock) {
  try {
    renameSync(own, lock);
    return true;
  } catch (error) {
    if (['EEXIST', 'ENOTEMPTY', 'EPERM'].includes(error.code)) return false;
    throw error;
  }
}

/** Undefined when there is none any more. */
function holderOf(lock) {
  try {
    return readFileSync(join(lock, 'pid'), 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function isAlive(pid) {
  try {
    process.kill(Number(pid), 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

// Another one may have done so a moment ago, and a third may hold it by now: only the dead holder's is taken away.
function takeAway(lock, pid) {
  const aside = `${lock}.${process.pid}`;
  try {
    renameSync(lock, aside);
    if (holderOf(aside) === pid) rmSync(aside, { recursive: true, force: true });
    else renameSync(aside, lock);
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
}
