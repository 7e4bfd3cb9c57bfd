import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
  for (let told = false; ; told = true) {
    try {
      mkdirSync(lock);
      return writeFileSync(join(lock, 'pid'), String(process.pid));
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (!isHeld(lock)) rmSync(lock, { recursive: true, force: true });
    else if (!told) say('omninode: another start is installing; waiting for it.');
    await delay(200);
  }
}

function isHeld(lock) {
  try {
    process.kill(Number(readFileSync(join(lock, 'pid'), 'utf8')), 0);
    return true;
  } catch (error) {
    // ENOENT: the holder has made the folder and not yet written its id.
    return error.code === 'ENOENT' || error.code === 'EPERM';
  }
}
