/** What tools print when they fail -> one sentence that says what to do. First match wins. */
const REASONS = [
  [/ENOSPC|no space left/i, 'the disk is full: free about 1 GB and start again'],
  [/EACCES|EPERM|permission denied/i, 'this folder cannot be written to: make it yours (or move the clone) and start again'],
  [/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|network|ENETUNREACH/i, 'the npm registry cannot be reached: connect to it (or set npm\'s `registry` or `proxy`) and start again'],
  [/E404|ETARGET|notarget/i, 'the registry in use does not serve a package that the lockfile names: use a complete registry and start again'],
  [/EINTEGRITY/i, 'a download did not match the lockfile: run `npm cache clean --force` and start again'],
  [/EUSAGE|lock file|package-lock/i, 'package.json and package-lock.json disagree: run `git checkout package.json package-lock.json`'],
  [/ENOENT.*npm|npm: not found/i, 'npm was not found: install Node with npm and start again'],
];

export function why(what, output) {
  const known = REASONS.find(([pattern]) => pattern.test(output));
  if (known !== undefined) return `${what}: ${known[1]}.`;
  const lines = output.trim().split('\n').filter((line) => line.trim() !== '');
  return `${what}: ${lines.find((l) => /error/i.test(l)) ?? lines.at(-1) ?? 'no reason was given'}`;
}
